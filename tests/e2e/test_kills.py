"""The bot is killed again and again while people pay; what they were told is what is stored."""

import asyncio
import itertools
import random
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from bot.app import MIGRATIONS
from db import DatabaseSettings, open_database
from tests.conftest import ENGINE
from tests.e2e.books import Books
from tests.e2e.control import Player, Refused, eventually
from tests.e2e.process import BotProcess, bot_process
from tests.e2e.stage import Town, discord_here
from tests.e2e.world import PAYERS

KILLS = 25
# Payments stored since the bot came up: enough that it is killed in full work.
LEAST_STORED = 40
LONGEST_FURTHER_S = 0.15


class Record:
    """Kept outside of the bot: what was tried, by its memo. What people saw stays in the sandbox."""

    def __init__(self) -> None:
        self.attempted: set[str] = set()
        self._numbers: Iterator[int] = itertools.count()

    def attempt(self) -> str:
        memo = f"payment {next(self._numbers)}"
        self.attempted.add(memo)
        return memo


async def pay_on_and_on(player: Player, record: Record, chance: random.Random) -> None:
    while True:
        to = chance.choice([name for name in PAYERS if name != player.name])
        with suppress(Refused):  # the bot is away: Discord says so
            await player.run("pay", user=to, amount="0.01", memo=record.attempt())


async def seen_as_paid(town: Town) -> set[str]:
    """The memos of the payments that somebody was told of as made."""
    seen: set[str] = set()
    for name in PAYERS:
        for message in await town.player(name).sees():
            if message.title in ("Paid", "Payment"):
                seen.add(message.text.partition("\n> ")[2].splitlines()[0])
    return seen


@pytest.mark.timeout(120)
async def test_killed_twenty_five_times_under_sixty_four_payers_the_bot_keeps_its_word(tmp_path: Path):
    record, chance = Record(), random.Random(25)
    books = Books(tmp_path / "data")
    async with discord_here() as discord:
        town = discord.town(books)
        for _ in range(KILLS):
            async with bot_process(discord, books.directory) as process:
                await killed_at_work(process, town, record, chance)
        seen = await seen_as_paid(town)
    settings = DatabaseSettings(directory=books.directory, engine=ENGINE)
    async with open_database(settings, MIGRATIONS) as database:
        report = await database.verify_journal()
        assert report.ok, report.problems
        stored = town.memos()
        assert books.faults() == []

    assert len(stored) == len(set(stored))
    assert seen <= set(stored), "somebody was told of a payment that is not stored"
    assert set(stored) <= record.attempted
    assert len(seen) > KILLS


async def killed_at_work(process: BotProcess, town: Town, record: Record, chance: random.Random) -> None:
    already = town.books.count()
    async with asyncio.TaskGroup() as payers:
        tasks = [payers.create_task(pay_on_and_on(town.player(name), record, chance), name=name) for name in PAYERS]
        await eventually(lambda: town.books.count() >= already + LEAST_STORED)
        await asyncio.sleep(chance.uniform(0, LONGEST_FURTHER_S))
        await process.kill()
        for task in tasks:
            task.cancel()
