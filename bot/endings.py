"""How a write ended that had to wait for the database: told to whoever asked for it, in the words of its feature."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias

import discord

from bot.replies import Reasons
from bot.ui import embeds
from db import Outcome
from db.announcements import Announcement

KIND: Final = "waiting.ended"

# Words may depend on the guild (its currency), so they are asked for when they are needed.
ReasonsOf: TypeAlias = Callable[[int], Awaitable[Reasons]]


@dataclass(frozen=True, slots=True)
class _Words:
    what: str = "request"
    reasons: Reasons | ReasonsOf = field(default_factory=dict[str, Any])


class Endings:
    """The renderer of announcements that say how a write ended."""

    def __init__(self) -> None:
        self._words: dict[str, _Words] = {}

    def register(self, operation: str, what: str, reasons: Reasons | ReasonsOf) -> None:
        """`what` the user would call it ("payment"), and what its rejections are called."""
        self._words[operation] = _Words(what, reasons)

    async def __call__(self, announcement: Announcement, *, private: bool) -> discord.Embed:
        body = announcement.body
        words = self._words.get(body["operation"], _Words())
        asked = f"Your {words.what} of <t:{body['asked_at_ms'] // 1000}:f>"
        match body["outcome"]:
            case Outcome.COMMITTED:
                return embeds.success("Done now", f"{asked} was waiting for the database. It has been carried out.")
            case Outcome.REJECTED if private:
                return embeds.failure(f"{asked} was waiting for the database.\n{await _why(words, announcement)}")
            case Outcome.REJECTED:
                # Why may be nobody else's business: it can tell what is in a wallet.
                return embeds.failure(f"{asked} was refused. Nothing was changed.")
            case _:
                return embeds.failure(f"{asked} could not be carried out, and nothing was changed. An operator has it.")


async def _why(words: _Words, announcement: Announcement) -> str:
    body = announcement.body
    reasons = await words.reasons(announcement.guild) if callable(words.reasons) else words.reasons
    details: dict[str, Any] = body["details"]
    return reasons[body["reason"]](details) if body["reason"] in reasons else body["text"]
