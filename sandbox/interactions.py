"""The interactions there have been, and Discord's two deadlines: 3 s to acknowledge, 15 minutes to answer."""

import asyncio
import secrets
from typing import Any

from sandbox.clock import Clock, Snowflakes, Timer
from sandbox.errors import (
    Refusal,
    already_acknowledged,
    invalid_webhook_token,
    unknown_interaction,
    unknown_webhook,
)
from sandbox.events import Event, Events
from sandbox.faults import Faults
from sandbox.gateway import Gateway
from sandbox.interaction import Interaction, Kind, State
from sandbox.messages import Message, Messages
from sandbox.world import Channel, User, World

ACKNOWLEDGE_S = 3.0
TOKEN_S = 15 * 60.0
ATTACHMENT_LIMIT = 10 * 1024 * 1024


class Interactions:
    def __init__(
        self,
        *,
        world: World,
        clock: Clock,
        ids: Snowflakes,
        gateway: Gateway,
        messages: Messages,
        faults: Faults,
        events: Events,
    ) -> None:
        self._world = world
        self._clock = clock
        self._ids = ids
        self._gateway = gateway
        self._messages = messages
        self._faults = faults
        self._events = events
        self.acknowledge_s = ACKNOWLEDGE_S
        self._by_id: dict[str, Interaction] = {}
        self._by_token: dict[str, Interaction] = {}
        self._modals: dict[str, Interaction] = {}
        self._deadlines: dict[str, Timer] = {}

    def begin(
        self,
        kind: Kind,
        user: User,
        channel: Channel,
        data: dict[str, Any],
        *,
        command: str | None = None,
        source: Message | None = None,
        focused_type: int | None = None,
    ) -> Interaction:
        """Deliver a new interaction to the bot; `settled` tells when it was acknowledged, or was not."""
        interaction = Interaction(
            id=self._ids.next(),
            token=secrets.token_urlsafe(32),
            kind=kind,
            user=user,
            channel=channel,
            command=command,
            source=source.id if source else None,
            focused_type=focused_type,
            began_s=self._clock.now(),
            settled=asyncio.get_running_loop().create_future(),
        )
        self._by_id[interaction.id] = self._by_token[interaction.token] = interaction
        if not self._gateway.reachable:
            self.move(interaction, State.FAILED)
            return interaction
        self._expire_after(interaction, self.acknowledge_s)
        payload = self._payload(interaction, data, source)
        deliveries = self._faults.deliveries()
        interaction.disturbed = deliveries > 1
        for _ in range(deliveries):
            self._gateway.dispatch("INTERACTION_CREATE", payload)
        return interaction

    def get(self, interaction_id: str) -> Interaction | None:
        return self._by_id.get(interaction_id)

    def opened_modal(self, user: User, reference: str) -> Interaction:
        """The interaction that opened a form for `user`, by its id or by the form's custom id."""
        for interaction in reversed(self._modals.values()):
            names = (interaction.id, (interaction.modal or {}).get("custom_id"))
            if interaction.user is user and reference in names:
                return interaction
        raise Refusal(404, f"{user.name} has no form {reference!r} open")

    def open_modal(self, interaction: Interaction, modal: dict[str, Any]) -> None:
        interaction.modal = modal
        self._modals[interaction.id] = interaction

    def submitted(self, interaction: Interaction) -> None:
        """The form is closed: it is sent once."""
        self._modals.pop(interaction.id, None)
        interaction.modal = None

    def disturb(self, interaction_id: str | None) -> None:
        """A reply about it will be lost, so the bot may well answer it again."""
        if interaction_id in self._by_id:
            self._by_id[interaction_id].disturbed = True

    def to_acknowledge(self, interaction_id: str, token: str) -> Interaction:
        """The pending interaction that a callback is for."""
        interaction = self._by_id.get(interaction_id)
        if interaction is None or not secrets.compare_digest(interaction.token, token):
            raise unknown_interaction()
        if interaction.acknowledged_s is not None:
            raise already_acknowledged(problem=not interaction.disturbed)
        if interaction.state is not State.PENDING:
            raise unknown_interaction()
        return interaction

    def by_token(self, application_id: str, token: str) -> Interaction:
        """The acknowledged interaction that a follow-up is for."""
        interaction = self._by_token.get(token)
        if application_id != self._world.bot.id or interaction is None:
            raise unknown_webhook()
        if interaction.acknowledged_s is None:
            raise unknown_webhook()
        if interaction.state is State.EXPIRED or self._clock.now() > interaction.began_s + TOKEN_S:
            raise invalid_webhook_token()
        return interaction

    def move(self, interaction: Interaction, state: State) -> None:
        """Go to `state`; a follow-up to what is already answered changes nothing."""
        if state is interaction.state:
            return
        interaction.move(state, self._clock.now())
        if (deadline := self._deadlines.pop(interaction.id, None)) is not None:
            deadline.cancel()
        if state is State.DEFERRED:
            self._expire_after(interaction, interaction.began_s + TOKEN_S - self._clock.now())
        self.tell(interaction)

    def tell(self, interaction: Interaction) -> None:
        self._events.publish(
            Event(
                name="interaction",
                data=interaction.shown(self._messages),
                channel=interaction.channel.id,
                visible_to=interaction.user.id,
            )
        )

    def close(self) -> None:
        for timer in self._deadlines.values():
            timer.cancel()

    def _expire_after(self, interaction: Interaction, delay_s: float) -> None:
        self._deadlines[interaction.id] = self._clock.call_later(delay_s, lambda: self.move(interaction, State.EXPIRED))

    def _payload(self, interaction: Interaction, data: dict[str, Any], source: Message | None) -> dict[str, Any]:
        """Discord's interaction object."""
        user, channel = interaction.user, interaction.channel
        guild = self._world.guild_of(channel)
        permissions = str(guild.permissions(user.id))
        payload: dict[str, Any] = {
            "id": interaction.id,
            "application_id": self._world.bot.id,
            "type": interaction.kind.value,
            "token": interaction.token,
            "version": 1,
            "data": data,
            "guild_id": guild.id,
            "guild": {"id": guild.id, "locale": "en-US", "features": []},
            "channel_id": channel.id,
            "channel": channel.payload() | {"permissions": permissions},
            "member": self._world.member_payload(guild, user.id) | {"permissions": permissions},
            "app_permissions": str(guild.permissions(self._world.bot.id)),
            "locale": "en-US",
            "guild_locale": "en-US",
            "entitlements": [],
            "authorizing_integration_owners": {"0": guild.id},
            "context": 0,
            "attachment_size_limit": ATTACHMENT_LIMIT,
        }
        if source is not None:
            payload["message"] = self._messages.payload(source)
        return payload
