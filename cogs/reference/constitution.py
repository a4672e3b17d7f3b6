"""The Constitution's text, its parts by number, and a plain search. Knows no Discord."""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from functools import cache
from importlib.resources import files
from typing import Any

MAX_QUERY_CHARS = 100  # longer than any phrase a reader remembers, and it bounds the pattern built from it
EXCERPT_CHARS = 320  # about four lines on a phone

ROMAN = ((10, "X"), (9, "IX"), (5, "V"), (4, "IV"), (1, "I"))


class Kind(StrEnum):
    PREAMBLE = "Preamble"
    ARTICLE = "Article"
    AMENDMENT = "Amendment"


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    number: int | None  # None: the part is not divided into sections
    paragraphs: tuple[str, ...]
    note: str  # what later changed it, in our words; "" where nothing did


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The preamble, an article or an amendment."""

    kind: Kind
    number: int  # 0 for the preamble
    title: str  # our heading, not part of the text
    sections: tuple[Section, ...]
    proposed: date | None  # by Congress; None for the original text
    ratified: date | None

    @property
    def name(self) -> str:
        return f"{self.kind} {roman(self.number)}" if self.number else str(self.kind)

    @property
    def label(self) -> str:
        return f"{self.name} · {self.title}" if self.title else self.name

    def section(self, number: int) -> Section | None:
        return next((section for section in self.sections if section.number == number), None)


@dataclass(frozen=True, slots=True, kw_only=True)
class Constitution:
    title: str
    source: str  # what the text is, and that it is in the public domain
    preamble: Part
    articles: tuple[Part, ...]
    amendments: tuple[Part, ...]

    @property
    def parts(self) -> tuple[Part, ...]:
        return (self.preamble, *self.articles, *self.amendments)


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """One paragraph in which the words stand."""

    part: Part
    section: Section
    paragraph: str
    spans: tuple[tuple[int, int], ...]  # where they stand in it, in order, not overlapping

    @property
    def place(self) -> str:
        return place(self.part, self.section)


class BadQueryError(ValueError):
    """Nothing that could be searched for; the message is for the reader."""


@cache
def load() -> Constitution:
    """The packaged text, read once, when it is first asked for."""
    raw = json.loads(files("cogs.reference").joinpath("constitution.json").read_text("utf-8"))
    preamble = {"number": 0, "title": "", "sections": [{"number": None, "paragraphs": [raw["preamble"]]}]}
    return Constitution(
        title=raw["title"],
        source=raw["source"],
        preamble=_part(Kind.PREAMBLE, preamble),
        articles=tuple(_part(Kind.ARTICLE, part) for part in raw["articles"]),
        amendments=tuple(_part(Kind.AMENDMENT, part) for part in raw["amendments"]),
    )


def search(text: str) -> list[Match]:
    """Paragraphs that have `text` as whole words, in any case and spacing.

    Those where it stands most often come first; equals stay in the order of the document.
    Raises BadQueryError for a query without a word, or one that is too long.
    """
    pattern = _pattern(text)
    found = [
        Match(part=part, section=section, paragraph=paragraph, spans=spans)
        for part in load().parts
        for section in part.sections
        for paragraph in section.paragraphs
        if (spans := tuple(hit.span() for hit in pattern.finditer(paragraph)))
    ]
    return sorted(found, key=lambda match: -len(match.spans))


def lookup(parts: Sequence[Part], text: str) -> list[Part]:
    """Those of `parts` with that number or numeral, else those with it in heading or year of ratification."""
    wanted = text.strip().casefold()
    exact = [part for part in parts if wanted in {str(part.number), roman(part.number).casefold()}]
    if wanted and exact:
        return exact
    return [part for part in parts if wanted in f"{part.label} {part.number} {part.ratified}".casefold()]


def excerpt(match: Match, width: int = EXCERPT_CHARS) -> str:
    """The paragraph, or a piece of about `width` characters around the first hit; hits in bold."""
    start, end = _window(match, width)
    pieces: list[str] = []
    at = start
    for first, last in match.spans:
        if last > end:
            break
        pieces += [match.paragraph[at:first], "**", match.paragraph[first:last], "**"]
        at = last
    pieces.append(match.paragraph[at:end])
    before = "… " if start else ""
    after = " …" if end < len(match.paragraph) else ""
    return before + "".join(pieces).strip() + after


def place(part: Part, section: Section) -> str:
    return f"{part.name}, section {section.number}" if section.number else part.name


def roman(number: int) -> str:
    numeral = ""
    for value, letters in ROMAN:
        while number >= value:
            numeral += letters
            number -= value
    return numeral


def _pattern(text: str) -> re.Pattern[str]:
    if len(text) > MAX_QUERY_CHARS:
        raise BadQueryError(f"That is too long to search for: {MAX_QUERY_CHARS} characters at most.")
    words = text.replace("\N{RIGHT SINGLE QUOTATION MARK}", "'").split()
    if not any(character.isalnum() for word in words for character in word):
        raise BadQueryError("Give a word or a phrase to search for.")
    phrase = r"\s+".join(map(re.escape, words))
    return re.compile(rf"(?<!\w){phrase}(?!\w)", re.IGNORECASE)


def _window(match: Match, width: int) -> tuple[int, int]:
    """Where to cut: at spaces, with the first hit about a third of the way in."""
    text, (first, last) = match.paragraph, match.spans[0]
    if len(text) <= width:
        return 0, len(text)
    start = max(0, min(first - width // 3, len(text) - width))
    end = max(last, min(len(text), start + width))
    if start:
        start = text.rfind(" ", 0, min(start + 1, first)) + 1
    if end < len(text):
        space = text.rfind(" ", last, end)
        end = space if space > 0 else end
    return start, end


def _part(kind: Kind, raw: dict[str, Any]) -> Part:
    return Part(
        kind=kind,
        number=raw["number"],
        title=raw["title"],
        sections=tuple(map(_section, raw["sections"])),
        proposed=_date(raw.get("proposed")),
        ratified=_date(raw.get("ratified")),
    )


def _section(raw: dict[str, Any]) -> Section:
    return Section(number=raw["number"], paragraphs=tuple(raw["paragraphs"]), note=raw.get("note", ""))


def _date(text: str | None) -> date | None:
    return date.fromisoformat(text) if text else None
