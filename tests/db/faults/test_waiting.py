"""The queue's own disk fails: nobody hears QUEUED of what may not be there, nor FAILED of what may be."""

from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from db import DatabaseManager, DatabaseSettings, Outcome, open_database
from db.appendlog import read_log
from tests.db.faults.strace import HANG, SYNC, Fault, Struck
from tests.db.feature import by, cents_of, eventually
from tests.db.outage import away, give, replayed


@pytest.fixture
async def db(settings: DatabaseSettings, migrations: Path) -> AsyncGenerator[DatabaseManager]:
    async with open_database(replace(settings, operation_timeout_s=0.5, readers=1), migrations) as opened:
        yield opened


def struck(settings: DatabaseSettings, tmp_path: Path, fault: Fault) -> Struck:
    return Struck(fault, [settings.directory / "waiting.log"], tmp_path / "strace.log")


@pytest.mark.parametrize(
    "fault",
    [
        Fault(calls=SYNC),
        Fault(calls=SYNC, effect="error=ENOSPC"),
        Fault(calls="pwrite64"),
        Fault(calls="pwrite64", effect="error=ENOSPC"),
    ],
    ids=str,
)
async def test_what_cannot_be_stored_is_refused_plainly_and_does_not_turn_up(
    db: DatabaseManager, settings: DatabaseSettings, tmp_path: Path, fault: Fault
):
    async with away(db):
        with struck(settings, tmp_path, fault) as disk:
            refused = await db.write(give, by("give:1"), owner=1, cents=5)
            assert disk.hits == 1, "the fault was never hit"
        assert (refused.outcome, refused.reason) == (Outcome.FAILED, "READ_ONLY")
        assert (await db.write(give, by("give:2"), owner=2, cents=5)).outcome is Outcome.QUEUED
        records = read_log(settings.directory / "waiting.log")
        assert [each["entry"]["context"]["operation_id"] for each in records] == ["give:2"]
    await replayed(db)
    assert [await db.read(cents_of, owner=owner) for owner in (1, 2)] == [None, 5]


async def test_what_can_be_neither_stored_nor_taken_back_is_unknown_and_the_next_one_heals_the_file(
    db: DatabaseManager, settings: DatabaseSettings, tmp_path: Path
):
    async with away(db):
        with struck(settings, tmp_path, Fault(calls=SYNC, once=False)) as disk:
            unknown = await db.write(give, by("give:1"), owner=1, cents=5)
            assert disk.hits >= 2
        assert (unknown.outcome, unknown.reason) == (Outcome.UNKNOWN, "QUEUE_UNKNOWN")
        assert "do not repeat" in unknown.text
        assert (await db.write(give, by("give:2"), owner=2, cents=5)).outcome is Outcome.QUEUED
    await replayed(db)
    assert await db.read(cents_of, owner=1) in (None, 5)
    assert await db.read(cents_of, owner=2) == 5


async def test_a_disk_that_hangs_is_unknown_in_time_and_the_promise_holds_if_it_comes_back(
    db: DatabaseManager, settings: DatabaseSettings, tmp_path: Path
):
    async with away(db):
        with struck(settings, tmp_path, Fault(calls=SYNC, effect=HANG)):
            unknown = await db.write(give, by("give:1"), owner=1, cents=5)
            assert (unknown.outcome, unknown.reason) == (Outcome.UNKNOWN, "QUEUE_STUCK")
        await eventually(db.waiting)
    await replayed(db)
    assert await db.read(cents_of, owner=1) == 5
