"""Writes that wait for the database: stored before anybody hears so, carried out once, in order, or plainly refused."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from db import DatabaseManager, DatabaseSettings, EventKind, Mode, Outcome, Priority, Transaction, open_database
from db.appendlog import read_log
from db.engine import load_engine
from db.operations import find_operation, operation
from tests.conftest import Scratch
from tests.db.feature import by, cents_of, eventually, fill, journaled
from tests.db.outage import away, break_down, give, mumble, replayed, say, shout, take_away, urgent

LONG_S = 60


@pytest.fixture
def queue_file(settings: DatabaseSettings) -> Path:
    return settings.directory / "waiting.log"


@asynccontextmanager
async def started_without_database(settings: DatabaseSettings, migrations: Path) -> AsyncIterator[DatabaseManager]:
    """A process that finds its database gone, and does not look for it again by itself."""
    async with open_database(settings, migrations):
        pass
    take_away(settings.directory / "gen-1" / "rollcall.db")
    async with open_database(settings, migrations) as db:
        assert db.mode is Mode.OFFLINE
        yield db


def put_back(settings: DatabaseSettings) -> None:
    directory = settings.directory / "gen-1"
    (directory / "rollcall.away").rename(directory / "rollcall.db")


async def said(db: DatabaseManager) -> list[str]:
    """What was said, in the order in which it was carried out."""
    stored = [name for name, _ in await db.read(journaled)]
    return [name for name in stored if not name.startswith("fill:")]


async def test_what_may_wait_is_queued_and_what_may_not_is_refused(db: DatabaseManager, queue_file: Path):
    async with away(db):
        queued = await db.write(give, by("give:1"), owner=1, cents=5)
        assert (queued.outcome, queued.reason, queued.ok) == (Outcome.QUEUED, "QUEUED", False)
        assert "stored safely" in queued.text
        assert queued.error_id is None
        refused = await db.write(urgent, by("urgent:1", actor=2), text="now!")
        assert (refused.outcome, refused.reason) == (Outcome.FAILED, "READ_ONLY")
        assert [record["entry"]["params"] for record in read_log(queue_file)] == [{"owner": 1, "cents": 5}]
    await replayed(db)
    assert await db.read(cents_of, owner=1) == 5
    await eventually(lambda: not read_log(queue_file))


async def test_the_very_write_that_finds_the_database_gone_is_queued(db: DatabaseManager):
    """Nothing of it was stored, or nobody can tell: under its own id it cannot happen twice."""
    hidden = take_away(db.status().path)
    queued = await db.write(give, by("give:1"), owner=1, cents=5)
    assert queued.outcome is Outcome.QUEUED
    hidden.rename(db.status().path)
    await replayed(db)
    assert await db.read(cents_of, owner=1) == 5


async def test_while_reading_is_impossible_too_it_is_queued(settings: DatabaseSettings, migrations: Path):
    quick = replace(settings, probe_interval_s=0.05)
    async with started_without_database(quick, migrations) as db:
        assert (await db.write(give, by("give:1"), owner=1, cents=5)).outcome is Outcome.QUEUED
        put_back(settings)
        await replayed(db)
        assert await db.read(cents_of, owner=1) == 5


async def test_under_the_operators_switch_nothing_is_queued(db: DatabaseManager):
    db.set_switch(degraded=True)
    refused = await db.write(give, by("give:1"), owner=1, cents=5)
    assert (refused.outcome, refused.reason) == (Outcome.FAILED, "SWITCHED_OFF")
    async with away(db):
        assert (await db.write(give, by("give:2"), owner=1, cents=5)).reason == "SWITCHED_OFF"
    assert db.waiting() == ()


async def test_offline_under_the_operators_switch_nothing_is_queued(settings: DatabaseSettings, migrations: Path):
    async with started_without_database(replace(settings, degraded=True), migrations) as db:
        assert (await db.write(give, by("give:1"), owner=1, cents=5)).reason == "SWITCHED_OFF"
        assert db.waiting() == ()


async def test_what_waits_stays_while_the_switch_is_on_and_goes_when_it_is_off(db: DatabaseManager):
    async with away(db):
        assert (await db.write(give, by("give:1"), owner=1, cents=5)).outcome is Outcome.QUEUED
        db.set_switch(degraded=True)
    await eventually(lambda: db._writing.closed)
    await asyncio.sleep(0.1)
    assert [entry.operation_id for entry in db.waiting()] == ["give:1"]
    db.set_switch(degraded=False)
    await replayed(db)
    assert await db.read(cents_of, owner=1) == 5


async def test_the_same_id_twice_is_one_promise_and_with_other_content_an_error(db: DatabaseManager):
    async with away(db):
        first, second = await asyncio.gather(*(db.write(give, by("give:1"), owner=1, cents=5) for _ in range(2)))
        third = await db.write(give, by("give:1"), owner=1, cents=5)
        assert {each.outcome for each in (first, second, third)} == {Outcome.QUEUED}
        assert [each.repeated for each in (first, second, third)] == [False, True, True]
        for context, cents in ((by("give:1"), 6), (by("give:1", actor=2), 5)):
            reused = await db.write(give, context, owner=1, cents=cents)
            assert (reused.outcome, reused.reason) == (Outcome.FAILED, "ID_REUSED")
        assert len(db.waiting()) == 1
    await replayed(db)
    assert await db.read(cents_of, owner=1) == 5


async def test_an_actor_does_not_overtake_himself(settings: DatabaseSettings, migrations: Path):
    """The database is back, but what he asked for first has yet to be carried out; others need not wait for him."""
    patient = replace(settings, retry_base_s=LONG_S, retry_max_s=LONG_S)
    async with open_database(patient, migrations) as db:
        async with away(db):
            await db.write(break_down, by("broken:1"), while_poor=9)
        await eventually(lambda: db.waiting()[0].tries == 1)
        assert db.mode is Mode.READ_WRITE
        behind = await db.write(give, by("give:1"), owner=1, cents=5)
        refused = await db.write(urgent, by("urgent:1"), text="now!")
        assert behind.outcome is Outcome.QUEUED
        assert (refused.outcome, refused.reason) == (Outcome.FAILED, "WAITING_BEFORE")
        assert "still waiting" in refused.text
        assert (await db.write(give, by("give:2", actor=2), owner=1, cents=7)).ok
        assert await db.read(cents_of, owner=1) == 7
        assert (await db.write(fill, by("fill:9", actor=2), owner=9, cents=1)).ok
        db._replayer.wake()
        await replayed(db)
        assert (await said(db))[-2:] == ["broken:1", "give:1"]


async def test_it_is_carried_out_by_priority_and_age_and_each_actors_own_in_his_order(db: DatabaseManager):
    await db.write(fill, by("fill:1"), owner=1, cents=0)
    await db.write(fill, by("fill:2"), owner=2, cents=0)
    await db.write(fill, by("fill:3"), owner=3, cents=0)
    async with away(db):
        for number, (who, says) in enumerate(
            [(1, mumble), (2, mumble), (2, shout), (3, shout), (3, say), (1, shout), (3, shout)]
        ):
            name = f"{number}:{says.name}"
            assert (await db.write(says, by(name, actor=who), text=name)).outcome is Outcome.QUEUED
    await replayed(db)
    assert await said(db) == [
        "3:outage.shout",  # actor 3's first: the oldest of the highest priority that stands behind nothing of its own
        "4:outage.say",  # his second is better than the others' first
        "6:outage.shout",
        "0:outage.mumble",  # lowest priority, but 5 stands behind it
        "5:outage.shout",
        "1:outage.mumble",
        "2:outage.shout",
    ]


async def test_when_it_was_asked_for_and_when_it_is_done_are_told_apart(db: DatabaseManager):
    seen: list[tuple[int, int]] = []

    @operation("test.when_asked", queue=Priority.LOW)
    def when(tx: Transaction) -> int:
        seen.append((tx.asked_at, tx.now))
        return tx.now

    assert (await db.write(when, by("when:1"))).ok
    async with away(db):
        await db.write(when, by("when:2"))
        asked_at = db.waiting()[0].asked_at_ms
        await asyncio.sleep(0.05)
    await replayed(db)
    assert seen[0][0] == seen[0][1]
    assert seen[1][0] == asked_at
    assert seen[1][1] - asked_at >= 50


async def test_a_write_that_committed_without_anybody_knowing_is_not_done_again(db: DatabaseManager):
    """UNKNOWN is queued under its id; the journal answers when it is asked for again."""
    assert (await db.write(give, by("give:1"), owner=1, cents=5)).ok
    async with away(db):
        assert (await db.write(give, by("give:1"), owner=1, cents=5)).outcome is Outcome.QUEUED
    await replayed(db)
    assert await db.read(cents_of, owner=1) == 5


async def test_a_refusal_by_a_rule_is_an_end_as_well(db: DatabaseManager):
    async with away(db):
        assert (await db.write(give, by("give:1"), owner=1, cents=-5)).outcome is Outcome.QUEUED
    await replayed(db)
    assert db.dead_letters() == ()
    again = await db.write(give, by("give:1"), owner=1, cents=-5)
    assert (again.outcome, again.reason, again.repeated) == (Outcome.REJECTED, "NEGATIVE", True)


async def test_a_full_queue_refuses_plainly_and_keeps_what_it_has(settings: DatabaseSettings, migrations: Path):
    async with open_database(replace(settings, queue_kb=16), migrations) as db:
        queue_file = settings.directory / "waiting.log"
        async with away(db):
            results = [await db.write(say, by(f"say:{n}"), text="x" * 1000) for n in range(20)]
            fits = [each.operation_id for each in results if each.outcome is Outcome.QUEUED]
            assert 5 < len(fits) < 16
            assert {(each.outcome, each.reason) for each in results[len(fits) :]} == {(Outcome.FAILED, "READ_ONLY")}
            smaller = [db.write(give, by(f"give:{n}", actor=9), owner=1, cents=1) for n in range(3)]
            large = db.write(say, by("large"), text="x" * 20_000)
            *taken, too_large = await asyncio.gather(*smaller, large)
            assert {each.outcome for each in taken} == {Outcome.QUEUED}
            assert too_large.outcome is Outcome.FAILED
            assert queue_file.stat().st_size == 16 * 1024
        await db.write(fill, by("fill:1", actor=5), owner=1, cents=0)
        await replayed(db)
        assert set(await said(db)) >= set(fits[:1])


async def test_a_queue_that_cannot_be_written_says_failed_and_never_queued(db: DatabaseManager):
    async with away(db):
        db._queue._file._log.close()
        db._queue._file._path.with_name("waiting.log.new").mkdir()  # neither appended to nor written anew
        refused = await db.write(give, by("give:1"), owner=1, cents=5)
        assert (refused.outcome, refused.reason) == (Outcome.FAILED, "READ_ONLY")
        db._queue._file._path.with_name("waiting.log.new").rmdir()
        assert (await db.write(give, by("give:2"), owner=1, cents=7)).outcome is Outcome.QUEUED
    await replayed(db)
    assert await db.read(cents_of, owner=1) == 7


async def test_what_damage_left_is_carried_out_and_the_damage_is_told(settings: DatabaseSettings, migrations: Path):
    queue_file = settings.directory / "waiting.log"
    async with started_without_database(settings, migrations) as db:
        for number in range(3):
            await db.write(give, by(f"give:{number}"), owner=number, cents=5)
    queue_file.write_bytes(queue_file.read_bytes().replace(b'"cents":5,"owner":1', b'"cents":9,"owner":1'))
    put_back(settings)
    async with open_database(settings, migrations) as db:
        await replayed(db)
        assert [await db.read(cents_of, owner=owner) for owner in range(3)] == [5, None, 5]
    assert len(list(queue_file.parent.glob("waiting.log.damaged-*"))) == 1


async def test_damage_is_an_event(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations):
        pass
    (settings.directory / "waiting.log").write_bytes(b"no line of ours\nnor this\n")
    manager = DatabaseManager(settings, migrations, load_engine(settings.engine))
    heard: list[EventKind] = []
    manager.subscribe(lambda event: heard.append(event.kind))
    await manager.start()
    await manager.close()
    assert heard.count(EventKind.QUEUE_DAMAGED) == 2


async def test_new_writes_go_on_while_the_old_ones_are_carried_out(db: DatabaseManager):
    """Two hundred waiting ones of a hundred people, and as many new ones of the same and of others."""
    async with away(db):
        for number in range(200):
            await db.write(give, by(f"old:{number}", actor=number % 100), owner=number % 100, cents=1)
    await eventually(lambda: db.mode is Mode.READ_WRITE)
    writes = [db.write(give, by(f"new:{n}", actor=n % 150), owner=n % 150, cents=100) for n in range(300)]
    results = await asyncio.gather(*writes)
    assert {each.outcome for each in results} <= {Outcome.COMMITTED, Outcome.QUEUED}
    await replayed(db)
    assert [await db.read(cents_of, owner=owner) for owner in (0, 99, 149)] == [202, 202, 200]
    order = await said(db)
    for actor in range(100):
        own = [name for name in order if int(name.partition(":")[2]) % (100 if name[0] == "o" else 150) == actor]
        assert [name[0] for name in own] == ["o", "o", "n", "n"]


async def test_trouble_in_the_middle_costs_no_entry_a_try(db: DatabaseManager):
    async with away(db):
        for number in range(5):
            await db.write(give, by(f"give:{number}"), owner=1, cents=1)
    for _ in range(3):
        await eventually(lambda: db.mode is Mode.READ_WRITE)
        async with away(db):
            assert [entry.tries for entry in db.waiting()] == [0] * len(db.waiting())
    await replayed(db)
    assert await db.read(cents_of, owner=1) == 5
    assert db.dead_letters() == ()


def test_a_name_belongs_to_one_function():
    assert find_operation("outage.give") is give
    assert find_operation("outage.never") is None

    def other(_: Transaction) -> int:
        return 0

    with pytest.raises(TypeError, match=r"outage\.give.*test_waiting"):
        operation("outage.give")(other)
    assert find_operation("outage.give") is give


def test_the_time_asked_is_the_time_done_where_nothing_waited(scratch: Scratch):
    @operation("test.times")
    def times(tx: Transaction) -> list[int]:
        return [tx.asked_at, tx.now]

    assert scratch.run(times).value == [scratch.now_ms] * 2
