"""One sandbox's parts, wired together."""

from typing import Any

from sandbox.actions import Actions
from sandbox.answers import Answers
from sandbox.attachments import Attachments
from sandbox.clock import Clock, Snowflakes
from sandbox.commands import Commands
from sandbox.direct import Places
from sandbox.events import Event, Events
from sandbox.faults import Faults
from sandbox.gateway import Gateway
from sandbox.interactions import Interactions
from sandbox.message_form import MessageForm
from sandbox.messages import Messages
from sandbox.nonces import Nonces
from sandbox.problems import Problems
from sandbox.world import World

HEARTBEAT_S = 41.25


class Hub:
    def __init__(
        self,
        *,
        world: World,
        token: str,
        clock: Clock,
        privileged_intents: int = 0,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        ids = Snowflakes(clock)
        self.world = world
        self.token = token
        self.problems = Problems()
        self.faults = Faults()
        self.events = Events()
        self.gateway = Gateway(
            world=world,
            token=token,
            faults=self.faults,
            events=self.events,
            problems=self.problems,
            privileged_intents=privileged_intents,
            heartbeat_s=heartbeat_s,
        )
        self.places = Places(world, ids)
        self.nonces = Nonces(clock)
        self.attachments = Attachments(ids)
        self.commands = Commands(world.bot.id, ids)
        self.messages = Messages(world=world, clock=clock, ids=ids, gateway=self.gateway, events=self.events)
        self.interactions = Interactions(
            world=world,
            clock=clock,
            ids=ids,
            gateway=self.gateway,
            messages=self.messages,
            faults=self.faults,
            events=self.events,
        )
        self.message_form = MessageForm(world, self.attachments)
        self.answers = Answers(
            world=world, messages=self.messages, interactions=self.interactions, form=self.message_form
        )
        self.actions = Actions(
            world=world,
            commands=self.commands,
            messages=self.messages,
            interactions=self.interactions,
            attachments=self.attachments,
        )

    def register(self, scope: str | None, payload: Any) -> list[dict[str, Any]]:
        """Overwrite the commands of a scope, and tell the page."""
        registered = self.commands.overwrite(scope, payload)
        self.events.publish(Event(name="commands", data=self.commands.everything()))
        return registered

    def close(self) -> None:
        self.interactions.close()
        self.events.publish(None)
        self.gateway.close()
