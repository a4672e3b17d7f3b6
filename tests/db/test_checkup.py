"""The rounds of the HealthMonitor: probe, limits, slow statements with their plan, statistics, room."""

import asyncio
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from db import (
    DatabaseManager,
    DatabaseSettings,
    Event,
    EventKind,
    Snapshot,
    Transaction,
    open_database,
    operation,
    query,
)
from db.checkup import slower
from db.engine import checkpoint
from db.metrics import SLOT_S, Meter
from tests.db.calls import ask, listening, locked, run
from tests.db.conftest import raw_rows
from tests.db.feature import by, cents_of, count_for_ever, eventually, fill

SLOW: Any = "SELECT count(*) FROM note WHERE text > ?"


@pytest.fixture
def events(db: DatabaseManager) -> list[Event]:
    heard: list[Event] = []
    db.subscribe(heard.append)
    return heard


def limits(db: DatabaseManager, **changed: Any) -> None:
    db.health.configure(replace(db.health.settings, **changed))


async def test_a_sound_database_is_probed_and_found_sound(db: DatabaseManager, events: list[Event]):
    assert db.status().probe is None
    await db._checkup.look()
    probe = db.status().probe
    assert probe is not None
    assert probe.ok
    assert abs(probe.at_ms / 1000 - time.time()) < 5
    assert events == []
    assert raw_rows(db, "SELECT count(*) FROM journal") == [(0,)], "a look changes nothing"


async def test_the_database_is_looked_at_and_told_of_at_the_intervals(settings: DatabaseSettings, migrations: Path):
    often = replace(settings, probe_interval_s=0.01, statistics_interval_s=0.01)
    with listening("INFO") as records:
        async with open_database(often, migrations) as db:
            await eventually(lambda: db.status().probe)
            await eventually(lambda: any("database: statistics: read-write" in each["message"] for each in records))


async def test_a_lock_that_somebody_else_keeps_is_found_before_a_user_meets_it(impatient: DatabaseManager):
    with locked(impatient):
        await impatient._checkup.look()
        status = impatient.status()
        assert status.probe is not None
        assert "SQLITE_BUSY" in status.probe.detail
        assert "(probe)" in status.last_error
    await impatient._checkup.look()
    assert impatient.status().probe is not None
    assert impatient.status().probe.ok  # pyright: ignore[reportOptionalMemberAccess]


async def test_a_breaker_that_is_open_is_what_the_probe_says(db: DatabaseManager):
    db._writing.trip("the disk is full")
    await db._checkup.look()
    assert db.status().probe.detail == "the writer cannot work: the disk is full"  # pyright: ignore[reportOptionalMemberAccess]


async def test_a_writer_that_does_not_come_back_does_not_keep_the_limits_from_being_watched(impatient: DatabaseManager):
    assert impatient._store is not None
    going_on = asyncio.ensure_future(impatient._store.writer.between_batches(lambda _: time.sleep(0.6)))
    await asyncio.sleep(0)
    limits(impatient, alert_free_disk_mb=10**9)
    await impatient._checkup.look()
    status = impatient.status()
    assert status.probe is not None
    assert status.probe.detail == "the writer has not come back within 0.25 s"
    assert status.alerts
    await going_on
    await impatient._checkup.look()
    assert impatient.status().probe.ok  # pyright: ignore[reportOptionalMemberAccess]


async def test_users_write_while_the_writer_is_probed(db: DatabaseManager):
    async def look() -> None:
        for _ in range(50):
            await db._checkup.look()

    async def write(payer: int) -> None:
        for number in range(20):
            assert (await db.write(fill, by(f"{payer}:{number}"), owner=payer, cents=1)).ok

    await asyncio.gather(look(), *(write(payer) for payer in range(8)))
    assert raw_rows(db, "SELECT sum(cents) FROM purse") == [(160,)]


async def test_a_limit_that_is_crossed_is_told_of_once_and_so_is_its_end(db: DatabaseManager, events: list[Event]):
    limits(db, alert_free_disk_mb=10**9)
    for _ in range(3):
        await db._checkup.look()
    [event] = events
    assert event.kind is EventKind.THRESHOLD_CROSSED
    assert event.detail.startswith("free disk space: ")
    assert db.status().alerts == (event.detail,)
    limits(db, alert_free_disk_mb=1)
    for _ in range(3):
        await db._checkup.look()
    assert [each.kind for each in events] == [EventKind.THRESHOLD_CROSSED, EventKind.THRESHOLD_CLEARED]
    assert db.status().alerts == ()


async def test_a_slow_statement_gets_its_plan_afterwards(settings: DatabaseSettings, migrations: Path):
    """EXPLAIN is not run within the slow call; the plan is in the status and in the log."""
    async with open_database(replace(settings, slow_query_ms=0.001), migrations) as db:
        await db.read(ask, sql=SLOW, values=["a"])
        [before] = db.status().slow_statements
        assert before.plan is None
        with listening("WARNING") as records:
            await db._checkup.look()
        found = {each.sql: each for each in db.status().slow_statements}[SLOW]
        assert found.plan
        assert "note" in found.plan[0]
        assert any(f"{SLOW}: plan: {found.plan[0]}" in record["message"] for record in records)


async def test_a_table_that_is_read_whole_is_recognised(settings: DatabaseSettings, migrations: Path):
    async with open_database(replace(settings, slow_query_ms=0.001), migrations) as db:
        await db.write(run, by("scan"), sql="UPDATE purse SET cents = cents WHERE cents = ?", values=[5])
        await db.read(cents_of, owner=1)
        await db._checkup.look()
        scans = {each.name: each.scans for each in db.status().slow_statements}
        assert scans == {"calls.statement": True, "test.cents": False}


async def test_a_statement_that_was_stopped_at_its_deadline_is_a_slow_one(impatient: DatabaseManager):
    assert not (await impatient.write(count_for_ever, by("late"))).ok
    [slow] = impatient.status().slow_statements
    assert slow.name == "test.slow"
    assert slow.worst_ms >= 150


async def test_where_calls_get_slower_statistics_are_refreshed_and_readers_see_them(
    settings: DatabaseSettings, migrations: Path
):
    """Once, then not again for an hour; the plan is taken anew."""

    @operation("test.grow")
    def grow(tx: Transaction) -> None:
        for number in range(200):
            tx.execute("INSERT INTO note (owner, text) VALUES (1, ?)", f"note {number}")

    @query("test.statistics")
    def statistics(snapshot: Snapshot) -> list[Any]:
        return snapshot.fetch_all("SELECT tbl, idx, stat FROM sqlite_stat1 WHERE tbl = 'note'")

    async with open_database(replace(settings, slow_query_ms=0.001), migrations) as db:
        await db.write(fill, by("fill"), owner=1, cents=1)
        await db.write(grow, by("grow"))
        assert db._store is not None
        old = set(db._store.connections.readers)
        with listening("INFO") as records:
            await db._checkup.look()
            await db.read(ask, sql="SELECT owner FROM note WHERE text = ?", values=["a"])
            await db._checkup.look()
        refreshed = [record for record in records if "statistics are refreshed" in record["message"]]
        assert len(refreshed) == 1
        assert "test.grow" in refreshed[0]["message"]
        assert await db.read(statistics) == [("note", "sqlite_autoindex_note_1", "200 1")]
        assert old.isdisjoint(db._store.connections.readers)


def test_a_call_is_slower_when_its_newest_minute_is_several_times_the_minutes_before():
    meter = Meter()

    def call(name: str, slot: int, seconds: float, count: int = 30) -> None:
        for _ in range(count):
            meter[name].record(slot * SLOT_S, seconds)

    for slot in range(6):
        call("steady", slot, 0.020)
        call("worse", slot, 0.020 if slot < 4 else 0.090)
        call("tiny", slot, 0.0001 if slot < 4 else 0.002)
        call("rare", slot, 0.020 if slot < 4 else 0.090, count=2)
    assert slower(meter, 6 * SLOT_S - 1) == ["worse"]


async def test_near_the_size_limit_what_is_old_is_deleted_and_the_file_gets_smaller(
    db: DatabaseManager, events: list[Event]
):
    """Only what is still too large afterwards is told of."""

    @operation("test.fatten")
    def fatten(tx: Transaction) -> None:
        for number in range(600):
            tx.execute("INSERT INTO note (owner, text) VALUES (1, ?)", f"{number}{'x' * 8000}")

    @operation("test.clean")
    def clean(tx: Transaction, *, limit: int) -> int:
        return tx.execute("DELETE FROM note WHERE id IN (SELECT id FROM note LIMIT ?)", limit)

    await db.write(fill, by("fill"), owner=1, cents=1)
    await db.write(fatten, by("fatten"))
    assert db._store is not None
    db.cleanups.register("notes", clean)
    await _checkpointed(db)
    large = db.status().database_bytes
    assert large is not None
    limits(db, size_limit_mb=5)
    assert large > 4.5 * 2**20
    await db._checkup.look()
    small = db.status().database_bytes
    assert small is not None
    assert small < large / 4
    assert [each for each in events if each.kind is EventKind.THRESHOLD_CROSSED] == []
    limits(db, size_limit_mb=0)
    await db._checkup.look()
    [event] = events
    assert event.detail.startswith("size of the database: ")


async def test_a_round_that_fails_is_logged_and_the_next_one_comes(
    settings: DatabaseSettings, migrations: Path, monkeypatch: pytest.MonkeyPatch
):
    rounds: list[int] = []

    async def fail() -> None:
        rounds.append(1)
        raise RuntimeError("nobody foresaw this")

    with listening("ERROR") as records:
        async with open_database(replace(settings, probe_interval_s=0.01), migrations) as db:
            monkeypatch.setattr(db._checkup, "look", fail)
            await eventually(lambda: len(rounds) > 1)
    assert "a look at the database's health failed" in records[0]["message"]


async def _checkpointed(db: DatabaseManager) -> None:
    assert db._store is not None
    await db._store.writer.between_batches(checkpoint)
