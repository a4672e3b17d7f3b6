"""Killed at any moment, under load: whatever was acknowledged is stored, and nothing else but what was asked for."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import DatabaseSettings, Mode, open_database
from tests.db.feature import by, cents_of, fill, journaled, total
from tests.db.payers import PURSES
from tests.db.record import Record

KILLS = 25
OPENING_CENTS = 1000
RETRIED = 40  # of each round's, to keep the test short


@pytest.fixture
def payers(settings: DatabaseSettings, migrations: Path, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.db.payers", str(settings.directory), str(migrations)]
    with subprocess.Popen(
        [*command, str(tmp_path / "record")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def run_and_kill(payers: "subprocess.Popen[str]", turn: int, after_s: float) -> None:
    assert payers.stdin is not None
    assert payers.stdout is not None
    payers.stdin.write(f"{turn}\n")
    payers.stdin.flush()
    child = int(payers.stdout.readline())
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    assert payers.stdout.readline() == "ended\n"


async def test_killed_under_sixty_four_payers_and_started_again_it_has_told_the_truth(
    settings: DatabaseSettings, migrations: Path, payers: "subprocess.Popen[str]", tmp_path: Path
):
    dice = random.Random(os.urandom(8))
    record = Record(tmp_path / "record")
    async with open_database(settings, migrations) as db:
        for owner in range(PURSES):
            assert (await db.write(fill, by(f"fill:{owner}"), owner=owner, cents=OPENING_CENTS)).ok
    for turn in range(KILLS):
        run_and_kill(payers, turn, after_s=dice.uniform(0, 0.2))
        record.read()
        async with open_database(settings, migrations) as db:
            assert db.mode is Mode.READ_WRITE
            stored = {name for name, _ in await db.read(journaled) if not name.startswith("fill:")}
            assert set(record.told) <= stored <= set(record.asked)
            assert await db.read(total) == PURSES * OPENING_CENTS
            assert min([await db.read(cents_of, owner=owner) or 0 for owner in range(PURSES)]) >= 0
            assert (await db.verify_journal()).ok
            mine = [name for name in record.asked if name.startswith(f"{turn}:")]
            for name in dice.sample(mine, min(RETRIED, len(mine))):
                await record.retry(db, name)
            for name in set(mine) - set(record.told):
                await record.retry(db, name)
    outcomes = [outcome for outcome, _, _ in record.told.values()]
    assert outcomes.count("committed") > KILLS
    assert outcomes.count("rejected") > KILLS
