"""Killed at any moment while its database comes and goes: what it promised is kept, once, and told once."""

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

from db import DatabaseSettings, Mode, Outcome, open_database
from db.appendlog import read_log
from tests.db.feature import by, cents_of, journaled
from tests.db.outage import announced, give, replayed, take_away, with_announcements
from tests.db.promising import ACTORS, settings_for

KILLS = 20


@pytest.fixture
def migrations(migrations: Path) -> Path:
    return with_announcements(migrations)


@pytest.fixture
def promising(settings: DatabaseSettings, migrations: Path, tmp_path: Path) -> Iterator["subprocess.Popen[str]"]:
    command = [sys.executable, "-m", "tests.db.promising", str(settings.directory), str(migrations)]
    with subprocess.Popen(
        [*command, str(tmp_path / "record")], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin is not None
        process.stdin.close()


def run_and_kill(promising: "subprocess.Popen[str]", turn: int, after_s: float) -> None:
    assert promising.stdin is not None
    assert promising.stdout is not None
    promising.stdin.write(f"{turn}\n")
    promising.stdin.flush()
    child = int(promising.stdout.readline())
    time.sleep(after_s)
    os.kill(child, signal.SIGKILL)
    assert promising.stdout.readline() == "ended\n"


def answers(record: Path) -> dict[str, str]:
    """The last that is known of each: "asked" where nobody heard an answer."""
    return dict(line.split(" ") for line in record.read_text().splitlines())


async def test_killed_again_and_again_it_has_kept_its_promises_once(
    settings: DatabaseSettings, migrations: Path, promising: "subprocess.Popen[str]", tmp_path: Path
):
    chance = random.Random(os.urandom(8))
    async with open_database(settings, migrations):
        pass
    for turn in range(KILLS):
        run_and_kill(promising, turn, after_s=chance.uniform(0.05, 0.3))
    hidden = settings.directory / "gen-1" / "rollcall.away"
    if hidden.exists():
        hidden.rename(hidden.with_suffix(".db"))

    told = answers(tmp_path / "record")
    async with open_database(settings_for(settings.directory), migrations) as db:
        await replayed(db)
        stored = [name for name, _ in await db.read(journaled) if not name.startswith("told:")]
        ended = Counter(name for name, _, _ in await db.read(announced))
        purses = [await db.read(cents_of, owner=actor) or 0 for actor in range(ACTORS)]
        assert (await db.verify_journal()).ok
    by_outcome = defaultdict[str, set[str]](set)
    for name, outcome in told.items():
        by_outcome[outcome].add(name)

    assert len(stored) == len(set(stored)) == sum(purses)
    assert by_outcome[Outcome.COMMITTED] | by_outcome[Outcome.QUEUED] <= set(stored) <= set(told)
    assert not by_outcome[Outcome.FAILED] & set(stored)
    assert {name for name in by_outcome[Outcome.QUEUED] if ended[name] != 1} == set()
    assert max(ended.values()) == 1
    assert min(len(by_outcome[each]) for each in (Outcome.COMMITTED, Outcome.QUEUED)) > KILLS
    places = {name: place for place, name in enumerate(stored)}
    for actor in range(ACTORS):
        own = [places[name] for name in told if name in places and name.split(":")[1] == str(actor)]
        assert own == sorted(own), "somebody has overtaken himself"


async def test_queued_is_heard_only_once_it_is_in_the_file(settings: DatabaseSettings, migrations: Path):
    """Whatever the file looks like when the answer is there: the promise is in it, and fsynced before."""
    async with open_database(settings, migrations):
        pass
    take_away(settings.directory / "gen-1" / "rollcall.db")
    async with open_database(settings, migrations) as db:
        assert db.mode is Mode.OFFLINE
        for number in range(20):
            result = await db.write(give, by(f"give:{number}", actor=number), owner=1, cents=1)
            assert result.outcome is Outcome.QUEUED
            records = read_log(settings.directory / "waiting.log")
            assert [each["entry"]["context"]["operation_id"] for each in records][-1] == f"give:{number}"
