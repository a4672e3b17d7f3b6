"""A COMMIT that fails has either happened or not; nobody may guess. The cases that each cost somebody an hour."""

import asyncio
import signal
from pathlib import Path

import pytest

from db import DatabaseManager, Mode, Outcome
from db.engine import load_engine
from tests.conftest import ENGINE
from tests.db.faults.branch import Job
from tests.db.faults.conftest import Bank, audit
from tests.db.faults.strace import SYNC, Fault, Struck
from tests.db.feature import by, eventually, fill, journaled, note


def struck(db: DatabaseManager, tmp_path: Path, fault: Fault) -> Struck:
    path = db.status().path
    return Struck(fault, [path, Path(f"{path}-wal")], tmp_path / "strace.log")


async def test_a_commit_refused_with_its_transaction_still_open_has_not_happened(db: DatabaseManager):
    """A deferred foreign key is found at COMMIT: SQLite keeps the transaction, and the layer rolls it back."""
    result = await db.write(note, by("note"), text="nobody's", owner=99)
    assert (result.outcome, result.reason) == (Outcome.FAILED, "CONSTRAINT_VIOLATED")
    assert db._store is not None
    writer = db._store.connections.writer
    assert not await writer.submit(lambda: writer.raw.in_transaction)
    assert await db.read(journaled) == []


async def test_a_commit_that_sqlite_let_go_of_is_settled_by_a_fence_before_anybody_is_answered(
    db: DatabaseManager, tmp_path: Path
):
    """Told "failed" it is absent, also from the file alone: every frame of the WAL was moved into it."""
    assert db._store is not None
    old = db._store.connections.writer
    with struck(db, tmp_path, Fault(calls=SYNC, nth=1)) as fault:
        results = await asyncio.gather(*(db.write(fill, by(f"fill:{n}"), owner=n, cents=1) for n in range(4)))
        assert fault.hits, "the fault was never hit"
    told = {each.operation_id: each.outcome for each in results}
    assert Outcome.FAILED in told.values()
    assert Outcome.UNKNOWN not in told.values()
    assert db._store.connections.writer is not old, "what failed is not used again"
    stored = {name for name, _ in await db.read(journaled)}
    assert stored == {name for name, outcome in told.items() if outcome is Outcome.COMMITTED}
    assert fences(db) > 0


def fences(db: DatabaseManager) -> int:
    connection = load_engine(ENGINE).connect(db.status().path, mode="ro", busy_timeout_s=1)
    try:
        rows = connection.execute("SELECT number FROM fence").fetchall()
    finally:
        connection.close()
    return rows[0][0] if rows else 0


async def test_while_nothing_can_be_settled_the_answer_is_unknown_and_its_id_tells_the_truth_later(
    db: DatabaseManager, tmp_path: Path
):
    with struck(db, tmp_path, Fault(calls=SYNC, nth=1, once=False)) as fault:
        result = await db.write(fill, by("fill"), owner=1, cents=1)
        assert fault.hits, "the fault was never hit"
        assert (result.outcome, result.reason) == (Outcome.UNKNOWN, "COMMIT_UNKNOWN")
        assert "do not repeat" in result.text
        assert db.mode is Mode.READ_ONLY
    await eventually(lambda: db.mode is Mode.READ_WRITE)
    stored = "fill" in {name for name, _ in await db.read(journaled)}
    again = await db.write(fill, by("fill"), owner=1, cents=1)
    assert (again.ok, again.repeated) == (True, stored)


@pytest.mark.parametrize("nth", range(1, 7))
async def test_killed_right_after_the_answer_while_other_connections_are_open_what_failed_stays_absent(
    opened: Bank, tmp_path: Path, nth: int
):
    """The readers keep the WAL alive: without a fence the row that looked absent is there after the kill."""
    fault = Fault(calls=SYNC, nth=nth)
    seen = opened.run(tmp_path / "branch", Job(fault=fault, killed=True, checkpoint_wal_bytes=10**9))
    assert seen.ended == -signal.SIGKILL
    told = await audit(tmp_path / "branch")
    assert told.names("failed"), "nobody was told that it failed"
