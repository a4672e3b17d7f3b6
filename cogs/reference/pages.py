"""Long texts as embeds of a readable length, split between paragraphs and never over Discord's limits."""

from collections.abc import Iterable, Sequence
from datetime import date

import discord

from bot.replies import safe_text
from bot.ui import embeds
from cogs.reference.constitution import Constitution, Match, Part, Section, excerpt

PAGE_CHARS = 2_500  # about two screens of a phone; the longest paragraph is shorter, Discord's limit is 4,096
MATCHES_PER_PAGE = 5


def pack(blocks: Iterable[str], limit: int = PAGE_CHARS) -> list[str]:
    """The blocks in order, joined by blank lines into pages of at most `limit` characters.

    A block longer than that has a page of its own, cut at the limit of an embed's text.
    """
    pages: list[str] = []
    for block in blocks:
        if pages and len(pages[-1]) + 2 + len(block) <= limit:
            pages[-1] += f"\n\n{block}"
        else:
            pages.append(embeds.shorten(block, embeds.MAX_TEXT))
    return pages


def numbered(title: str, pages: Sequence[str], note: str = "") -> list[discord.Embed]:
    """One embed a page, with `note` and, where there are several, the page's number at the foot."""
    made: list[discord.Embed] = []
    for number, text in enumerate(pages, 1):
        embed = embeds.info(title, text)
        count = f"Page {number} of {len(pages)}" if len(pages) > 1 else ""
        embed.set_footer(text=" · ".join(filter(None, (count, note))) or None)
        made.append(embed)
    return made


def of_part(book: Constitution, part: Part, sections: Sequence[Section]) -> list[discord.Embed]:
    """These sections of the preamble, an article or an amendment."""
    blocks = [block for section in sections for block in _blocks(section)]
    if part.proposed and part.ratified:
        blocks.insert(0, f"-# Proposed {_day(part.proposed)} · ratified {_day(part.ratified)}")
    return numbered(part.label, pack(blocks), book.source)


def of_matches(query: str, matches: Sequence[Match]) -> list[discord.Embed]:
    """Excerpts, a few to a page; or the one embed that says there are none."""
    shown = safe_text(query)
    if not matches:
        return [embeds.info("Nothing found", _nothing(shown))]
    blocks = [f"**{match.place}**\n{excerpt(match)}" for match in matches]
    pages = ["\n\n".join(blocks[at : at + MATCHES_PER_PAGE]) for at in range(0, len(blocks), MATCHES_PER_PAGE)]
    count = "1 paragraph" if len(matches) == 1 else f"{len(matches)} paragraphs"
    return numbered(f"“{shown}” in the Constitution", pages, count)


def _blocks(section: Section) -> list[str]:
    paragraphs = list(section.paragraphs)
    if section.number:
        paragraphs[0] = f"**Section {section.number}**\n{paragraphs[0]}"
    if section.note:
        paragraphs[-1] += f"\n-# {section.note}"
    return paragraphs


def _nothing(shown: str) -> str:
    return (
        f"The Constitution does not have “{shown}”.\n"
        "-# Whole words are looked for, and the spelling is the original's: chuse, defence, Behaviour."
    )


def _day(day: date) -> str:
    return f"{day.day} {day:%B %Y}"
