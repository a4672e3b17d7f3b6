"""What cannot be written is refused, always in the same way, while everything that still works goes on."""

import asyncio
import json
import subprocess
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest

from db import (
    DatabaseManager,
    DatabaseSettings,
    EventKind,
    Mode,
    Outcome,
    Snapshot,
    Transaction,
    open_database,
    operation,
    query,
)
from db.engine import checkpoint, load_engine
from tests.conftest import ENGINE
from tests.db.feature import by, cents_of, eventually, fill, journaled, note, pay, total

PATIENCE_S = 5.0


@operation("test.hoard")
def hoard(tx: Transaction, *, size: int) -> None:
    note(tx, text=f"{tx.operation_id} {'x' * size}", owner=1)


async def test_the_operators_switch_refuses_every_write_alike_and_reads_go_on(db: DatabaseManager):
    await db.write(fill, by("fill:1"), owner=1, cents=5)
    db.set_switch(degraded=True)
    assert (db.mode, db.mode_reason) == (Mode.READ_ONLY, "an operator has switched writing off")
    refusals = [await db.write(fill, by(f"fill:{n}"), owner=1, cents=5) for n in (1, 2, 3)]
    told = {(each.outcome, each.reason, each.text) for each in refusals}
    assert told == {
        (Outcome.FAILED, "SWITCHED_OFF", "Changes are switched off by an operator just now. Nothing was changed.")
    }
    assert all(each.error_id for each in refusals)
    assert await db.read(cents_of, owner=1) == 5
    db.set_switch(degraded=False)
    assert db.mode is Mode.READ_WRITE
    assert (await db.write(fill, by("fill:2"), owner=1, cents=5)).ok


async def test_the_switch_can_be_on_from_the_start_and_is_named_before_other_troubles(
    settings: DatabaseSettings, migrations: Path
):
    async with open_database(replace(settings, degraded=True), migrations) as db:
        db.status().path.unlink()
        await asyncio.sleep(0.05)
        assert (await db.write(fill, by("fill:1"), owner=1, cents=5)).reason == "SWITCHED_OFF"


@pytest.fixture
async def filled(db: DatabaseManager) -> DatabaseManager:
    for owner in range(4):
        assert (await db.write(fill, by(f"fill:{owner}"), owner=owner, cents=100)).ok
    return db


async def test_nothing_is_acknowledged_after_the_file_was_removed(filled: DatabaseManager):
    filled.status().path.unlink()
    result = await filled.write(fill, by("late"), owner=1, cents=1)
    assert result.outcome is Outcome.FAILED
    assert result.reason in {"CONNECTION_LOST", "READ_ONLY"}, "as the commit or the second's check comes first"
    await eventually(lambda: filled.mode is Mode.READ_ONLY, within_s=1)
    assert "removed while it was in use" in filled.mode_reason
    assert (await filled.write(fill, by("later"), owner=1, cents=1)).reason == "READ_ONLY"
    assert await filled.read(total) == 400


async def test_a_commit_during_which_the_file_was_removed_is_unknown_not_done(filled: DatabaseManager):
    path = filled.status().path

    @operation("test.saw_off_the_branch")
    def saw(tx: Transaction) -> int:
        path.unlink()
        return fill(tx, owner=1, cents=1)

    result = await filled.write(saw, by("saw"))
    assert (result.outcome, result.reason) == (Outcome.UNKNOWN, "COMMIT_UNKNOWN")
    assert "not known" in result.text
    assert filled.mode is Mode.READ_ONLY


async def test_a_file_removed_at_rest_is_noticed_within_a_second(filled: DatabaseManager):
    filled.status().path.unlink()
    await eventually(lambda: filled.mode is Mode.READ_ONLY, within_s=1)
    assert await filled.read(total) == 400
    await asyncio.sleep(0.1)
    assert filled.mode is Mode.READ_ONLY, "a probe must not take the removed file for a good one"


@pytest.mark.parametrize("loss", ["the file", "the generation's directory", "a file in its place"])
async def test_what_a_lost_file_held_is_saved_at_the_close_and_never_replaced_by_nothing(
    settings: DatabaseSettings, migrations: Path, tmp_path: Path, loss: str
):
    acknowledged: set[str] = set()

    async def payer(db: DatabaseManager, number: int) -> None:
        for turn in range(200):
            name = f"pay:{number}:{turn}"
            result = await db.write(pay, by(name), sender=number % 4, recipient=(number + 1) % 4, cents=1)
            if not result.ok:
                return
            acknowledged.add(name)

    async with open_database(settings, migrations) as db:
        path = db.status().path
        for owner in range(4):
            await db.write(fill, by(f"fill:{owner}"), owner=owner, cents=1000)
        paying = asyncio.gather(*(payer(db, number) for number in range(8)))
        await asyncio.sleep(0.02)
        if loss == "the file":
            path.unlink()
        elif loss == "a file in its place":
            (tmp_path / "other").write_text("something else")
            (tmp_path / "other").rename(path)
        else:
            path.parent.rename(tmp_path / "elsewhere")
        await paying
        assert 0 < len(acknowledged) < 1600
        assert await db.read(total) == 4000
        # Not only at the close, which a process that is killed never comes to.
        await eventually(lambda: bool(list(settings.directory.glob("rescued-*.db"))), within_s=PATIENCE_S)
    (rescued,) = settings.directory.glob("rescued-*.db")
    assert rescued.stat().st_mode & 0o777 == 0o600
    stored, sum_cents = _look_into(rescued)
    assert acknowledged <= stored
    assert sum_cents == 4000
    async with open_database(settings, migrations) as db:
        assert db.mode is Mode.OFFLINE
    if loss == "a file in its place":
        assert path.read_text() == "something else"
    else:
        assert not path.exists()


def _look_into(path: Path) -> tuple[set[str], int]:
    connection = load_engine(ENGINE).connect(path, mode="rw", busy_timeout_s=1)
    try:
        assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
        stored = {name for (name,) in connection.execute("SELECT operation_id FROM journal")}
        return stored, connection.execute("SELECT sum(cents) FROM purse").fetchall()[0][0]
    finally:
        connection.close()


async def test_a_file_that_was_only_moved_away_for_a_moment_is_taken_up_again(filled: DatabaseManager):
    path = filled.status().path
    path.rename(path.with_name("away"))
    await eventually(lambda: filled.mode is Mode.READ_ONLY)
    path.with_name("away").rename(path)
    await eventually(lambda: filled.mode is Mode.READ_WRITE)
    assert (await filled.write(fill, by("again"), owner=1, cents=1)).ok


async def test_a_lock_held_elsewhere_fails_writes_in_time_and_is_outlived(impatient: DatabaseManager):
    await impatient.write(fill, by("fill:1"), owner=1, cents=5)
    hold = (
        "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE');"
        "print('held', flush=True); sys.stdin.read(); c.execute('ROLLBACK'); c.close()"
    )
    with subprocess.Popen(
        [sys.executable, "-c", hold, str(impatient.status().path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        results = await asyncio.gather(*(impatient.write(fill, by(f"more:{n}"), owner=1, cents=1) for n in range(8)))
        assert {each.outcome for each in results} == {Outcome.FAILED}
        assert {each.reason for each in results} <= {"CONNECTION_LOST", "TIMED_OUT", "READ_ONLY"}
        assert await impatient.read(cents_of, owner=1) == 5
    await eventually(lambda: impatient.mode is Mode.READ_WRITE)
    again = await asyncio.gather(*(impatient.write(fill, by(f"more:{n}"), owner=1, cents=1) for n in range(8)))
    assert all(each.ok and not each.repeated for each in again)
    assert await impatient.read(cents_of, owner=1) == 13


async def test_a_full_disk_refuses_keeps_reading_and_recovers_by_its_own_probe(
    settings: DatabaseSettings, migrations: Path
):
    async with open_database(replace(settings, breaker_delay_s=0.2), migrations) as db:
        await db.write(fill, by("fill:1"), owner=1, cents=5)
        heard: list[EventKind] = []
        db.subscribe(lambda event: heard.append(event.kind))
        assert db._store is not None
        writer = db._store.connections.writer
        await writer.submit(lambda: writer.raw.execute("PRAGMA max_page_count = 40").fetchall())
        kept = 0
        while (result := await db.write(hoard, by(f"hoard:{kept}"), size=9_000)).ok:
            kept += 1
        assert (result.outcome, result.reason, db.mode) == (Outcome.FAILED, "CONNECTION_LOST", Mode.READ_ONLY)
        assert "SQLITE_FULL" in db.mode_reason
        assert (await db.write(hoard, by("more"), size=1)).reason == "READ_ONLY"
        assert len(await db.read(journaled)) == 1 + kept
        await eventually(lambda: db.mode is Mode.READ_WRITE)
        assert (await db.write(hoard, by(f"hoard:{kept}"), size=9_000)).ok
        assert {EventKind.BREAKER_OPENED, EventKind.MODE_CHANGED, EventKind.BREAKER_CLOSED} <= set(heard)


def test_a_file_that_may_not_grow_gives_no_false_answer(tmp_path: Path, migrations: Path):
    """The limit makes COMMIT itself fail with an I/O error: unknown until it is looked up, then true."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.db.no_room", str(tmp_path / "data"), str(migrations)],
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["mode"] == "read-only"
    assert found["committed"]
    assert found["unknown"], "the fault was never hit"
    assert set(found["committed"]) <= set(found["stored_while_full"])
    assert not set(found["failed"]) & set(found["stored_while_full"])
    assert found["outcomes_again"] == ["committed"]
    assert sorted(found["stored_at_last"]) == sorted({*found["committed"], *found["failed"], *found["unknown"]})
    assert found["journal_ok"]


async def test_an_open_breaker_answers_at_once_and_counts_as_nothing_tried(filled: DatabaseManager):
    filled._writing.trip("for the test")
    results = await asyncio.gather(*(filled.write(fill, by(f"no:{n}"), owner=1, cents=1) for n in range(64)))
    assert {(each.outcome, each.reason) for each in results} == {(Outcome.FAILED, "READ_ONLY")}
    await eventually(lambda: filled.mode is Mode.READ_WRITE)
    assert await filled.read(total) == 400


async def test_while_the_readers_breaker_is_open_the_database_is_offline_until_a_probe_reads(filled: DatabaseManager):
    filled._reading.trip("for the test")
    assert (filled.mode, filled.mode_reason) == (Mode.OFFLINE, "reading fails: for the test")
    assert (await filled.write(fill, by("no"), owner=1, cents=1)).reason == "OFFLINE"
    await eventually(lambda: filled.mode is Mode.READ_WRITE)
    assert await filled.read(total) == 400


async def test_readers_that_were_lost_are_replaced(filled: DatabaseManager):
    assert filled._store is not None
    for reader in filled._store.connections.readers:
        await reader.submit(reader.raw.close)
    answers = await asyncio.gather(*(filled.read(total) for _ in range(8)), return_exceptions=True)
    assert 400 in answers or filled.mode is Mode.OFFLINE
    await eventually(lambda: filled.mode is Mode.READ_WRITE)
    assert await filled.read(total) == 400


async def test_a_writer_that_was_lost_is_replaced_and_no_operation_with_it(filled: DatabaseManager):
    assert filled._store is not None
    writer = filled._store.connections.writer
    await writer.submit(writer.raw.close)
    results = await asyncio.gather(*(filled.write(fill, by(f"more:{n}"), owner=9, cents=1) for n in range(8)))
    assert not [each for each in results if each.outcome is Outcome.UNKNOWN]
    await eventually(lambda: filled.mode is Mode.READ_WRITE)
    assert await filled.read(cents_of, owner=9) == (sum(each.ok for each in results) or None)
    assert (await filled.write(fill, by("last"), owner=9, cents=1)).ok


@query("test.long")
def read_and_linger(snapshot: Snapshot, *, seconds: float) -> int | None:
    cents = cents_of(snapshot, owner=1)
    time.sleep(seconds)
    return cents


@pytest.mark.parametrize("old", [False, True], ids=["a reader of the newest state", "a reader of an old state"])
async def test_settled_and_cut_short_are_told_apart(filled: DatabaseManager, old: bool):
    assert filled._store is not None
    writer = filled._store.connections.writer
    reading = asyncio.ensure_future(filled.read(read_and_linger, seconds=0.2))
    await asyncio.sleep(0.05)
    if old:
        await filled.write(fill, by("fill:1:more"), owner=1, cents=5)
    found = await writer.submit(lambda: checkpoint(writer.raw))
    assert (found.settled, found.complete) == (not old, False)
    assert await reading == 100
    assert (await writer.submit(lambda: checkpoint(writer.raw))).complete


async def test_settling_waits_only_for_readers_that_began_before_it(settings: DatabaseSettings, migrations: Path):
    """Else a bot whose readers are never idle could settle nothing, and would stay read-only."""
    async with open_database(replace(settings, retry_attempts=1000), migrations) as db:
        await db.write(fill, by("fill:1"), owner=1, cents=5)
        assert db._store is not None
        earlier = asyncio.ensure_future(db.read(read_and_linger, seconds=0.1))
        await asyncio.sleep(0.03)
        settling = asyncio.ensure_future(db._store.writer.settle())
        await asyncio.sleep(0.03)
        later = asyncio.ensure_future(db.read(read_and_linger, seconds=1.0))
        await settling
        assert (earlier.done(), later.done()) == (True, False)
        await asyncio.gather(earlier, later)


async def test_a_connection_given_up_while_it_is_made_leaves_no_thread_behind(filled: DatabaseManager):
    """A thread that was forgotten would keep the process from ending."""
    assert filled._store is not None
    before = set(threading.enumerate())
    making = asyncio.ensure_future(filled._store.connections._connect(lambda _: time.sleep(0.1)))
    await asyncio.sleep(0.05)
    making.cancel()
    with pytest.raises(asyncio.CancelledError):
        await making
    await eventually(lambda: set(threading.enumerate()) == before)


async def test_closing_in_the_middle_of_a_probe_leaves_nothing_running(settings: DatabaseSettings, migrations: Path):
    for turn in range(10):
        async with open_database(settings, migrations) as db:
            db._writing.trip("for the test")
            db._reading.trip("for the test")
            await asyncio.sleep(0.02 + turn * 0.001)
