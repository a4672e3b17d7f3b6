import re
from datetime import date

import pytest

from cogs.reference.constitution import (
    MAX_QUERY_CHARS,
    BadQueryError,
    Part,
    excerpt,
    load,
    roman,
    search,
)


def text_of(part: Part) -> str:
    return "\n".join(paragraph for section in part.sections for paragraph in section.paragraphs)


def test_the_text_is_read_once():
    assert load() is load()


def test_the_text_says_that_it_is_in_the_public_domain():
    assert "Public-domain" in load().source


def test_there_are_seven_articles_with_their_sections():
    articles = load().articles
    assert [part.name for part in articles] == [f"Article {roman(n)}" for n in range(1, 8)]
    assert [len(part.sections) for part in articles] == [10, 4, 3, 4, 1, 1, 1]


def test_there_are_twenty_seven_amendments_with_their_sections():
    amendments = load().amendments
    assert [part.number for part in amendments] == list(range(1, 28))
    divided = {part.number: len(part.sections) for part in amendments if len(part.sections) > 1}
    assert divided == {13: 2, 14: 5, 15: 2, 18: 3, 20: 6, 21: 3, 22: 2, 23: 2, 24: 2, 25: 4, 26: 2}


def test_sections_are_numbered_from_one_or_not_at_all():
    for part in load().parts:
        numbers = [section.number for section in part.sections]
        assert numbers in ([None], list(range(1, len(numbers) + 1)))


@pytest.mark.parametrize(
    ("number", "first", "last"),
    [
        (1, "All legislative Powers herein granted", "as will not admit of delay."),
        (2, "The executive Power shall be vested", "other high Crimes and Misdemeanors."),
        (3, "The judicial Power of the United States, shall", "Life of the Person attainted."),
        (4, "Full Faith and Credit shall be given", "against domestic Violence."),
        (5, "The Congress, whenever two thirds", "equal Suffrage in the Senate."),
        (6, "All Debts contracted", "public Trust under the United States."),
        (7, "The Ratification of the Conventions of nine States", "so ratifying the Same."),
    ],
)
def test_each_article_begins_and_ends_as_it_does(number: int, first: str, last: str):
    text = text_of(load().articles[number - 1])
    assert text.startswith(first)
    assert text.endswith(last)


@pytest.mark.parametrize(
    ("number", "first", "last"),
    [
        (1, "Congress shall make no law", "redress of grievances."),
        (2, "A well regulated Militia", "shall not be infringed."),
        (3, "No Soldier shall, in time of peace", "prescribed by law."),
        (4, "The right of the people to be secure", "things to be seized."),
        (5, "No person shall be held to answer", "without just compensation."),
        (6, "In all criminal prosecutions", "Counsel for his defence."),
        (7, "In Suits at common law", "rules of the common law."),
        (8, "Excessive bail", "unusual punishments inflicted."),
        (9, "The enumeration in the Constitution", "retained by the people."),
        (10, "The powers not delegated", "or to the people."),
        (11, "The Judicial power", "of any Foreign State."),
        (12, "The Electors shall meet", "Vice-President of the United States."),
        (13, "Neither slavery nor", "appropriate legislation."),
        (14, "All persons born or naturalized", "provisions of this article."),
        (15, "The right of citizens", "appropriate legislation."),
        (16, "The Congress shall have power to lay", "census or enumeration."),
        (17, "The Senate of the United States", "part of the Constitution."),
        (18, "After one year", "by the Congress."),
        (19, "The right of citizens", "appropriate legislation."),
        (20, "The terms of the President", "date of its submission."),
        (21, "The eighteenth article", "by the Congress."),
        (22, "No person shall be elected", "by the Congress."),
        (23, "The District constituting", "appropriate legislation."),
        (24, "The right of citizens", "appropriate legislation."),
        (25, "In case of the removal", "duties of his office."),
        (26, "The right of citizens", "appropriate legislation."),
        (27, "No law, varying the compensation", "shall have intervened."),
    ],
)
def test_each_amendment_begins_and_ends_as_it_does(number: int, first: str, last: str):
    text = text_of(load().amendments[number - 1])
    assert text.startswith(first)
    assert text.endswith(last)


def test_the_preamble_is_one_sentence_of_fifty_two_words():
    text = text_of(load().preamble)
    assert len(text.split()) == 52
    assert text.startswith("We the People of the United States, in Order to form a more perfect Union")


@pytest.mark.parametrize(
    "spelling",
    [
        "chuse",
        "common defence",
        "Behaviour",
        "it's inspection Laws",
        "Controul",
        "encreased",
        "Labour",
        "Offences",
    ],
)
def test_the_original_spelling_is_kept(spelling: str):
    assert search(spelling)


@pytest.mark.parametrize(
    ("number", "proposed", "ratified"),
    [
        (1, date(1789, 9, 25), date(1791, 12, 15)),
        (10, date(1789, 9, 25), date(1791, 12, 15)),
        (11, date(1794, 3, 4), date(1795, 2, 7)),
        (12, date(1803, 12, 9), date(1804, 6, 15)),
        (13, date(1865, 1, 31), date(1865, 12, 6)),
        (14, date(1866, 6, 13), date(1868, 7, 9)),
        (15, date(1869, 2, 26), date(1870, 2, 3)),
        (16, date(1909, 7, 2), date(1913, 2, 3)),
        (17, date(1912, 5, 13), date(1913, 4, 8)),
        (18, date(1917, 12, 18), date(1919, 1, 16)),
        (19, date(1919, 6, 4), date(1920, 8, 18)),
        (20, date(1932, 3, 2), date(1933, 1, 23)),
        (21, date(1933, 2, 20), date(1933, 12, 5)),
        (22, date(1947, 3, 21), date(1951, 2, 27)),
        (23, date(1960, 6, 16), date(1961, 3, 29)),
        (24, date(1962, 8, 27), date(1964, 1, 23)),
        (25, date(1965, 7, 6), date(1967, 2, 10)),
        (26, date(1971, 3, 23), date(1971, 7, 1)),
        (27, date(1789, 9, 25), date(1992, 5, 7)),
    ],
)
def test_each_amendment_bears_its_dates(number: int, proposed: date, ratified: date):
    part = load().amendments[number - 1]
    assert (part.proposed, part.ratified) == (proposed, ratified)


def test_the_text_holds_nothing_that_discord_would_take_for_markup():
    for part in load().parts:
        assert not re.search(r"[*_~`|<>@#\\]|^\s|\s$|\s\s", text_of(part), re.MULTILINE)


def test_later_changes_are_noted_beside_the_passage_they_changed():
    assert "Amendment XVII" in load().articles[0].sections[2].note
    assert "Amendment XXI" in load().amendments[17].sections[0].note


def test_search_finds_whole_words_in_any_case_and_spacing():
    assert {match.place for match in search("EQUAL   protection")} == {"Amendment XIV, section 1"}
    assert not search("equal prot")


def test_search_puts_the_paragraphs_with_most_hits_first_and_equals_in_order():
    found = search("President")
    counts = [len(match.spans) for match in found]
    assert counts == sorted(counts, reverse=True)
    order = [part.name for part in load().parts]
    singles = [order.index(match.part.name) for match in found if len(match.spans) == 1]
    assert singles == sorted(singles)


def test_a_typographic_apostrophe_is_an_apostrophe():
    assert len(search("it\N{RIGHT SINGLE QUOTATION MARK}s inspection")) == 1


def test_a_query_is_words_and_never_a_pattern():
    assert not search(".*a.*")
    assert not search("(a+)+$")


@pytest.mark.parametrize("query", ["", "   ", "***", "—", "x" * (MAX_QUERY_CHARS + 1)])
def test_an_empty_or_over_long_query_is_refused(query: str):
    with pytest.raises(BadQueryError):
        search(query)


def test_an_excerpt_shows_the_hit_in_bold_and_where_it_was_cut():
    (match,) = search("Habeas Corpus")
    assert "**Habeas Corpus**" in excerpt(match)
    assert excerpt(match, 40).startswith("… ")
    assert excerpt(match, 40).endswith(" …")


@pytest.mark.parametrize("query", ["the", "President", "Congress shall", "a", "redress of grievances"])
def test_every_excerpt_shows_the_hit_in_little_more_than_its_width(query: str):
    for match in search(query):
        shown = excerpt(match)
        bare = shown.replace("**", "").removeprefix("… ").removesuffix(" …")
        assert bare in match.paragraph
        assert f"**{query.casefold()}**" in shown.casefold()
        assert len(bare) < 360


def test_roman_numerals():
    assert [roman(n) for n in (1, 4, 9, 14, 19, 27)] == ["I", "IV", "IX", "XIV", "XIX", "XXVII"]
