"""The database goes away and comes back: who paid meanwhile is told that it waits, and later how it ended."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from db import announcements
from tests.e2e.books import Books
from tests.e2e.control import Message, Player, eventually
from tests.e2e.process import bot_process
from tests.e2e.stage import Stage, discord_here, stage_in
from tests.e2e.world import TREASURER, TREASURER_ROLE


@pytest.fixture(autouse=True)
def without_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "FOLLOW_UP_DELAY_MS", 0)


@asynccontextmanager
async def without_database(stage: Stage) -> AsyncIterator[None]:
    """Inside, the database's file has another name, and the bot has noticed."""
    file = stage.books.file
    hidden = file.rename(file.with_suffix(".away"))
    await eventually(lambda: stage.database.mode != "read-write")
    yield
    hidden.rename(file)


async def told_of(player: Player, words: str, times: int = 1) -> list[Message]:
    """The messages with these words, once there are so many."""

    async def found() -> list[Message]:
        return [message for message in await player.sees() if words in message.text]

    async def there() -> bool:
        return len(await found()) >= times

    await eventually(there, within_s=10)
    return await found()


async def pay(player: Player, amount: str) -> Message:
    return (await player.run("pay", user="bob", amount=amount)).message


async def test_a_payment_waits_for_the_database_and_happens_once(tmp_path: Path):
    async with stage_in(tmp_path / "data", breaker_delay_s=0.05) as stage:
        town = stage.town()
        alice = town.player("alice")
        assert (await pay(alice, "1")).title == "Paid"
        async with without_database(stage):
            waits = await pay(alice, "25")
            assert (waits.title, waits.ephemeral) == ("Stored for later", True)
            assert "you will be told how it ended" in waits.text
            [entry] = stage.database.waiting()
            assert (entry.operation, entry.context.guild) == ("economy.transfer", town.guild)
        [told] = await told_of(alice, "has been carried out")
        assert told.ephemeral
        await eventually(lambda: not stage.database.waiting())
        assert (town.balance("alice"), town.balance("bob")) == (974_00, 1_026_00)
        assert len(town.memos()) == 2
        assert stage.books.faults() == []
        assert await stage.control.problems() == []


async def test_with_reading_impossible_too_a_payment_waits(tmp_path: Path):
    """What the payment needs to know of the server's settings is what was last read."""
    async with stage_in(tmp_path / "data", breaker_delay_s=0.5) as stage:
        town = stage.town()
        alice = town.player("alice")
        assert (await pay(alice, "1")).title == "Paid"
        stage.database._reading.trip("for the test")
        stage.database._writing.trip("for the test")
        assert stage.database.mode == "offline"
        assert (await pay(alice, "25")).title == "Stored for later"
        assert "unavailable" in (await alice.run("wallet balance")).text
        await told_of(alice, "has been carried out")
        assert town.balance("alice") == 974_00


async def test_who_can_no_longer_pay_when_it_is_his_turn_is_told_why(tmp_path: Path):
    async with stage_in(tmp_path / "data", breaker_delay_s=0.05) as stage:
        town = stage.town()
        alice, carol = town.player("alice"), town.player("carol")
        assert (await pay(alice, "1")).title == "Paid"
        async with without_database(stage):
            for _ in range(3):
                assert (await pay(alice, "400")).title == "Stored for later"
            assert (await pay(carol, "5")).title == "Stored for later"
        [refused] = await told_of(alice, "You have only **$199.00**")
        assert refused.ephemeral
        assert len(await told_of(alice, "has been carried out", times=2)) == 2
        await told_of(carol, "has been carried out")
        assert (town.balance("alice"), town.balance("carol")) == (199_00, 995_00)


async def test_settings_that_waited_hold_once_they_are_stored(tmp_path: Path):
    async with stage_in(tmp_path / "data", breaker_delay_s=0.05) as stage:
        town = stage.town()
        assert "Only this server's admins" in (await town.player(TREASURER).run("dbhealth")).text
        async with without_database(stage):
            waits = await town.admin.run("setup", admin_role=TREASURER_ROLE)
            assert waits.message.title == "Stored for later"
        await told_of(town.admin, "has been carried out")
        await eventually(lambda: stage.bot.admin_roles.get(town.guild) is not None)
        assert "Only this server's admins" not in (await town.player(TREASURER).run("dbhealth")).text


async def test_an_admin_who_takes_a_payment_back_does_not_overtake_his_own_grant(tmp_path: Path):
    async with stage_in(tmp_path / "data", breaker_delay_s=0.05) as stage:
        town = stage.town()
        await pay(town.player("alice"), "1")
        [(payment, _, _)] = stage.books.payments(town.guild)
        async with without_database(stage):
            granted = await town.admin.run("grant", user="bob", amount="10")
            assert granted.message.title == "Stored for later"
            assert "Nothing was changed" in (await town.admin.run("reverse", payment=payment)).text
        await told_of(town.admin, "has been carried out")
        await eventually(lambda: not stage.database.waiting())
        assert (await town.admin.run("reverse", payment=payment)).message.title == f"Payment #{payment} reversed"


@pytest.mark.timeout(120)
async def test_killed_with_payments_waiting_the_next_bot_makes_them_and_tells(tmp_path: Path):
    books = Books(tmp_path / "data")
    quick = {"DATABASE__BREAKER_DELAY_S": "0.05", "DATABASE__PROBE_INTERVAL_S": "0.1"}
    async with discord_here() as discord:
        town = discord.town(books)
        players = [town.player(name) for name in ("alice", "carol")]
        async with bot_process(discord, books.directory, **quick) as process:
            for player in players:
                assert (await pay(player, "1")).title == "Paid"
            hidden = books.file.rename(books.file.with_suffix(".away"))
            await asyncio.gather(*(_waits(player) for player in players for _ in range(3)))
            await process.kill()
        async with bot_process(discord, books.directory, **quick):
            await asyncio.sleep(0.2)
            hidden.rename(books.file)
            for player in players:
                assert len(await told_of(player, "has been carried out", times=3)) == 3
        assert books.count() == 8
        assert [town.balance(name) for name in ("alice", "bob", "carol")] == [969_00, 1_062_00, 969_00]
        assert books.faults() == []


async def _waits(player: Player) -> None:
    assert (await pay(player, "10")).title == "Stored for later"
