"""Messages: what was said where, by whom, and who sees it."""

import itertools
from collections import defaultdict
from dataclasses import dataclass, replace
from typing import Any

from sandbox.clock import Clock, Snowflakes, timestamp
from sandbox.direct import DirectChannel, Place
from sandbox.errors import unknown_message
from sandbox.events import Event, Events
from sandbox.gateway import Gateway
from sandbox.intents import Intent
from sandbox.mentions import NOBODY, Mentions
from sandbox.world import User, World

EPHEMERAL = 1 << 6
LOADING = 1 << 7

_DEFAULT, _REPLY, _COMMAND = 0, 19, 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The interaction that a message answers."""

    interaction_id: str
    kind: int
    user: User
    command: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What of a message can be edited."""

    content: str = ""
    embeds: tuple[dict[str, Any], ...] = ()
    components: tuple[dict[str, Any], ...] = ()
    attachments: tuple[dict[str, Any], ...] = ()
    mentions: Mentions = NOBODY

    @property
    def empty(self) -> bool:
        """Whether there is nothing to show; components alone are no message."""
        return not (self.content or self.embeds or self.attachments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    id: str
    channel: Place
    author: User
    body: Body
    sent_s: float
    flags: int = 0
    edited_s: float | None = None
    origin: Origin | None = None
    reference: str | None = None
    """The message that this one replies to."""

    @property
    def ephemeral(self) -> bool:
        return bool(self.flags & EPHEMERAL)

    @property
    def loading(self) -> bool:
        return bool(self.flags & LOADING)

    @property
    def visible_to(self) -> str | None:
        """The only user who sees it; None where everybody does."""
        if isinstance(self.channel, DirectChannel):
            return self.channel.recipient.id
        return self.origin.user.id if self.ephemeral and self.origin else None

    def seen_by(self, user_id: str | None) -> bool:
        return self.visible_to in (None, user_id)


class Messages:
    def __init__(self, *, world: World, clock: Clock, ids: Snowflakes, gateway: Gateway, events: Events) -> None:
        self._world = world
        self._clock = clock
        self._ids = ids
        self._gateway = gateway
        self._events = events
        self._all: dict[str, Message] = {}
        self._spoken: defaultdict[str, list[str]] = defaultdict(list)

    def post(
        self,
        channel: Place,
        author: User,
        body: Body,
        *,
        flags: int = 0,
        origin: Origin | None = None,
        reference: str | None = None,
    ) -> Message:
        message = Message(
            id=self._ids.next(),
            channel=channel,
            author=author,
            body=body,
            sent_s=self._clock.now(),
            flags=flags,
            origin=origin,
            reference=reference,
        )
        self._all[message.id] = message
        self._spoken[channel.id].append(message.id)
        self._tell("MESSAGE_CREATE", "message", message)
        return message

    def edit(self, message: Message, body: Body) -> Message:
        """A deferred answer that is filled in was not edited, and appears only now."""
        if message.loading:
            changed = replace(message, body=body, flags=message.flags & ~LOADING)
        else:
            changed = replace(message, body=body, edited_s=self._clock.now())
        self._all[message.id] = changed
        self._tell("MESSAGE_UPDATE", "message" if message.loading else "message_update", changed)
        return changed

    def delete(self, message: Message) -> None:
        del self._all[message.id]
        channel = message.channel
        if not message.ephemeral:
            gone = {"id": message.id, "channel_id": channel.id} | _guild(channel)
            self._gateway.dispatch("MESSAGE_DELETE", gone, intent=_intent(channel))
        told = {"id": message.id, "channel": channel.id, "ephemeral": message.ephemeral}
        self._events.publish(Event(name="message_delete", data=told, channel=channel.id, visible_to=message.visible_to))

    def get(self, message_id: str) -> Message:
        try:
            return self._all[message_id]
        except KeyError:
            raise unknown_message() from None

    def find(self, message_id: str) -> Message | None:
        return self._all.get(message_id)

    def in_channel(self, channel: Place, *, viewer: str | None, after: int = 0) -> list[Message]:
        """What `viewer` sees there, oldest first; what is still being thought about is not there yet."""
        spoken = self._spoken[channel.id]
        newest = itertools.takewhile(lambda message_id: int(message_id) > after, reversed(spoken))
        found = [self._all[message_id] for message_id in newest if message_id in self._all]
        return [each for each in reversed(found) if each.seen_by(viewer) and not each.loading]

    def payload(self, message: Message) -> dict[str, Any]:
        """Discord's message object."""
        body, origin = message.body, message.origin
        users = self._world.users
        answer: dict[str, Any] = {
            "id": message.id,
            "channel_id": message.channel.id,
            "type": _DEFAULT,
            "author": message.author.payload(),
            "content": body.content,
            "embeds": list(body.embeds),
            "components": list(body.components),
            "attachments": list(body.attachments),
            "mentions": [users[user_id].payload() for user_id in body.mentions.users],
            "mention_roles": list(body.mentions.roles),
            "mention_everyone": body.mentions.everyone,
            "timestamp": timestamp(message.sent_s),
            "edited_timestamp": timestamp(message.edited_s) if message.edited_s else None,
            "flags": message.flags,
            "pinned": False,
            "tts": False,
        }
        if message.reference:
            replied = self._all.get(message.reference)
            answer["type"] = _REPLY
            answer["message_reference"] = {
                "message_id": message.reference,
                "channel_id": message.channel.id,
                **_guild(message.channel),
            }
            answer["referenced_message"] = self.payload(replied) if replied else None
        if origin:
            answer["application_id"] = answer["webhook_id"] = message.author.id
            answer["interaction_metadata"] = _metadata(origin)
            if origin.command:
                answer["type"] = _COMMAND
        return answer

    def shown(self, message: Message) -> dict[str, Any]:
        """What the control API says of a message."""
        body, author = message.body, message.author
        return {
            "id": message.id,
            "channel": message.channel.id,
            "author": {
                "id": author.id,
                "name": author.name,
                "display_name": author.display_name,
                "bot": author.bot,
            },
            "content": body.content,
            "embeds": list(body.embeds),
            "attachments": list(body.attachments),
            "components": list(body.components),
            "ephemeral": message.ephemeral,
            "interaction": message.origin.interaction_id if message.origin else None,
            "edited": message.edited_s is not None,
            "mentions": {
                "users": list(body.mentions.users),
                "roles": list(body.mentions.roles),
                "everyone": body.mentions.everyone,
            },
            "reply_to": message.reference,
            "timestamp": timestamp(message.sent_s),
        }

    def _tell(self, event: str, name: str, message: Message) -> None:
        # Discord does not announce what only one user sees.
        if not message.ephemeral:
            data = self.payload(message) | _guild(message.channel)
            self._gateway.dispatch(event, data, intent=_intent(message.channel))
        if not message.loading:
            self._events.publish(
                Event(
                    name=name,
                    data=self.shown(message),
                    channel=message.channel.id,
                    visible_to=message.visible_to,
                )
            )


def _guild(channel: Place) -> dict[str, str]:
    return {} if isinstance(channel, DirectChannel) else {"guild_id": channel.guild_id}


def _intent(channel: Place) -> Intent:
    return Intent.DIRECT_MESSAGES if isinstance(channel, DirectChannel) else Intent.GUILD_MESSAGES


def _metadata(origin: Origin) -> dict[str, Any]:
    metadata: dict[str, Any] = {
        "id": origin.interaction_id,
        "type": origin.kind,
        "user": origin.user.payload(),
        "authorizing_integration_owners": {},
    }
    return metadata | ({"name": origin.command} if origin.command else {})
