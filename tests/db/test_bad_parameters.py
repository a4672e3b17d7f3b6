"""What no feature should ask for, asked for: refused plainly, without a trace, and everybody else goes on."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest

from db import DatabaseManager, DatabaseSettings, Mode, Outcome, ParameterError, Transaction, open_database, operation
from db.values import LARGEST_BYTES
from tests.db.feature import by, cents_of, fill, journaled

SAY = cast("Any", Transaction.execute)  # SQL that is no constant, as these tests need it


@operation("test.keep")
def keep(_: Transaction, *, said: Any) -> None:
    """Does nothing: its parameters are in the journal."""


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "value",
    [
        "x" * 1_000_000,
        ["x" * 1000] * 1000,
        {"é" * 100_000: "é" * 100_000},
        nested(101),
        nested(5000),
        [{"x": nested(99)}],
    ],
    ids=["a megabyte", "a megabyte in pieces", "large as UTF-8", "deep", "very deep", "deep in all"],
)
async def test_what_is_too_large_or_too_deep_is_refused_before_anything_is_tried(db: DatabaseManager, value: Any):
    with pytest.raises(ParameterError, match=r"at most|deep"):
        await db.write(keep, by("keep:1"), said=value)
    assert await db.read(journaled) == []
    assert (await db.write(keep, by("keep:1"), said="less")).ok


async def test_what_just_fits_is_stored(db: DatabaseManager):
    around = 100  # the name, who and where, quotes
    assert (await db.write(keep, by("keep:1"), said="x" * (LARGEST_BYTES - around))).ok
    assert (await db.write(keep, by("keep:2"), said=nested(100))).ok
    assert (await db.verify_journal()).ok


async def test_an_endless_value_is_refused(db: DatabaseManager):
    endless: list[Any] = []
    endless.append(endless)
    with pytest.raises(ParameterError, match="deep"):
        await db.write(keep, by("keep:1"), said=endless)


async def test_an_id_under_which_something_else_was_done_changes_nothing_even_when_asked_a_thousand_times(
    db: DatabaseManager,
):
    assert (await db.write(fill, by("id"), owner=1, cents=5)).ok
    results = await asyncio.gather(*(db.write(fill, by("id"), owner=1, cents=6 + n) for n in range(1000)))
    assert {(each.outcome, each.reason) for each in results} == {(Outcome.FAILED, "ID_REUSED")}
    assert await db.read(cents_of, owner=1) == 5
    assert db.mode is Mode.READ_WRITE


def _in_sql(tx: Transaction) -> None:
    fill(tx, owner=9, cents=9)
    tx.fetch_all("WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")


def _in_python(tx: Transaction) -> None:
    fill(tx, owner=9, cents=9)
    while True:
        pass


def _in_python_that_holds_on(tx: Transaction) -> None:
    fill(tx, owner=9, cents=9)
    while True:
        try:
            tx.fetch_one("SELECT 1")
        except Exception:  # noqa: BLE001, S112 - what a careless feature does
            continue


def _in_statements(tx: Transaction) -> None:
    while True:
        fill(tx, owner=9, cents=1)


@pytest.mark.parametrize("loop", [_in_sql, _in_python, _in_python_that_holds_on, _in_statements])
async def test_an_operation_that_loops_for_ever_fails_alone_in_time_and_the_writer_lives_on(
    settings: DatabaseSettings, migrations: Path, loop: Callable[[Transaction], None]
):
    @operation("test.endless")
    def endless(tx: Transaction) -> None:
        loop(tx)

    soon = replace(settings, operation_timeout_s=0.3, busy_timeout_s=0.3)
    async with open_database(soon, migrations) as db:
        results = await asyncio.gather(
            db.write(fill, by("before"), owner=1, cents=5),
            db.write(endless, by("endless")),
            db.write(fill, by("after"), owner=2, cents=5),
        )
        assert [(each.outcome, each.reason) for each in results] == [
            (Outcome.COMMITTED, "COMMITTED"),
            (Outcome.FAILED, "TIMED_OUT"),
            (Outcome.COMMITTED, "COMMITTED"),
        ]
        assert await db.read(cents_of, owner=9) is None
        assert (await db.write(fill, by("next"), owner=1, cents=5)).ok
        assert db.mode is Mode.READ_WRITE


async def test_an_operation_that_cannot_even_be_interrupted_is_told_unknown_and_outlived(
    settings: DatabaseSettings, migrations: Path
):
    """It swallows everything; only its own end frees the writer."""
    over = threading.Event()

    @operation("test.stubborn")
    def stubborn(tx: Transaction) -> None:
        fill(tx, owner=9, cents=9)
        while not over.is_set():
            try:
                over.wait(0.01)
            except BaseException:  # noqa: BLE001, S112 - as stubborn as can be
                continue

    soon = replace(settings, operation_timeout_s=0.1, busy_timeout_s=0.05)
    async with open_database(soon, migrations) as db:
        result = await db.write(stubborn, by("stubborn"))
        assert (result.outcome, result.reason) == (Outcome.UNKNOWN, "WRITER_STUCK")
        assert (db.mode, db.stuck) == (Mode.READ_ONLY, True)
        assert await db.read(cents_of, owner=9) is None
        over.set()
        async with asyncio.timeout(5):
            while db.mode is not Mode.READ_WRITE:
                await asyncio.sleep(0.01)
        again = await db.write(stubborn, by("stubborn"))
        assert again.ok
        assert await db.read(cents_of, owner=9) == 9, "once, whichever of the two calls did it"
        assert (await db.verify_journal()).ok


@pytest.mark.parametrize(
    "raised", [SystemExit(3), KeyboardInterrupt(), GeneratorExit(), asyncio.CancelledError()], ids=repr
)
@pytest.mark.parametrize("sql", ["BEGIN", "COMMIT", "PRAGMA synchronous = OFF", "SAVEPOINT mine", "VACUUM"])
async def test_sql_that_is_not_for_operations_and_a_strange_end_harm_nobody_else(
    db: DatabaseManager, sql: str, raised: BaseException
):
    @operation("test.odd")
    def odd(tx: Transaction) -> None:
        fill(tx, owner=9, cents=9)
        try:
            SAY(tx, sql)
        finally:
            raise raised

    results = await asyncio.gather(
        db.write(fill, by("before"), owner=1, cents=5),
        db.write(odd, by("odd")),
        db.write(fill, by("after"), owner=2, cents=5),
    )
    assert [each.outcome for each in results] == ["committed", "failed", "committed"]
    assert await db.read(cents_of, owner=9) is None
    assert [name for name, _ in await db.read(journaled)] == ["before", "after"]
    assert db._store is not None
    writer = db._store.connections.writer
    assert not writer.raw.in_transaction
    assert await writer.submit(lambda: writer.raw.execute("PRAGMA synchronous").fetchall()) == [(2,)]
