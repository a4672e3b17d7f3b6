"""Killed at any moment, under load: whatever was acknowledged is stored, and nothing else but what was asked for."""

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from db import DatabaseManager, DatabaseSettings, Mode, WriteResult, open_database
from tests.db.feature import by, cents_of, fill, journaled, pay, total
from tests.db.payers import PURSES

KILLS = 25
OPENING_CENTS = 1000
RETRIED = 40  # of each round's, to keep the test short


@dataclass(slots=True)
class Record:
    """What the payers wrote down outside the database."""

    path: Path
    asked: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    told: dict[str, tuple[str, str, int]] = field(default_factory=dict)

    def read(self) -> None:
        for line in self.path.read_text().splitlines():
            kind, name, *rest = line.split()
            if kind == "?":
                sender, recipient, cents = map(int, rest)
                self.asked[name] = sender, recipient, cents
            else:
                outcome, reason, left = rest
                self.told[name] = outcome, reason, int(left)


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


def as_told(result: WriteResult[Any]) -> tuple[str, str, int]:
    return str(result.outcome), result.reason, result.value.left_cents if result.ok else -1


async def retry(db: DatabaseManager, record: Record, name: str) -> None:
    """The same id again: the same answer to whoever had one, and one from now on to whoever had not."""
    sender, recipient, cents = record.asked[name]
    result = await db.write(pay, by(name), sender=sender, recipient=recipient, cents=cents)
    if name in record.told:
        assert result.repeated
        assert as_told(result) == record.told[name]
    record.told[name] = as_told(result)


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
                await retry(db, record, name)
            for name in set(mine) - set(record.told):
                await retry(db, record, name)
    outcomes = [outcome for outcome, _, _ in record.told.values()]
    assert outcomes.count("committed") > KILLS
    assert outcomes.count("rejected") > KILLS
