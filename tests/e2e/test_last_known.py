"""While reading fails, what was last known is shown with its age; a refused command is in the journal."""

from pathlib import Path

import orjson
import pytest

from bot.ui import embeds
from tests.e2e import world
from tests.e2e.control import Answer, eventually
from tests.e2e.stage import stage_in
from tests.e2e.world import TREASURER_ROLE


def footer(answer: Answer) -> str:
    (embed,) = answer.message.raw["embeds"]
    return embed.get("footer", {}).get("text", "")


async def test_without_the_database_the_last_known_wallet_is_shown_with_its_age(tmp_path: Path):
    async with stage_in(tmp_path / "data", breaker_delay_s=600.0, breaker_max_delay_s=600.0) as stage:
        alice = stage.town().player("alice")
        await alice.run("pay", user="bob", amount="1")
        live = await alice.run("wallet balance")
        assert (footer(live), "**$999.00**" in live.text) == ("", True)
        await alice.run("leaderboard")

        stage.database._reading.trip("the disk has gone")
        known = await alice.run("wallet balance")
        assert "**$999.00**" in known.text
        assert footer(known).startswith("As of ")
        assert footer(known).endswith(" ago: the database is away.")
        assert footer(await alice.run("leaderboard")).startswith("As of ")
        assert "temporarily unavailable" in (await alice.run("wallet history")).text
        assert "temporarily unavailable" in (await alice.run("wallet balance", user="carol")).text


async def test_a_payment_is_in_the_next_look_at_the_wallet(tmp_path: Path):
    async with stage_in(tmp_path / "data") as stage:
        alice = stage.town().player("alice")
        for paid in range(1, 6):
            await alice.run("pay", user="bob", amount="1")
            for _ in range(2):
                assert f"**${1000 - paid}.00**" in (await alice.run("wallet balance")).text


async def test_who_ran_what_he_may_not_is_in_the_journal(tmp_path: Path):
    async with stage_in(tmp_path / "data") as stage:
        town = stage.town()
        await town.admin.run("setup", admin_role=TREASURER_ROLE)
        alice = town.player("alice")
        assert "Only this server's admins" in (await alice.run("grant", user="bob", amount="1")).text
        sql = "SELECT payload FROM journal JOIN journal_payload USING (seq) WHERE name = 'permission.refused'"
        await eventually(lambda: stage.books.rows(sql))
        ((payload,),) = stage.books.rows(sql)
        told = orjson.loads(payload)
        assert told["params"]["facts"] == {"command": "/grant", "needed": "admin"}
        assert told["actor"] == world.user_id("alice")


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0.4, "0 seconds"),
        (1.9, "1 second"),
        (59, "59 seconds"),
        (60, "1 minute"),
        (3599, "59 minutes"),
        (7300, "2 hours"),
        (86_400, "1 day"),
        (10**7, "115 days"),
    ],
)
def test_ages_are_said_in_one_unit(seconds: float, words: str):
    assert embeds.ago(seconds) == words
