"""The bot's embeds, with their colours in one place."""

import discord

INFO = discord.Colour(0x3C5A99)
SUCCESS = discord.Colour(0x2E8B57)
WARNING = discord.Colour(0xC98A1B)
FAILURE = discord.Colour(0xB22234)

MAX_TITLE = 256
MAX_TEXT = 4096


def info(title: str, text: str | None = None) -> discord.Embed:
    return _embed(title, text, INFO)


def success(title: str, text: str | None = None) -> discord.Embed:
    return _embed(title, text, SUCCESS)


def warning(title: str, text: str | None = None) -> discord.Embed:
    return _embed(title, text, WARNING)


def failure(text: str, title: str | None = None) -> discord.Embed:
    return _embed(title, text, FAILURE)


def _embed(title: str | None, text: str | None, colour: discord.Colour) -> discord.Embed:
    return discord.Embed(
        title=shorten(title, MAX_TITLE) if title else None,
        description=shorten(text, MAX_TEXT) if text else None,
        colour=colour,
    )


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, an ellipsis where something was cut off."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
