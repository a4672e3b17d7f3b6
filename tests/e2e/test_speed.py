"""How long people wait. The limits here are for noisy machines; the figures are printed (pytest -rP)."""

import statistics
import sys
import time
from pathlib import Path

import pytest

from tests.e2e.books import Books
from tests.e2e.process import bot_process
from tests.e2e.stage import discord_here

PINGS = 200
WARM_UP = 20
LIMIT_MS = 15.0
START_LIMIT_S = 3.0


async def test_the_bot_is_ready_soon_and_answers_a_ping_in_milliseconds(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    async with discord_here() as discord:
        began = time.perf_counter()
        async with bot_process(discord, tmp_path / "data"):
            ready_s = time.perf_counter() - began
            alice = discord.town(Books(tmp_path / "data")).player("alice")
            for _ in range(WARM_UP):
                await alice.run("ping")
            answers = [(await alice.run("ping")).answered_ms for _ in range(PINGS)]
    p50, *_, p99 = statistics.quantiles(answers, n=100)[49:]
    with capsys.disabled():
        sys.stdout.write(f"\nready after {ready_s:.2f} s; /ping p50 {p50:.2f} ms, p99 {p99:.2f} ms\n")
    assert ready_s < START_LIMIT_S
    assert p50 < LIMIT_MS
