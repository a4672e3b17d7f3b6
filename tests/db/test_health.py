"""HealthMonitor: what happens is counted, timed and remembered."""

import asyncio
import itertools
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from db import BackupState, ConnectionState, DatabaseManager, DatabaseSettings, Mode, Unavailable, open_database
from tests.db.calls import CALLS, Expected, ask, break_down, commit, locked, violate
from tests.db.feature import by, cents_of, fill

NUMBERS = itertools.count(1)


@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(calls=st.lists(st.sampled_from(CALLS), min_size=1, max_size=12))
async def test_for_any_operation_status_timing_and_error_rate_are_collected(
    db: DatabaseManager, calls: list[Callable[..., Any]]
):
    """Feature: database-reliability, Property 10: Health Monitoring Data Collection.

    Writes and reads apart, by name and in all: how many, how many failed, how long; the newest error; the connection.
    """
    before = db.status()
    expected: list[Expected] = await asyncio.gather(*(call(db, f"health:{next(NUMBERS)}") for call in calls))
    after = db.status()
    for is_read, was, now in ((False, before.operations, after.operations), (True, before.queries, after.queries)):
        mine = [each for each in expected if each.is_read is is_read]
        failed = sum(each.fails for each in mine)
        assert (now.total - was.total, now.total_errors - was.total_errors) == (len(mine), failed)
        assert now.error_rate == pytest.approx(now.errors / now.count if now.count else 0.0)
        if mine:
            assert 0 < now.latency.p50_ms <= now.latency.p95_ms <= now.latency.p99_ms
            assert now.latency.mean_ms > 0
    assert {each.name for each in expected} <= {name for name, _ in after.slowest}
    assert after.errors - before.errors == sum(each.fails for each in expected)
    assert after.connection is ConnectionState.CONNECTED
    assert after.database_bytes
    assert after.free_disk_bytes
    assert after.backup is BackupState.NONE


async def test_the_same_operation_that_succeeds_later_resolves_its_error(db: DatabaseManager):
    await violate(db, "once")
    assert db.status().unresolved_errors == 1
    assert (await db.write(fill, by("another"), owner=1, cents=1)).ok
    assert db.status().unresolved_errors == 1, "another's success says nothing about it"
    await commit(db, "once")
    assert db.status().unresolved_errors == 0
    [record] = db.health.errors
    assert record.resolved


@pytest.mark.parametrize(("timeout_s", "retries"), [(0.1, 0), (5.0, 4)])
async def test_what_was_wrong_with_the_database_is_resolved_when_it_works_again(
    settings: DatabaseSettings, migrations: Path, timeout_s: float, retries: int
):
    """The record says why, also where there was no time left to try again."""
    impatient = replace(settings, busy_timeout_s=0.15, operation_timeout_s=timeout_s)
    async with open_database(impatient, migrations) as db:
        with locked(db):
            result = await db.write(fill, by("locked out"), owner=1, cents=1)
        assert result.error_id is not None
        record = db.health.errors.find(result.error_id)
        assert record is not None
        assert (record.code, record.is_infrastructure, record.resolved) == ("SQLITE_BUSY", True, False)
        assert record.retries == retries
        assert (await db.write(fill, by("afterwards"), owner=1, cents=1)).ok
        assert db.status().unresolved_errors == 0


async def test_a_refusal_by_the_mode_is_neither_an_error_nor_a_latency(db: DatabaseManager):
    db.set_switch(degraded=True)
    assert not (await db.write(fill, by("refused"), owner=1, cents=1)).ok
    status = db.status()
    assert (status.refused, status.operations.total, status.errors) == (1, 0, 0)
    assert status.is_switched_off
    assert status.mode_changes == 2, "opened, and switched off"


async def test_a_query_that_breaks_by_itself_counts_as_failed_and_leaves_no_record(db: DatabaseManager):
    with pytest.raises(TypeError):
        await db.read(ask, sql=5, values=[])  # pyright: ignore[reportArgumentType]
    assert (db.status().queries.total_errors, db.status().errors) == (1, 0)


async def test_the_connection_is_followed_from_beginning_to_end(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as db:
        assert db.status().connection is ConnectionState.CONNECTED
        assert db.status().connections == 1 + settings.readers
        db._reading.trip("a reader is lost")
        assert db.status().connection is ConnectionState.DISCONNECTED
    assert db.status().connection is ConnectionState.DISCONNECTED
    assert db.status().connections == 0


async def test_without_a_database_there_is_a_status_all_the_same(settings: DatabaseSettings, migrations: Path):
    settings.directory.mkdir()
    (settings.directory / "current").symlink_to("gen-1")
    async with open_database(settings, migrations) as db:
        status = db.status()
        assert (status.mode, status.connection) == (Mode.OFFLINE, ConnectionState.DISCONNECTED)
        assert (status.database_bytes, status.connections, status.operations.total) == (None, 0, 0)
        with pytest.raises(Unavailable):
            await db.read(cents_of, owner=1)


async def test_the_ring_keeps_the_newest_errors_only(db: DatabaseManager):
    for number in range(520):
        await break_down(db, f"broken:{number}")
    kept = list(db.health.errors)
    assert len(kept) == 500
    assert (kept[0].operation_id, kept[-1].operation_id) == ("broken:20", "broken:519")
    assert db.status().errors == 520
    assert [record.operation_id for record in db.health.errors.newest(2)] == ["broken:519", "broken:518"]
    assert db.health.errors.find(f" {kept[0].id.lower()} ") == kept[0]
    assert sum(len(record.traceback) + len(record.sql) for record in kept) < 5_000_000


async def test_a_statistics_line_says_how_busy_and_how_well_it_is(db: DatabaseManager):
    await commit(db, "one")
    line = db.status().statistics()
    assert line.startswith("read-write, 5 connections; ")
    assert "writes/s (0.0% failed, p50 " in line
    assert "free disk" in line


async def test_other_limits_hold_from_then_on(db: DatabaseManager):
    await commit(db, "before")
    db.health.configure(replace(db.health.settings, slow_query_ms=0.0001))
    await commit(db, "afterwards")
    [slow] = db.status().slow_statements
    assert slow.count == 1
