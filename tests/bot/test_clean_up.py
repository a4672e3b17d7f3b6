"""The daily clean-up: some minutes after the start, and then once a day."""

import asyncio

import pytest

from bot import client
from bot.client import Rollcall
from bot.config import Config
from tests.bot.conftest import FakeDatabase


class Cleanups:
    def __init__(self) -> None:
        self.runs = 0

    async def run(self) -> dict[str, int]:
        self.runs += 1
        return {}


async def test_it_runs_soon_after_the_start_and_again(
    monkeypatch: pytest.MonkeyPatch, config: Config, database: FakeDatabase
):
    monkeypatch.setattr(client, "_FIRST_CLEAN_UP_S", 0.01)
    monkeypatch.setattr(client, "_DAY_S", 0.02)
    database.cleanups = Cleanups()
    bot = Rollcall(config, database)
    task = asyncio.create_task(bot._clean_up_daily())
    async with asyncio.timeout(5):
        while database.cleanups.runs < 3:
            await asyncio.sleep(0.005)
    task.cancel()
    await bot.close()
