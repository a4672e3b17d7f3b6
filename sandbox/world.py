"""Who and what there is: guilds, channels, roles, users, and what each may do."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from sandbox.errors import Refusal

ADMINISTRATOR = 1 << 3
MENTION_EVERYONE = 1 << 17
ALL_PERMISSIONS = (1 << 53) - 1
# View, send, embed, attach, history, react, use commands: what @everyone has in a new guild.
EVERYONE_PERMISSIONS = 1 << 6 | 1 << 10 | 1 << 11 | 1 << 14 | 1 << 15 | 1 << 16 | 1 << 31

_JOINED_AT = "2024-01-01T00:00:00+00:00"


@dataclass(frozen=True, slots=True, kw_only=True)
class User:
    id: str
    name: str
    display_name: str
    bot: bool = False

    def payload(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "username": self.name,
            "global_name": self.display_name,
            "discriminator": "0",
            "avatar": None,
            "bot": self.bot,
            "public_flags": 0,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Role:
    id: str
    name: str
    permissions: int
    position: int

    def payload(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "permissions": str(self.permissions),
            "position": self.position,
            "color": 0,
            "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
            "hoist": False,
            "managed": False,
            "mentionable": False,
            "flags": 0,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel:
    id: str
    guild_id: str
    name: str
    position: int

    def payload(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "guild_id": self.guild_id,
            "type": 0,
            "name": self.name,
            "position": self.position,
            "topic": None,
            "nsfw": False,
            "parent_id": None,
            "last_message_id": None,
            "rate_limit_per_user": 0,
            "permission_overwrites": [],
            "flags": 0,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Guild:
    id: str
    name: str
    owner_id: str
    channels: Mapping[str, Channel]
    roles: Mapping[str, Role]
    members: Mapping[str, tuple[str, ...]]
    """User id to the ids of the member's roles, @everyone (whose id is the guild's) left out."""

    def permissions(self, user_id: str) -> int:
        """What the user may do there; a stranger nothing."""
        if user_id not in self.members:
            return 0
        granted = self.roles[self.id].permissions
        for role_id in self.members[user_id]:
            granted |= self.roles[role_id].permissions
        return ALL_PERMISSIONS if granted & ADMINISTRATOR or user_id == self.owner_id else granted

    def payload(self) -> dict[str, Any]:
        return {
            "id": self.id,
            "name": self.name,
            "owner_id": self.owner_id,
            "icon": None,
            "features": [],
            "emojis": [],
            "stickers": [],
            "roles": [role.payload() for role in self.roles.values()],
            "channels": [channel.payload() for channel in self.channels.values()],
            "threads": [],
            "voice_states": [],
            "presences": [],
            "member_count": len(self.members),
            "preferred_locale": "en-US",
            "verification_level": 0,
            "default_message_notifications": 1,
            "explicit_content_filter": 0,
            "mfa_level": 0,
            "nsfw_level": 0,
            "premium_tier": 0,
            "system_channel_id": None,
            "system_channel_flags": 0,
            "rules_channel_id": None,
            "afk_channel_id": None,
            "afk_timeout": 300,
        }


class _Named(Protocol):
    @property
    def id(self) -> str: ...
    @property
    def name(self) -> str: ...


_Found = TypeVar("_Found", bound=_Named)


@dataclass(frozen=True, slots=True, kw_only=True)
class World:
    bot: User
    users: Mapping[str, User]
    guilds: Mapping[str, Guild]
    channels: Mapping[str, Channel] = field(init=False)

    def __post_init__(self) -> None:
        channels = {c.id: c for guild in self.guilds.values() for c in guild.channels.values()}
        object.__setattr__(self, "channels", channels)

    def guild_of(self, channel: Channel) -> Guild:
        return self.guilds[channel.guild_id]

    def member_payload(self, guild: Guild, user_id: str, *, with_user: bool = True) -> dict[str, Any]:
        """Discord's member object; in resolved data it comes without its user."""
        member: dict[str, Any] = {
            "roles": list(guild.members[user_id]),
            "nick": None,
            "avatar": None,
            "joined_at": _JOINED_AT,
            "premium_since": None,
            "deaf": False,
            "mute": False,
            "pending": False,
            "communication_disabled_until": None,
            "flags": 0,
        }
        if with_user:
            member["user"] = self.users[user_id].payload()
        return member

    def find_user(self, reference: Any) -> User:
        return _find("user", reference, self.users.values(), ("<@!", "<@"))

    def find_channel(self, reference: Any) -> Channel:
        return _find("channel", reference, self.channels.values(), ("<#", "#"))

    def find_role(self, reference: Any, guild: Guild) -> Role:
        return _find("role", reference, guild.roles.values(), ("<@&",))


def _find(what: str, reference: Any, among: Iterable[_Found], marks: tuple[str, ...]) -> _Found:
    """The one of `among` with that id or name; a mention such as `<@id>` names it too."""
    wanted = str(reference).strip()
    for mark in marks:
        if wanted.startswith(mark):
            wanted = wanted.removeprefix(mark).removesuffix(">")
            break
    candidates = list(among)
    for candidate in candidates:
        if candidate.id == wanted:
            return candidate
    for candidate in candidates:
        if candidate.name.casefold() == wanted.casefold():
            return candidate
    names = ", ".join(candidate.name for candidate in candidates)
    raise Refusal(404, f"there is no {what} {wanted!r}; there are: {names}")
