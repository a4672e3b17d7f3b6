"""What the database's outcomes are called in words; a feature words its own rejections."""

import re
import unicodedata
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias, TypeVar

import discord

from bot.responding import Interaction, respond
from bot.ui import embeds
from db import Outcome, WriteResult

T = TypeVar("T")

# A feature's rejections: the reason's name → a sentence, made from the rejection's details.
Reasons: TypeAlias = Mapping[str, Callable[[Mapping[str, Any]], str]]

# Letters and marks that show nothing, beside the format characters (Cf) that Unicode counts as such.
_INVISIBLE: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0")
_BREAKS: Final = {"\u2028": "\n", "\u2029": "\n", "\x85": "\n", "\r": "\n"}
_MARKDOWN: Final = re.compile(r"([\\`*_~|<>\[\]()])|^(\s*)([#+-]|\d+(?=\.\s))", re.MULTILINE)
_MASS_MENTION: Final = re.compile(r"@(?=everyone|here)", re.IGNORECASE)


def sentence(result: WriteResult[Any], reasons: Reasons) -> str:
    """Why this write did not succeed, in a sentence for its author, with the error id where there is one."""
    if result.outcome is Outcome.REJECTED and result.reason in reasons:
        return reasons[result.reason](result.details)
    return f"{result.text}\n-# Error {result.error_id}" if result.error_id else result.text


async def deliver(
    interaction: Interaction,
    result: WriteResult[T],
    reasons: Reasons,
    success: Callable[[T], discord.Embed],
    *,
    ephemeral: bool = True,
) -> None:
    """Tell the user how the write ended; `success` is asked only for one that committed."""
    if result.has_value:
        await respond(interaction, embed=success(result.value), ephemeral=ephemeral)
    elif result.ok:
        await respond(interaction, embed=embeds.info("Done before", result.text))
    elif result.outcome is Outcome.QUEUED:
        await respond(interaction, embed=embeds.info("Stored for later", result.text))
    else:
        await respond(interaction, embed=embeds.failure(sentence(result, reasons)))


def safe_text(text: str) -> str:
    """User-given text as plain text: no markdown, no mention, nothing invisible, nothing reordering.

    May be up to twice as long as what came in (each special character gets a backslash).
    """
    visible = "".join(_visible(character) for character in text)
    escaped = _MARKDOWN.sub(lambda m: f"\\{m[1]}" if m[1] else f"{m[2]}\\{m[3]}", visible)
    # What Discord's own clients do: the zero-width space keeps the word readable and the mention dead.
    return _MASS_MENTION.sub("@\u200b", escaped)


def _visible(character: str) -> str:
    character = _BREAKS.get(character, character)
    if character in "\n ":
        return character
    if character == "\t":
        return " "
    if character in _INVISIBLE or unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}:
        return ""
    return character
