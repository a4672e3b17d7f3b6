"""/ping, /about, /help, /constitution and /roll, as people see them."""

import re

import pytest

from tests.e2e.control import Player, Refused
from tests.e2e.stage import Town
from tests.e2e.world import ADMIN, OPERATOR

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture
def alice(town: Town) -> Player:
    return town.player("alice")


async def test_ping_is_answered_to_the_caller_alone(town: Town, alice: Player):
    answer = await alice.run("ping")
    assert answer.state == "answered"
    assert answer.message.title == "Pong"
    assert answer.message.ephemeral
    assert await town.player("bob").sees() == []


async def test_about_names_the_version_and_whether_records_are_kept(alice: Player):
    answer = await alice.run("about")
    assert re.fullmatch(r"\d+\.\d+\.\d+", answer.message.field("Version"))
    assert answer.message.field("Records") == "read-write"


async def test_help_shows_a_player_what_a_player_may_run(alice: Player):
    text = (await alice.run("help")).text
    for command in ("ping", "constitution search", "wallet balance", "pay", "leaderboard"):
        assert f"`/{command}`" in text
    for command in ("setup", "grant", "reverse", "dbhealth"):
        assert f"`/{command}`" not in text


async def test_help_shows_an_admin_the_admin_commands_too(town: Town):
    text = (await town.player(ADMIN).run("help")).text
    for command in ("ping", "setup", "grant", "reverse", "dbhealth"):
        assert f"`/{command}`" in text


async def test_help_shows_an_operator_what_discord_lets_them_run(town: Town):
    text = (await town.player(OPERATOR).run("help")).text
    assert "`/dbhealth`" in text
    assert "`/setup`" not in text


async def test_help_explains_one_command_or_a_group_of_them(alice: Player):
    answer = await alice.run("help", command="pay")
    assert "/pay user amount [memo]" in answer.text
    answer = await alice.run("help", command="/wallet")
    assert "/wallet balance" in answer.text
    assert "/wallet history" in answer.text


@pytest.mark.parametrize("command", ["grant", "nothing", "@everyone"])
async def test_help_does_not_tell_a_player_of_what_they_may_not_run(alice: Player, command: str):
    answer = await alice.run("help", command=command)
    assert "no such command that you may run" in answer.text
    assert answer.message.ephemeral


async def test_help_completes_the_names_of_what_the_caller_may_run(town: Town, alice: Player):
    assert await alice.complete("help", "command", command="wal") == [
        ("/wallet balance", "wallet balance"),
        ("/wallet history", "wallet history"),
    ]
    assert await alice.complete("help", "command", command="gra") == []
    assert await town.admin.complete("help", "command", command="gra") == [("/grant", "grant")]


async def test_an_article_is_shown_to_everybody_whole_or_by_section(town: Town, alice: Player):
    answer = await alice.run("constitution article", number=2, section=4)
    assert "Treason, Bribery" in answer.text
    assert "Section 1" not in answer.text
    assert [message.id for message in await town.player("bob").sees()] == [answer.message.id]
    assert "We the People" in (await alice.run("constitution article", number=0)).text


async def test_an_amendment_is_shown_with_its_dates(alice: Player):
    answer = await alice.run("constitution amendment", number=1)
    assert "freedom of speech" in answer.text
    assert "December 15, 1791" in answer.text or "15 December 1791" in answer.text


@pytest.mark.parametrize(
    ("command", "options", "says"),
    [
        ("constitution article", {"number": 5, "section": 2}, "not divided into sections"),
        ("constitution amendment", {"number": 14, "section": 6}, "has the sections 1 to 5"),
        ("constitution search", {"text": "?!"}, "word"),
        ("constitution search", {"text": "blockchain"}, "does not have"),
        ("roll", {"dice": "0d6"}, "dice"),
        ("roll", {"dice": "a lot"}, "dice"),
    ],
)
async def test_what_is_not_there_is_said_to_the_caller_alone(
    alice: Player, command: str, options: dict[str, object], says: str
):
    answer = await alice.run(command, **options)
    assert says in answer.text
    assert answer.message.ephemeral
    assert "Error E-" not in answer.text


@pytest.mark.parametrize(
    ("command", "options"),
    [
        ("constitution article", {"number": 8}),
        ("constitution amendment", {"number": 28}),
        ("constitution amendment", {"number": 0}),
        ("constitution article", {"number": 1, "section": 11}),
        ("constitution search", {"text": "x" * 101}),
        ("constitution search", {}),
        ("roll", {"dice": "d6" * 21}),
    ],
)
async def test_discord_itself_refuses_what_the_commands_declare_impossible(
    alice: Player, command: str, options: dict[str, object]
):
    with pytest.raises(Refused):
        await alice.run(command, **options)


async def test_numbers_of_articles_and_amendments_are_completed_by_subject(alice: Player):
    articles = await alice.complete("constitution article", "number", number="")
    assert [value for _, value in articles] == list(range(8))
    found = await alice.complete("constitution amendment", "number", number="speech")
    assert 1 in [value for _, value in found]


async def test_a_search_is_paged_by_its_author_and_by_nobody_else(town: Town, alice: Player):
    found = (await alice.run("constitution search", text="Congress")).message
    assert "Page 1 of" in found.text
    assert found.buttons["◀"]["disabled"]

    turned = await alice.click(found, "▶")
    assert turned.message.id == found.id
    assert "Page 2 of" in turned.text
    assert not turned.message.buttons["◀"].get("disabled")

    refused = await town.player("bob").click(found, "▶")
    assert "belong to the one who ran the command" in refused.text
    assert refused.message.ephemeral
    assert "Page 2 of" in (await alice.again(found)).text

    assert "Page 1 of" in (await alice.click(turned.message, "◀")).text
    with pytest.raises(Refused, match="disabled"):
        await alice.click(await alice.again(found), "◀")


async def test_a_roll_is_for_all_to_see_and_adds_up(town: Town, alice: Player):
    answer = await alice.run("roll", dice="3d6+2")
    assert not answer.message.ephemeral
    total = int(re.search(r"\*\*(\d+)\*\*", answer.text)[1])
    assert 5 <= total <= 20
    assert len(await town.player("bob").sees()) == 1


async def test_text_that_was_searched_for_is_shown_without_its_effect(alice: Player):
    answer = await alice.run("constitution search", text="@everyone **Senate** \u202eevil <@1200000000000000001>")
    assert not answer.message.pings
    assert "\u202e" not in answer.text
    assert "@everyone" not in answer.text
    assert "<@1200000000000000001>" not in answer.text
