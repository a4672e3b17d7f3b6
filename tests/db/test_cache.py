"""Last known answers: never an old one as if it held now; the age is said; memory is bounded."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test

from db import DatabaseError, DatabaseManager, DatabaseSettings, Known, Mode, Snapshot, open_database, query
from db.cache import LastKnown
from tests.db.conftest import raw_rows
from tests.db.feature import by, eventually, fill, pay, total

T = TypeVar("T")


@query("test.known", remember=True)
def known_cents(snapshot: Snapshot, *, owner: int) -> list[int]:
    return [cents for (cents,) in snapshot.fetch_all("SELECT cents FROM purse WHERE owner = ?", owner)]


async def test_a_second_look_needs_no_database(db: DatabaseManager):
    await db.write(fill, by("fill:1"), owner=1, cents=5)
    await asyncio.sleep(0)
    first = await db.read_known(known_cents, owner=1)
    reads = db.status().queries.total
    assert await db.read_known(known_cents, owner=1) == first == Known([5], None)
    assert db.status().queries.total == reads


async def test_whoever_was_told_of_a_write_sees_it(db: DatabaseManager):
    for number in range(50):
        await db.write(fill, by(f"fill:{number}"), owner=1, cents=1)
        assert await db.read_known(known_cents, owner=1) == Known([number + 1], None)
        assert await db.read_known(known_cents, owner=1) == Known([number + 1], None)


async def test_among_many_writers_nobody_sees_less_than_he_was_told(db: DatabaseManager):
    async def save(owner: int) -> None:
        for number in range(1, 30):
            await db.write(fill, by(f"fill:{owner}:{number}"), owner=owner, cents=1)
            assert (await db.read_known(known_cents, owner=owner)).value == [number]

    await asyncio.gather(*(save(owner) for owner in range(16)))


async def test_an_answer_never_goes_backwards(db: DatabaseManager):
    """A commit that a plain read has seen already is not hidden again by what is remembered."""
    await db.write(fill, by("fill:0"), owner=1, cents=1)
    writes = [asyncio.ensure_future(db.write(fill, by(f"fill:{n}"), owner=1, cents=1)) for n in range(1, 200)]
    seen = 0
    while not all(write.done() for write in writes):
        live = await db.read(total)
        remembered = (await db.read_known(known_cents, owner=1)).value[0]
        assert seen <= live <= remembered
        seen = remembered
    await asyncio.gather(*writes)


async def test_when_reading_fails_the_last_answer_is_shown_with_its_age(db: DatabaseManager):
    await db.write(fill, by("fill:1"), owner=1, cents=5)
    await db.read_known(known_cents, owner=1)
    db._reading.trip("the disk is gone")
    known = await db.read_known(known_cents, owner=1)
    assert known.value == [5]
    assert known.age_s is not None
    assert 0 <= known.age_s < 5
    with pytest.raises(DatabaseError, match="the disk is gone"):
        await db.read_known(known_cents, owner=2)


async def test_after_the_database_has_come_back_an_answer_has_no_age(db: DatabaseManager):
    await db.write(fill, by("fill:1"), owner=1, cents=5)
    await db.read_known(known_cents, owner=1)
    db._reading.trip("a moment")
    assert (await db.read_known(known_cents, owner=1)).age_s is not None
    await eventually(lambda: db.mode is Mode.READ_WRITE)
    assert await db.read_known(known_cents, owner=1) == Known([5], None)


async def test_a_commit_that_nobody_waits_for_any_more_makes_stale_too(db: DatabaseManager):
    await db.write(fill, by("fill:1"), owner=1, cents=5)
    await db.read_known(known_cents, owner=1)
    task = asyncio.ensure_future(db.write(fill, by("fill:2"), owner=1, cents=5))
    await asyncio.sleep(0)
    task.cancel()
    await eventually(lambda: raw_rows(db, "SELECT cents FROM purse") == [(10,)])
    assert await db.read_known(known_cents, owner=1) == Known([10], None)


async def test_what_one_caller_does_to_his_answer_is_his_affair(db: DatabaseManager):
    await db.write(fill, by("fill:1"), owner=1, cents=5)
    (await db.read_known(known_cents, owner=1)).value.append(99)
    (await db.read_known(known_cents, owner=1)).value.append(99)
    assert (await db.read_known(known_cents, owner=1)).value == [5]


async def test_a_query_that_is_not_remembered_is_a_mistake(db: DatabaseManager):
    with pytest.raises(TypeError, match=r"test\.total is not declared"):
        await db.read_known(total)


@given(
    answers=st.lists(st.tuples(st.integers(0, 20), st.binary(max_size=200)), max_size=60),
    max_entries=st.integers(1, 8),
    max_bytes=st.integers(1, 1000),
)
def test_for_any_answers_the_bounds_hold_and_the_newest_stay(
    answers: list[tuple[int, bytes]], max_entries: int, max_bytes: int
):
    known = LastKnown(max_entries=max_entries, max_bytes=max_bytes)
    for number, (key, value) in enumerate(answers):
        known.keep(b"%d" % key, value, asked_at_s=number, version=1)
        assert len(known) <= max_entries
        assert known.size_bytes <= max_bytes
        found = known.last(b"%d" % key)
        assert found is None or found.value == value
    assert known.size_bytes >= 0


def test_of_two_reads_the_one_asked_for_later_is_kept():
    known = LastKnown(clock=lambda: 10.0)
    known.keep(b"key", "newer", asked_at_s=5.0, version=None)
    known.keep(b"key", "older", asked_at_s=4.0, version=1)
    assert known.last(b"key") == Known("newer", 5.0)
    assert known.fresh(b"key", 1) is None


class CacheMachine(RuleBasedStateMachine):
    """The manager with its cache against a plain dictionary: fresh answers are true ones, others say so."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.model: dict[int, int] = {}
        self.ever: dict[int, set[tuple[int, ...]]] = {}
        self.number = 0
        self.db: DatabaseManager | None = None

    base: DatabaseSettings
    migrations: Path
    directories: int = 0

    def run(self, work: Awaitable[T]) -> T:
        return self.loop.run_until_complete(work)

    def opened(self) -> DatabaseManager:
        if self.db is None:
            type(self).directories += 1
            directory = self.base.directory.with_name(f"machine-{self.directories}")
            self.context = open_database(
                replace(self.base, directory=directory, breaker_delay_s=3600, breaker_max_delay_s=3600), self.migrations
            )
            self.db = self.run(self.context.__aenter__())
        return self.db

    def by(self):
        self.number += 1
        return by(f"machine:{self.number}")

    @property
    def away(self) -> bool:
        return self.opened().mode is Mode.OFFLINE

    @precondition(lambda self: not self.away)
    @rule(owner=st.integers(0, 2), cents=st.integers(0, 9))
    def save(self, owner: int, cents: int) -> None:
        assert self.run(self.opened().write(fill, self.by(), owner=owner, cents=cents)).ok
        self.model[owner] = self.model.get(owner, 0) + cents

    @precondition(lambda self: not self.away)
    @rule(sender=st.integers(0, 2), recipient=st.integers(0, 2), cents=st.integers(1, 9))
    def give(self, sender: int, recipient: int, cents: int) -> None:
        if self.run(self.opened().write(pay, self.by(), sender=sender, recipient=recipient, cents=cents)).ok:
            self.model[sender] -= cents
            self.model[recipient] += cents

    @rule(owner=st.integers(0, 2))
    def look(self, owner: int) -> None:
        try:
            known = self.run(self.opened().read_known(known_cents, owner=owner))
        except DatabaseError:
            assert self.away
            assert owner not in self.ever
            return
        now = (self.model[owner],) if owner in self.model else ()
        if known.age_s is None:
            assert not self.away
            assert tuple(known.value) == now
            self.ever.setdefault(owner, set()).add(now)
        else:
            assert self.away
            assert tuple(known.value) in self.ever[owner]

    async def on_loop(self, *steps: Callable[[], None]) -> None:
        """Breakers belong to the loop's thread, and tell who listens there."""
        for step in steps:
            step()

    @precondition(lambda self: not self.away)
    @rule()
    def lose_the_readers(self) -> None:
        reading = self.opened()._reading
        self.run(self.on_loop(lambda: reading.trip("the machine says so")))

    @precondition(lambda self: self.away)
    @rule()
    def find_them_again(self) -> None:
        reading = self.opened()._reading
        self.run(self.on_loop(lambda: reading.probe_failed("one more"), reading.probe_succeeded))

    @invariant()
    def the_bounds_hold(self) -> None:
        assert len(self.opened()._known) <= 3

    def teardown(self) -> None:
        if self.db is not None:
            self.run(self.context.__aexit__(None, None, None))
        self.loop.close()


def test_for_any_history_a_fresh_answer_is_the_true_one(settings: DatabaseSettings, migrations: Path):
    class Machine(CacheMachine):
        base = settings

    Machine.migrations = migrations
    run_state_machine_as_test(Machine, settings=_FEW)


_FEW = settings(max_examples=100, stateful_step_count=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
