import pytest

from cogs.reference.constitution import Part, load, search
from cogs.reference.pages import PAGE_CHARS, of_matches, of_part, pack

DISCORD_TEXT = 4096
DISCORD_EMBED = 6000


def test_pages_end_where_paragraphs_end():
    blocks = ["a" * 40, "b" * 40, "c" * 40]
    assert pack(blocks, limit=82) == [f"{'a' * 40}\n\n{'b' * 40}", "c" * 40]


def test_a_block_over_the_limit_has_a_page_of_its_own():
    assert pack(["a", "b" * 100, "c"], limit=50) == ["a", "b" * 100, "c"]


@pytest.mark.parametrize("part", load().parts, ids=lambda part: part.name)
def test_every_part_is_shown_whole_within_discords_limits(part: Part):
    shown = of_part(load(), part, part.sections)
    text = "\n\n".join(embed.description or "" for embed in shown)
    for section in part.sections:
        for paragraph in section.paragraphs:
            assert paragraph in text
    assert all(len(embed.description or "") <= PAGE_CHARS < DISCORD_TEXT for embed in shown)
    assert all(len(embed) <= DISCORD_EMBED for embed in shown)


def test_a_part_shows_its_dates_its_sections_its_notes_and_where_it_comes_from():
    (embed,) = of_part(load(), load().amendments[17], load().amendments[17].sections)
    assert embed.title == "Amendment XVIII · Prohibition"
    assert "Proposed 18 December 1917 · ratified 16 January 1919" in (embed.description or "")
    assert "**Section 3**" in (embed.description or "")
    assert "repealed by Amendment XXI" in (embed.description or "")
    assert "Public-domain text" in (embed.footer.text or "")


def test_pages_are_numbered_where_there_are_several():
    shown = of_part(load(), load().articles[0], load().articles[0].sections)
    assert len(shown) > 1
    for number, embed in enumerate(shown, 1):
        assert (embed.footer.text or "").startswith(f"Page {number} of {len(shown)} · ")


@pytest.mark.parametrize("query", ["the", "President", "chuse", "of the United States"])
def test_every_page_of_matches_is_within_discords_limits(query: str):
    shown = of_matches(query, search(query))
    assert all(len(embed.description or "") <= DISCORD_TEXT for embed in shown)
    assert all(len(embed) <= DISCORD_EMBED for embed in shown)


def test_nothing_found_is_said_and_what_was_typed_is_shown_as_plain_text():
    (embed,) = of_matches("**@everyone**\N{RIGHT-TO-LEFT OVERRIDE}", [])
    assert embed.title == "Nothing found"
    assert r"\*\*" in (embed.description or "")
    assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in (embed.description or "")
    assert "@everyone" not in (embed.description or "")
