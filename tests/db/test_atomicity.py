"""All of an operation or nothing of it, whatever it does; the others in its batch go on."""

import asyncio
import contextlib
import time
from typing import Any, cast

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from db import (
    DatabaseManager,
    ForbiddenStatement,
    Operation,
    Outcome,
    Rejected,
    Transaction,
    TransactionFailed,
    operation,
)
from tests.conftest import Scratch
from tests.db.feature import by, cents_of, count_for_ever, fill, journaled, note

SAY = cast("Any", Transaction.execute)  # SQL that is no constant, as these tests need it


class _Odd(BaseException):
    """Not even an Exception."""


def _steps_then(step: int, raised: BaseException | None) -> Operation[..., None]:
    @operation("test.steps")
    def steps(tx: Transaction) -> None:
        for number in range(4):
            if number == step and raised is not None:
                raise raised
            tx.execute("INSERT INTO purse (owner, cents) VALUES (?, 1)", 100 + number)

    return steps


@pytest.mark.parametrize("step", range(4))
@pytest.mark.parametrize(
    "raised",
    [
        ValueError("x"),
        Rejected("NO"),
        MemoryError(),
        StopIteration(),
        KeyboardInterrupt(),
        SystemExit(1),
        GeneratorExit(),
        asyncio.CancelledError(),
        _Odd(),
    ],
    ids=lambda exc: type(exc).__name__,
)
async def test_whatever_is_raised_at_any_step_nothing_of_it_stays(db: DatabaseManager, step: int, raised: Any):
    before, failed, after = await asyncio.gather(
        db.write(fill, by("before"), owner=1, cents=5),
        db.write(_steps_then(step, raised), by("steps")),
        db.write(fill, by("after"), owner=2, cents=5),
    )
    assert (before.ok, after.ok) == (True, True)
    expected = (Outcome.REJECTED, "NO") if isinstance(raised, Rejected) else (Outcome.FAILED, "OPERATION_FAILED")
    assert (failed.outcome, failed.reason) == expected
    assert await db.read(cents_of, owner=100) is None
    names = [name for name, _ in await db.read(journaled)]
    assert names == (["before", "steps", "after"] if isinstance(raised, Rejected) else ["before", "after"])


@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(st.tuples(st.integers(1, 5), st.integers(-9, 9)), max_size=8), fails_at=st.none() | st.integers(0, 8)
)
def test_for_any_multi_step_operation_it_is_all_or_nothing(
    purses: Scratch, steps: list[tuple[int, int]], fails_at: int | None
):
    """A purse that would be overdrawn, or a mistake at any step, undoes every step before it."""

    @operation("test.many")
    def many(tx: Transaction) -> None:
        for number, (owner, cents) in enumerate(steps):
            if number == fails_at:
                raise RuntimeError("a mistake")
            fill(tx, owner=owner, cents=cents)

    def contents() -> dict[int, int]:
        return dict(purses.rows("SELECT owner, cents FROM purse"))  # type: ignore[arg-type]

    before = contents()
    expected = dict(before)
    for owner, cents in steps:
        expected[owner] = expected.get(owner, 0) + cents
    result = purses.run(many)
    assert contents() == (expected if result.ok else before)
    if fails_at is not None and fails_at < len(steps):
        assert not result.ok


FORBIDDEN = [
    "COMMIT",
    "commit",
    "END",
    "ROLLBACK",
    "BEGIN",
    "SAVEPOINT mine",
    "RELEASE operation",
    "ROLLBACK TO operation",
    "PRAGMA foreign_keys = OFF",
    "ATTACH 'other.db' AS other",
    "DETACH main",
    "VACUUM",
    "REINDEX",
    "ANALYZE",
    "CREATE TABLE mine (id)",
    "CREATE TEMP TABLE mine (id)",
    "DROP TABLE purse",
    "ALTER TABLE purse ADD COLUMN x",
    "REPLACE INTO purse VALUES (1, 1)",
    "EXPLAIN SELECT 1",
    "INSERT OR ROLLBACK INTO purse VALUES (1, -1)",
    "insert or\n rollback into purse values (1, -1)",
    "INSERT OR /* quietly */ ROLLBACK INTO purse VALUES (1, -1)",
    "UPDATE OR -- x\n ROLLBACK purse SET cents = -1",
    "; COMMIT",
    "",
]


@pytest.mark.parametrize("lead", ["", "  \n\t", "-- a comment\n", "/* COMMENT; */ ", "--\n/**/--x\n"])
@pytest.mark.parametrize("sql", FORBIDDEN)
def test_sql_that_reaches_past_its_own_transaction_is_refused(purses: Scratch, sql: str, lead: str):
    caught: list[BaseException] = []

    @operation("test.reach")
    def reach(tx: Transaction) -> None:
        fill(tx, owner=1, cents=5)
        try:
            SAY(tx, lead + sql)
        except ForbiddenStatement as exc:
            caught.append(exc)
            raise

    result = purses.run(reach)
    assert (result.outcome, result.reason, len(caught)) == (Outcome.FAILED, "OPERATION_FAILED", 1)
    assert purses.rows("SELECT * FROM purse") == []


def test_two_statements_in_one_are_refused(purses: Scratch):
    @operation("test.two")
    def two(tx: Transaction) -> None:
        SAY(tx, "INSERT INTO purse VALUES (1, 1); COMMIT")

    assert purses.run(two).reason == "OPERATION_FAILED"
    assert purses.rows("SELECT * FROM purse") == []


async def test_a_trigger_that_rolls_everything_back_takes_only_its_own_operation_with_it(db: DatabaseManager):
    await _outside(
        db, "CREATE TRIGGER bomb BEFORE INSERT ON note WHEN new.text = 'bomb' BEGIN SELECT RAISE(ROLLBACK, 'boom'); END"
    )

    @operation("test.bomb")
    def swallow(tx: Transaction) -> str:
        fill(tx, owner=9, cents=9)
        try:
            note(tx, text="bomb", owner=9)
        except TransactionFailed:
            with contextlib.suppress(TransactionFailed):
                fill(tx, owner=9, cents=9)
        return "all is well"

    results = await asyncio.gather(
        db.write(fill, by("before"), owner=1, cents=5),
        db.write(swallow, by("bomb")),
        db.write(fill, by("after"), owner=2, cents=5),
    )
    assert [result.outcome for result in results] == ["committed", "failed", "committed"]
    assert await db.read(cents_of, owner=9) is None
    assert [name for name, _ in await db.read(journaled)] == ["before", "after"]


async def test_a_constraint_violation_is_told_with_an_error_id_and_undoes_the_operation(db: DatabaseManager):
    await db.write(fill, by("fill:1"), owner=1, cents=5)
    result = await db.write(fill, by("fill:2"), owner=1, cents=-6)
    assert (result.outcome, result.reason) == (Outcome.FAILED, "CONSTRAINT_VIOLATED")
    assert result.error_id
    assert "nothing was changed" in result.text
    assert await db.read(cents_of, owner=1) == 5
    assert db.status().writer_breaker == "closed"


async def test_a_foreign_key_found_broken_at_commit_fails_only_who_broke_it(db: DatabaseManager):
    results = await asyncio.gather(
        db.write(fill, by("fill:1"), owner=1, cents=5),
        db.write(note, by("note:1"), owner=99, text="nobody's"),
        db.write(note, by("note:2"), owner=1, text="ann's"),
    )
    assert [(result.outcome, result.reason) for result in results] == [
        ("committed", "COMMITTED"),
        ("failed", "CONSTRAINT_VIOLATED"),
        ("committed", "COMMITTED"),
    ]
    assert [name for name, _ in await db.read(journaled)] == ["fill:1", "note:2"]
    assert db.status().writer_breaker == "closed"


@pytest.mark.parametrize("swallowed", [False, True])
async def test_a_statement_past_its_deadline_is_stopped_and_the_rest_of_the_batch_commits(
    impatient: DatabaseManager, swallowed: bool
):
    @operation("test.late")
    def late(tx: Transaction) -> None:
        fill(tx, owner=9, cents=9)
        try:
            count_for_ever(tx)
        except Exception:
            if not swallowed:
                raise

    results = await asyncio.gather(
        impatient.write(fill, by("before"), owner=1, cents=5),
        impatient.write(late, by("late")),
        impatient.write(fill, by("after"), owner=2, cents=5),
    )
    assert [result.reason for result in results] == ["COMMITTED", "TIMED_OUT", "COMMITTED"]
    assert await impatient.read(cents_of, owner=9) is None
    assert impatient.status().writer_breaker == "closed"


async def test_an_operation_that_never_ends_is_stopped_and_the_rest_of_the_batch_commits(impatient: DatabaseManager):
    """It comes back to no statement, so that only its thread can be made to raise."""

    @operation("test.loop")
    def loop(tx: Transaction) -> None:
        fill(tx, owner=9, cents=9)
        end = time.monotonic() + 5
        while time.monotonic() < end:
            pass

    results = await asyncio.gather(
        impatient.write(fill, by("before"), owner=1, cents=5),
        impatient.write(loop, by("loop")),
        impatient.write(fill, by("after"), owner=2, cents=5),
    )
    assert [result.reason for result in results] == ["COMMITTED", "TIMED_OUT", "COMMITTED"]
    assert await impatient.read(cents_of, owner=9) is None
    assert (await impatient.write(fill, by("next"), owner=1, cents=5)).ok


@pytest.mark.parametrize("answer", [object(), {1, 2}, {1: "one"}, "\ud800", 2**64, b"bytes"], ids=repr)
async def test_an_answer_that_cannot_be_recorded_fails_the_operation(db: DatabaseManager, answer: Any):
    """Else the second call could not be told what the first was."""

    @operation("test.unrecordable")
    def unrecordable(tx: Transaction) -> Any:
        fill(tx, owner=1, cents=5)
        return answer

    result = await db.write(unrecordable, by("odd:1"))
    assert (result.outcome, result.reason) == ("failed", "OPERATION_FAILED")
    assert await db.read(cents_of, owner=1) is None


async def test_when_the_journal_cannot_tell_nobody_waits_for_ever(db: DatabaseManager):
    """A mistake in the operation's declaration shows only when an answer is read back: unknown, and never a guess."""

    def unclear(tx: Transaction) -> int:
        fill(tx, owner=1, cents=5)
        return 1

    unclear.__annotations__["return"] = "NoSuchType"
    assert (await db.write(operation("test.unclear")(unclear), by("odd:1"))).ok
    result = await db.write(operation("test.unclear")(unclear), by("odd:1"))
    assert (result.outcome, result.reason) == ("unknown", "INTERRUPTED")
    assert (await db.write(fill, by("next"), owner=1, cents=5)).ok


async def test_a_refusal_that_cannot_be_recorded_fails_only_its_own_operation(db: DatabaseManager):
    @operation("test.odd_refusal")
    def odd(tx: Transaction) -> None:
        fill(tx, owner=9, cents=5)
        raise Rejected("ODD", when=cast("Any", object()))

    results = await asyncio.gather(
        db.write(fill, by("before"), owner=1, cents=5),
        db.write(odd, by("odd")),
        db.write(fill, by("after"), owner=2, cents=5),
    )
    assert [result.reason for result in results] == ["COMMITTED", "OPERATION_FAILED", "COMMITTED"]
    assert await db.read(cents_of, owner=9) is None


async def _outside(db: DatabaseManager, sql: str) -> None:
    """As a migration would have done it."""
    assert db._store is not None
    await db._store.connections.writer.submit(db._store.connections.writer.raw.execute, sql)


@operation("test.forgiving")
def forgiving(tx: Transaction, *, owner: int) -> str:
    """Goes on without a part that was refused halfway."""
    try:
        halfway(tx, owner=owner)
    except Rejected as refusal:
        fill(tx, owner=owner, cents=1)
        return refusal.reason
    return ""


@operation("test.halfway")
def halfway(tx: Transaction, *, owner: int) -> None:
    fill(tx, owner=owner, cents=1000)
    raise Rejected("HALFWAY")


def test_a_joined_operation_that_is_refused_leaves_nothing_to_a_caller_who_goes_on(purses: Scratch):
    assert purses.run(forgiving, owner=5).value == "HALFWAY"
    assert purses.rows("SELECT cents FROM purse WHERE owner = 5") == [(1,)]


@operation("test.emptying")
def emptying(tx: Transaction, *, owners: list[int]) -> int:
    while owners:
        fill(tx, owner=owners.pop(), cents=1)
    return len(owners)


def test_what_an_operation_does_to_its_parameters_is_not_there_when_it_runs_again(purses: Scratch):
    owners = [1, 2, 3]
    assert purses.run(emptying, owners=owners).ok
    assert owners == [1, 2, 3]
