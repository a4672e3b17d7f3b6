"""Gateway intents: what a bot asked to be told, and what it may not see of a message."""

from enum import IntFlag
from typing import Any


class Intent(IntFlag):
    GUILDS = 1 << 0
    GUILD_MEMBERS = 1 << 1
    GUILD_PRESENCES = 1 << 8
    GUILD_MESSAGES = 1 << 9
    DIRECT_MESSAGES = 1 << 12
    MESSAGE_CONTENT = 1 << 15


# All that Discord has given a meaning (22 and 23 are unassigned); any other bit is an invalid intent.
KNOWN = (1 << 22) - 1 | 1 << 24 | 1 << 25
PRIVILEGED = Intent.GUILD_MEMBERS | Intent.GUILD_PRESENCES | Intent.MESSAGE_CONTENT

_BLANK: dict[str, Any] = {"content": "", "embeds": [], "attachments": [], "components": []}


def seen_through(intents: int, event: str, data: dict[str, Any], bot_id: str) -> dict[str, Any]:
    """`data` as Discord sends it under these intents: without message content, other people's words are blank."""
    if event not in ("MESSAGE_CREATE", "MESSAGE_UPDATE") or intents & Intent.MESSAGE_CONTENT:
        return data
    if data["author"]["id"] == bot_id or any(user["id"] == bot_id for user in data["mentions"]):
        return data
    return data | _BLANK


_APPLICATION_FLAGS = {
    Intent.GUILD_PRESENCES: 1 << 13,
    Intent.GUILD_MEMBERS: 1 << 15,
    Intent.MESSAGE_CONTENT: 1 << 19,
}


def application_flags(intents: int) -> int:
    """The flags by which an application shows which privileged intents its owner has switched on."""
    return sum(flag for intent, flag in _APPLICATION_FLAGS.items() if intents & intent)
