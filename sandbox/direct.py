"""Direct messages: a channel of the bot and one user, which is opened when the bot first asks for it."""

from dataclasses import dataclass
from typing import Any

from sandbox.clock import Snowflakes
from sandbox.errors import Refusal, invalid_recipient
from sandbox.world import Channel, User, World

# What a viewer may call his own, instead of its id.
OWN = "DM"
_TYPE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class DirectChannel:
    id: str
    recipient: User
    reachable: bool
    """Whether the bot may write there: to people it shares a guild with, never to bots."""

    def payload(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "type": _TYPE,
            "last_message_id": None,
            "flags": 0,
            "recipients": [self.recipient.payload()],
        }


Place = Channel | DirectChannel


class Places:
    """Where messages are: the channels of the world, and the direct ones that have been opened."""

    def __init__(self, world: World, ids: Snowflakes) -> None:
        self._world = world
        self._ids = ids
        self._direct: dict[str, DirectChannel] = {}

    def open(self, user_id: str) -> DirectChannel:
        """The one channel with this user. It can be opened with anybody; whether anything arrives is another matter."""
        user = self._world.users.get(user_id)
        if user is None or user is self._world.bot:
            raise invalid_recipient()
        shared = any(user_id in guild.members for guild in self._world.guilds.values())
        opened = DirectChannel(id=self._ids.next(), recipient=user, reachable=shared and not user.bot)
        return self._direct.setdefault(user_id, opened)

    def of(self, user_id: str | None) -> DirectChannel | None:
        return self._direct.get(user_id) if user_id else None

    def get(self, channel_id: str) -> Place | None:
        direct = (each for each in self._direct.values() if each.id == channel_id)
        return self._world.channels.get(channel_id) or next(direct, None)

    def seen_by(self, viewer: str | None, reference: str) -> Place:
        """The channel of that id or name, as far as `viewer` knows it: nobody sees other people's direct messages."""
        own = self.of(viewer)
        if own is not None and reference in (own.id, OWN):
            return own
        if reference == OWN:
            raise Refusal(404, "there are no direct messages for that user yet")
        return self._world.find_channel(reference)
