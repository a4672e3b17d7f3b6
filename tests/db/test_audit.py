"""Events enter the journal by the same door as operations: none is lost, none is there twice, all in their order."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from db import DatabaseManager, DatabaseSettings, Mode, ParameterError, open_database
from db.appendlog import read_log
from db.audit import AuditEvent, AuditTrail
from db.results import Outcome, WriteResult
from tests.db.conftest import raw_rows
from tests.db.feature import by, eventually, fill

EVENTS = """
SELECT journal.name, journal.guild_id, journal_payload.payload FROM journal JOIN journal_payload USING (seq)
WHERE outcome = 'event' AND journal.name NOT LIKE 'database.%' ORDER BY seq
"""
COUNT = iter(range(10**9))


def numbers(db: DatabaseManager) -> list[int]:
    return [orjson.loads(str(payload))["params"]["facts"]["n"] for _, _, payload in raw_rows(db, EVENTS)]


class Flaky:
    """The database's door as `AuditTrail` sees it: fails as often as it is told to, else lets through."""

    def __init__(self, db: DatabaseManager) -> None:
        self.db = db
        self.failures: list[str] = []
        self.attempts = 0
        self.shut = False
        self.slept: list[float] = []

    async def write(self, event: AuditEvent) -> WriteResult[None]:
        self.attempts += 1
        if self.failures:
            how = self.failures.pop(0)
            result = await self.db.journal._write_event(event) if how == "unknown, but done" else None
            assert result is None or result.ok
            return WriteResult(outcome=Outcome.UNKNOWN, reason="COMMIT_UNKNOWN", operation_id=event.event_id)
        return await self.db.journal._write_event(event)

    def open(self) -> bool:
        return not self.shut

    async def sleep(self, delay_s: float) -> None:
        self.slept.append(delay_s)

    @asynccontextmanager
    async def trail(self, settings: DatabaseSettings) -> AsyncGenerator[AuditTrail]:
        path = settings.directory / f"trail-{next(COUNT)}.log"
        trail = AuditTrail(path, settings, self.write, self.open, sleep=self.sleep)
        await trail.open()
        try:
            yield trail
        finally:
            await trail.close()


async def test_an_event_is_a_row_of_the_same_chain(db: DatabaseManager):
    await db.write(fill, by("fill:1"), owner=1, cents=5)
    await db.record_event("permission.refused", 7, 42, {"command": "grant"})
    ((name, guild, payload),) = raw_rows(db, EVENTS)
    assert (name, guild) == ("permission.refused", 7)
    told = orjson.loads(str(payload))
    assert (told["actor"], told["params"]["facts"]) == (42, {"command": "grant"})
    assert told["params"]["happened_at_ms"] > 1_700_000_000_000
    report = await db.verify_journal()
    assert (report.ok, report.rows) == (True, 2)


async def test_events_go_on_under_the_operators_switch_which_is_one_itself(db: DatabaseManager):
    db.set_switch(degraded=True)
    await db.record_event("permission.refused", 7, 1, {"n": 1})
    assert not (await db.write(fill, by("fill:1"), owner=1, cents=5)).ok
    assert numbers(db) == [1]
    names = [name for (name,) in raw_rows(db, "SELECT name FROM journal ORDER BY seq")]
    assert sorted(names) == ["database.mode", "database.switch", "permission.refused"]


async def test_what_json_cannot_hold_is_the_callers_mistake(db: DatabaseManager):
    for facts in ({"n": 2**64}, {"text": "a\0b"}, {"long": "x" * 20_000}, {"odd": object()}):
        with pytest.raises(ParameterError):
            await db.record_event("test.bad", 7, 1, facts)  # pyright: ignore[reportArgumentType]


@examples(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    failures=st.lists(st.sampled_from(["failed", "unknown, but done"]), max_size=8),
    attempts=st.integers(1, 6),
    base_s=st.floats(0.01, 1),
    multiplier=st.floats(1, 4),
    max_s=st.floats(1, 20),
)
def test_for_any_failing_audit_write_retries_back_off_exponentially(
    audited: Callable[[Any], Any],
    failures: list[str],
    attempts: int,
    base_s: float,
    multiplier: float,
    max_s: float,
):
    """Feature: database-reliability, Property 15: Audit Log Retry Pattern"""

    async def scenario(db: DatabaseManager, settings: DatabaseSettings) -> None:
        policy = replace(
            settings,
            retry_attempts=attempts,
            retry_base_s=base_s,
            retry_multiplier=multiplier,
            retry_max_s=max_s,
        )
        flaky = Flaky(db)
        flaky.failures = list(failures)
        before = len(numbers(db))
        async with flaky.trail(policy) as trail:
            await trail.record("test.event", 7, 1, {"n": before})
            tried = min(len(failures) + 1, attempts)
            assert flaky.attempts == tried
            expected = [min(base_s * multiplier**n, max_s) for n in range(tried - 1)]
            assert flaky.slept == pytest.approx(expected)
            gave_up = len(failures) >= attempts
            assert trail.waiting == (1 if gave_up else 0)
            flaky.failures.clear()
            trail.nudge()
            await eventually(lambda: not trail.waiting)
        assert numbers(db)[before:] == [before]

    audited(scenario)


@pytest.fixture
def audited(settings: DatabaseSettings, migrations: Path):
    """Runs scenarios one after the other on one database: none may leave anything to the next."""
    loop = asyncio.new_event_loop()
    context = open_database(settings, migrations)
    db = loop.run_until_complete(context.__aenter__())
    yield lambda scenario: loop.run_until_complete(scenario(db, settings))
    loop.run_until_complete(context.__aexit__(None, None, None))
    loop.close()


@examples(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(
        st.sampled_from(["event", "event", "event", "away", "back", "merge", "crash", "fail", "unknown, but done"]),
        max_size=25,
    )
)
def test_over_any_outages_each_event_is_journaled_once_and_in_order(audited: Callable[[Any], Any], steps: list[str]):
    async def scenario(db: DatabaseManager, settings: DatabaseSettings) -> None:
        flaky = Flaky(db)
        patient = replace(settings, retry_attempts=2)
        before = len(numbers(db))
        recorded = before
        path = settings.directory / f"outages-{next(COUNT)}.log"
        trail = AuditTrail(path, patient, flaky.write, flaky.open, sleep=flaky.sleep)
        await trail.open()
        for step in steps:
            match step:
                case "event":
                    await trail.record("test.event", 7, 1, {"n": recorded})
                    recorded += 1
                case "away" | "back":
                    flaky.shut = step == "away"
                case "merge":
                    trail.nudge()
                    await asyncio.sleep(0)
                case "crash":  # nothing is closed in good order: only the file is left
                    await asyncio.gather(*trail._tasks)
                    trail._log.close()
                    trail = AuditTrail(path, patient, flaky.write, flaky.open, sleep=flaky.sleep)
                    await trail.open()
                case _:
                    flaky.failures.append(step)
        flaky.shut = False
        flaky.failures.clear()
        await asyncio.gather(*trail._tasks)
        trail.nudge()
        await eventually(lambda: not trail.waiting and not trail._tasks)
        assert read_log(path) == []
        await trail.close()
        assert numbers(db)[before:] == list(range(before, recorded))

    audited(scenario)


async def test_while_there_is_no_database_events_wait_in_a_file_for_the_next_process(
    settings: DatabaseSettings, migrations: Path
):
    async with open_database(settings, migrations) as db:
        await db.write(fill, by("fill:1"), owner=1, cents=5)
        file = db.status().path
    file.rename(file.with_suffix(".away"))
    async with open_database(settings, migrations) as db:
        assert db.mode is Mode.OFFLINE
        for number in range(5):
            await db.record_event("test.event", 7, 1, {"n": number})
    file.with_suffix(".away").rename(file)
    async with open_database(settings, migrations) as db:
        await eventually(lambda: numbers(db) == [0, 1, 2, 3, 4])
        await db.record_event("test.event", 7, 1, {"n": 5})
        await eventually(lambda: numbers(db) == [0, 1, 2, 3, 4, 5])
        names = [name for (name,) in raw_rows(db, "SELECT name FROM journal ORDER BY seq")]
        assert names[:3] == ["test.fill", "database.mode", "test.event"]
        report = await db.verify_journal()
        assert report.ok


async def test_a_mode_that_comes_and_goes_is_journaled_and_makes_no_further_trouble(db: DatabaseManager):
    db._writing.trip("the disk is full")
    await db.record_event("test.event", 7, 1, {"n": 1})
    await eventually(lambda: db.mode is Mode.READ_WRITE)
    assert await until_told(db, 2) == [
        {"mode": "read-only", "reason": "writing fails: the disk is full"},
        {"mode": "read-write", "reason": ""},
    ]
    assert numbers(db) == [1]


async def until_told(db: DatabaseManager, count: int) -> list[dict[str, str]]:
    """The journaled changes of mode, once there are so many."""
    sql = "SELECT payload FROM journal JOIN journal_payload USING (seq) WHERE name = 'database.mode' ORDER BY seq"
    await eventually(lambda: len(raw_rows(db, sql)) == count)
    return [orjson.loads(str(payload))["params"]["facts"] for (payload,) in raw_rows(db, sql)]


async def test_a_damaged_file_gives_what_can_be_read_and_is_kept(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as db:
        await db.write(fill, by("fill:1"), owner=1, cents=5)
        file = db.status().path
    file.rename(file.with_suffix(".away"))
    async with open_database(settings, migrations) as db:
        for number in range(4):
            await db.record_event("test.event", 7, 1, {"n": number})
    log = settings.directory / "events.log"
    log.write_bytes(log.read_bytes().replace(b'"n":2', b'"n":7'))
    file.with_suffix(".away").rename(file)
    async with open_database(settings, migrations) as db:
        await eventually(lambda: numbers(db) == [0, 1, 3])
    assert len(list(settings.directory.glob("events.log.damaged-*"))) == 1


async def test_a_file_that_takes_nothing_does_not_lose_what_the_process_still_knows(
    db: DatabaseManager, settings: DatabaseSettings
):
    flaky = Flaky(db)
    flaky.shut = True
    async with flaky.trail(settings) as trail:
        trail._log.close()
        trail._log._path.unlink()
        trail._log._path.mkdir()
        for number in range(3):
            await trail.record("test.event", 7, 1, {"n": number})
        assert trail.waiting == 3
        trail._log._path.rmdir()
        await trail.record("test.event", 7, 1, {"n": 3})
        assert len(read_log(trail._log._path)) == 4
        flaky.shut = False
        trail.nudge()
        await eventually(lambda: numbers(db) == [0, 1, 2, 3])


async def test_an_event_whose_caller_has_gone_is_journaled_all_the_same(db: DatabaseManager):
    task = asyncio.ensure_future(db.record_event("test.event", 7, 1, {"n": 1}))
    await asyncio.sleep(0)
    task.cancel()
    await eventually(lambda: numbers(db) == [1])


async def test_many_at_once_keep_their_order(db: DatabaseManager):
    await asyncio.gather(*(db.record_event("test.event", 7, 1, {"n": number}) for number in range(100)))
    assert numbers(db) == list(range(100))


async def test_closing_does_not_wait_for_a_door_that_hangs(db: DatabaseManager, settings: DatabaseSettings):
    class Hanging(Flaky):
        async def write(self, event: AuditEvent) -> WriteResult[None]:
            await asyncio.sleep(3600)
            return await super().write(event)

    hanging = Hanging(db)
    async with hanging.trail(settings) as trail:
        task = asyncio.ensure_future(trail.record("test.event", 7, 1, {"n": 1}))
        await asyncio.sleep(0.01)
    await task
    assert [record["facts"] for record in read_log(trail._log._path)] == [{"n": 1}]
