"""Feature: database-reliability, Property 14: Non-Database Command Continuity (here for a database that is away)."""

from typing import Any

import pytest

from tests.bot.talking import now, press, said
from tests.sandbox.people import People


async def ask(people: People, command: str, /, *, as_: str = "abigail", **options: Any) -> dict[str, Any]:
    return await people.answer(as_=as_, command=command, options=options)


async def test_ping_answers_the_caller_alone(people: People):
    message = await ask(people, "ping")
    assert "I am here." in said(message)
    assert message["ephemeral"]


async def test_about_tells_the_version_and_the_databases_mode(people: People):
    (embed,) = (await ask(people, "about"))["embeds"]
    fields = {field["name"]: field["value"] for field in embed["fields"]}
    assert fields["Version"].count(".") == 2
    assert fields["Records"] == "offline"
    assert fields["Up since"].startswith("<t:")


async def test_help_lists_what_the_caller_may_run(people: People):
    text = said(await ask(people, "help"))
    assert "**Reference**" in text
    assert "`/constitution search`" in text


async def test_help_explains_one_command(people: People):
    assert "`/roll [dice]`" in said(await ask(people, "help", command="/roll"))


async def test_help_on_what_is_not_there_says_so(people: People):
    message = await ask(people, "help", command="**nuke** @everyone")
    assert "There is no such command" in said(message)
    assert "nuke" not in said(message)


async def test_help_completes_commands(people: People):
    body = {
        "as": "abigail",
        "channel": "general",
        "command": "help",
        "options": {"command": "/am"},
        "focused": "command",
    }
    _, answer = await people.ask("POST", "/api/autocomplete", body)
    assert answer["choices"] == [{"name": "/constitution amendment", "value": "constitution amendment"}]


async def test_an_article_is_read_page_by_page_by_the_one_who_asked(people: People):
    message = await ask(people, "constitution article", number=1)
    assert not message["ephemeral"]
    assert "Page 1 of" in message["embeds"][0]["footer"]["text"]
    await people.outcome(await press(people, message, "▶"))
    assert "Page 2 of" in (await now(people, message))["embeds"][0]["footer"]["text"]
    (refusal,) = (await people.outcome(await press(people, message, "▶", as_="benjamin")))["messages"]
    assert "belong to the one who ran the command" in said(refusal)
    assert "Page 2 of" in (await now(people, message))["embeds"][0]["footer"]["text"]


async def test_zero_is_the_preamble(people: People):
    assert said(await ask(people, "constitution article", number=0)).startswith("Preamble We the People")


@pytest.mark.parametrize(
    ("command", "number", "section", "says"),
    [
        ("constitution article", 5, 1, "Article V is not divided into sections."),
        ("constitution article", 2, 5, "Article II has the sections 1 to 4."),
        ("constitution amendment", 14, 6, "Amendment XIV has the sections 1 to 5."),
    ],
)
async def test_a_section_that_is_not_there_is_refused_with_those_that_are(
    people: People, command: str, number: int, section: int, says: str
):
    message = await ask(people, command, number=number, section=section)
    assert said(message) == says
    assert message["ephemeral"]


async def test_one_section_is_shown_alone(people: People):
    text = said(await ask(people, "constitution amendment", number=14, section=3))
    assert "**Section 3**" in text
    assert "**Section 2**" not in text


@pytest.mark.parametrize(
    ("typed", "found"),
    [
        ("", list(range(1, 26))),
        ("xxi", [21]),
        ("2", [2]),
        ("right to vote", [15, 19, 24, 26]),
        ("1920", [19]),
        ("nothing of the kind", []),
    ],
)
async def test_amendments_are_completed_by_number_numeral_subject_or_year(people: People, typed: str, found: list[int]):
    body = {"as": "abigail", "channel": "general", "command": "constitution amendment", "focused": "number"}
    _, answer = await people.ask("POST", "/api/autocomplete", body | {"options": {"number": typed}})
    assert [choice["value"] for choice in answer["choices"]] == found


async def test_what_is_searched_is_found_and_shown_to_all(people: People):
    message = await ask(people, "constitution search", text="habeas corpus")
    assert "**Article I, section 9**" in said(message)
    assert "**Habeas Corpus**" in said(message)
    assert not message["ephemeral"]


@pytest.mark.parametrize(
    ("text", "says"),
    [("filibuster", "does not have “filibuster”"), ("***", "Give a word or a phrase")],
)
async def test_what_is_not_found_is_said_to_the_caller_alone(people: People, text: str, says: str):
    message = await ask(people, "constitution search", text=text)
    assert says in said(message)
    assert message["ephemeral"]


async def test_a_phrase_that_is_too_long_is_refused_by_discord_itself(people: People):
    status, _ = await people.refused(command="constitution search", options={"text": "x" * 101})
    assert status == 400


async def test_a_roll_is_seen_by_all_and_a_bad_one_by_the_caller(people: People):
    roll = await ask(people, "roll", dice="3d6+2")
    assert roll["embeds"][0]["title"] == "3d6+2"
    assert not roll["ephemeral"]
    bad = await ask(people, "roll", dice="1000d6")
    assert said(bad) == "Between 1 and 100 dice, please."
    assert bad["ephemeral"]


async def test_many_dice_show_their_total_alone(people: People):
    (embed,) = (await ask(people, "roll", dice="100d1000"))["embeds"]
    assert "+" not in embed["description"]
