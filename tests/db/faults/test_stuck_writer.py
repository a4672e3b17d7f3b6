"""The disk does not answer: callers hear so in time, nobody writes beside the call that hangs, and it is outlived."""

import asyncio
import time
from collections.abc import AsyncGenerator
from dataclasses import replace
from pathlib import Path

import pytest

from db import DatabaseManager, DatabaseSettings, Mode, Outcome, open_database
from tests.db.faults.strace import HANG, SYNC, Fault, Struck
from tests.db.feature import by, cents_of, eventually, fill, journaled, total

OPERATION_S, BUSY_S = 0.3, 0.2
# The writer's patience is that of an operation and of a lock, and one second for a loop in Python to be interrupted.
BOUND_S = OPERATION_S + BUSY_S + 1.0 + 0.5


@pytest.fixture
async def db(settings: DatabaseSettings, migrations: Path) -> AsyncGenerator[DatabaseManager]:
    soon = replace(settings, operation_timeout_s=OPERATION_S, busy_timeout_s=BUSY_S, readers=2)
    async with open_database(soon, migrations) as opened:
        assert (await opened.write(fill, by("fill:1"), owner=1, cents=100)).ok
        yield opened


def hang(db: DatabaseManager, tmp_path: Path, *, calls: str = SYNC) -> Struck:
    path = db.status().path
    return Struck(Fault(calls=calls, effect=HANG), [path, Path(f"{path}-wal")], tmp_path / "strace.log")


async def test_callers_of_a_writer_that_hangs_are_told_unknown_in_time(db: DatabaseManager, tmp_path: Path):
    with hang(db, tmp_path):
        began = time.monotonic()
        stuck = asyncio.ensure_future(db.write(fill, by("stuck"), owner=1, cents=1))
        await asyncio.sleep(0.05)
        behind = [asyncio.ensure_future(db.write(fill, by(f"behind:{n}"), owner=1, cents=1)) for n in range(3)]
        results = await asyncio.gather(stuck, *behind)
        assert time.monotonic() - began < BOUND_S
        assert (results[0].outcome, results[0].reason) == (Outcome.UNKNOWN, "WRITER_STUCK")
        assert {each.outcome for each in results[1:]} == {Outcome.FAILED}, "they were never begun"
        assert (db.mode, db.stuck) == (Mode.READ_ONLY, True)
        assert "has not come back" in db.mode_reason


async def test_while_the_writer_hangs_reads_go_on_and_nobody_writes_beside_it(db: DatabaseManager, tmp_path: Path):
    assert db._store is not None
    writer = db._store.connections.writer
    with hang(db, tmp_path):
        assert (await db.write(fill, by("stuck"), owner=1, cents=1)).outcome is Outcome.UNKNOWN
        ends = time.monotonic() + 0.3  # many times a probe's delay
        while time.monotonic() < ends:
            assert await db.read(total) == 100
            refused = await db.write(fill, by("meanwhile"), owner=1, cents=1)
            assert (refused.outcome, refused.reason) == (Outcome.FAILED, "READ_ONLY")
            assert db._store.connections.writer is writer
            assert db.mode is Mode.READ_ONLY


async def test_when_the_call_comes_back_writing_goes_on_and_the_unknown_is_known(db: DatabaseManager, tmp_path: Path):
    with hang(db, tmp_path):
        assert (await db.write(fill, by("stuck"), owner=1, cents=1)).outcome is Outcome.UNKNOWN
    await eventually(lambda: db.mode is Mode.READ_WRITE)
    assert not db.stuck
    stored = [name for name, _ in await db.read(journaled)]
    again = await db.write(fill, by("stuck"), owner=1, cents=1)
    assert (again.outcome, again.repeated) == (Outcome.COMMITTED, "stuck" in stored)
    assert await db.read(cents_of, owner=1) == 101
    assert (await db.verify_journal()).ok


async def test_a_checkpoint_that_hangs_is_noticed_like_any_other_call(
    settings: DatabaseSettings, migrations: Path, tmp_path: Path
):
    """Its commit has been acknowledged before; what waits behind it is told in time that nothing was begun."""
    small = replace(settings, operation_timeout_s=OPERATION_S, busy_timeout_s=BUSY_S, checkpoint_wal_bytes=1)
    async with open_database(small, migrations) as db:
        with hang(db, tmp_path, calls="ftruncate"):
            assert (await db.write(fill, by("before"), owner=1, cents=1)).ok
            began = time.monotonic()
            behind = await db.write(fill, by("behind"), owner=1, cents=1)
            assert time.monotonic() - began < BOUND_S
            assert behind.outcome is Outcome.FAILED
            assert await db.read(cents_of, owner=1) == 1
            await eventually(lambda: db.mode is Mode.READ_ONLY)
        await eventually(lambda: db.mode is Mode.READ_WRITE)
        assert (await db.write(fill, by("behind"), owner=1, cents=1)).ok
        assert await db.read(cents_of, owner=1) == 2
