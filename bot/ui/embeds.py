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


def as_of(embed: discord.Embed, age_s: float | None) -> discord.Embed:
    """Say how old it is what the embed shows; None: it holds now."""
    if age_s is not None:
        embed.set_footer(text=f"As of {ago(age_s)} ago: the database is away.")
    return embed


def ago(seconds: float) -> str:
    """A stretch of time in one unit, rounded down: `3 minutes`."""
    number, unit = int(seconds), "second"
    for size, larger in ((60, "minute"), (60, "hour"), (24, "day")):
        if number < size:
            break
        number, unit = number // size, larger
    return f"{number} {unit}" if number == 1 else f"{number} {unit}s"


def _embed(title: str | None, text: str | None, colour: discord.Colour) -> discord.Embed:
    return discord.Embed(
        title=shorten(title, MAX_TITLE) if title else None,
        description=shorten(text, MAX_TEXT) if text else None,
        colour=colour,
    )


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, an ellipsis where something was cut off."""
    return text if len(text) <= limit else text[: limit - 1] + "…"
