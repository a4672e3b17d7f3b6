"""Calls that end in every way there is, on the purses, and what the layer is to make of each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

from hypothesis import strategies as st
from loguru import logger

from db import DatabaseError, DatabaseManager, Outcome, Rejected, Snapshot, Transaction, WriteResult, operation, query
from tests.db.feature import by

if TYPE_CHECKING:
    from loguru import Record


@operation("calls.sql", redact=frozenset({"hidden"}))
def run_secretly(tx: Transaction, *, sql: str, values: list[Any], hidden: str) -> str:
    cast("Any", tx.execute)(sql, *values)
    return hidden


@operation("calls.tell", redact=frozenset({"hidden"}))
def tell_secret(tx: Transaction, *, hidden: str) -> None:
    tx.execute("DELETE FROM note")
    raise RuntimeError(f"who would have thought that it is {hidden}") from ValueError(hidden)


@operation("calls.statement")
def run(tx: Transaction, *, sql: str, values: list[Any]) -> None:
    cast("Any", tx.execute)(sql, *values)


@operation("calls.raise")
def fail(tx: Transaction, *, what: str) -> None:
    """Write, then break."""
    tx.execute("INSERT INTO purse (owner, cents) VALUES (NULL, 1)")
    raise RuntimeError(what)


@operation("calls.refuse")
def refuse(tx: Transaction) -> None:
    tx.execute("INSERT INTO purse (owner, cents) VALUES (NULL, 1)")
    raise Rejected("NOT_TODAY", day=1)


@query("calls.ask")
def ask(snapshot: Snapshot, *, sql: str, values: list[Any]) -> list[tuple[Any, ...]]:
    return cast("Any", snapshot.fetch_all)(sql, *values)


@dataclass(frozen=True)
class Wrong:
    """A statement that SQLite refuses, with the code it gives."""

    sql: str
    values: tuple[Any, ...]
    code: str


WRONG = (
    Wrong("INSERT INTO purse (owner, cents) VALUES (NULL, ?)", (-5,), "SQLITE_CONSTRAINT"),
    Wrong("INSERT INTO purse (owner, cents) VALUES (NULL, ?)", (None,), "SQLITE_CONSTRAINT"),
    Wrong("INSERT INTO purse (owner, cents) VALUES (NULL, ?)", ("many",), "SQLITE_CONSTRAINT"),
    Wrong("INSERT INTO note (owner, text) VALUES (?, 'a') RETURNING nothing", (1,), "SQLITE_ERROR"),
    Wrong("UPDATE nowhere SET cents = ?", (7,), "SQLITE_ERROR"),
    Wrong("UPDATE purse SET cents = cents + ? WHERE ownr = 1", (7,), "SQLITE_ERROR"),
    Wrong("INSERT INTO purse (owner, cents) VALUES (?, 1)", ("x",), "SQLITE_MISMATCH"),
    Wrong("INSERT INTO purse (owner, cents) VALUES (NULL, abs(?))", (-(2**63),), "SQLITE_ERROR"),
    Wrong("INSERT INTO note (owner, text) VALUES (?, zeroblob(2000000000))", (3,), "SQLITE_TOOBIG"),
)


NUMBERS = st.integers(-(2**63), 2**63 - 1)
WORDS = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=30)


def wrongs() -> st.SearchStrategy[Wrong]:
    """The same statements with any values that make them fail."""
    values = (st.integers(-(2**63), -1), st.none(), WORDS, NUMBERS, NUMBERS, NUMBERS, WORDS, st.just(-(2**63)), NUMBERS)
    return st.one_of(
        *(
            st.builds(Wrong, st.just(wrong.sql), st.tuples(each), st.just(wrong.code))
            for wrong, each in zip(WRONG, values, strict=True)
        )
    )


@dataclass(frozen=True)
class Expected:
    """What is to be counted for a call."""

    name: str
    is_read: bool = False
    fails: bool = False
    outcome: str = "committed"


async def commit(db: DatabaseManager, operation_id: str) -> Expected:
    result = await db.write(run, by(operation_id), sql="INSERT INTO purse (cents) VALUES (?)", values=[1])
    assert result.ok
    return Expected("calls.statement")


async def be_refused(db: DatabaseManager, operation_id: str) -> Expected:
    result = await db.write(refuse, by(operation_id))
    assert result.outcome is Outcome.REJECTED
    return Expected("calls.refuse", outcome="rejected (NOT_TODAY)")


async def break_down(db: DatabaseManager, operation_id: str) -> Expected:
    result = await db.write(fail, by(operation_id), what="a mistake")
    assert result.reason == "OPERATION_FAILED"
    return Expected("calls.raise", fails=True)


async def violate(db: DatabaseManager, operation_id: str) -> Expected:
    result = await db.write(run, by(operation_id), sql=WRONG[0].sql, values=[-5])
    assert result.reason == "CONSTRAINT_VIOLATED"
    return Expected("calls.statement", fails=True)


async def read(db: DatabaseManager, _: str) -> Expected:
    await db.read(ask, sql="SELECT count(*) FROM purse", values=[])
    return Expected("calls.ask", is_read=True, outcome="answered")


async def misread(db: DatabaseManager, _: str) -> Expected:
    try:
        await db.read(ask, sql="SELECT nothing FROM nowhere WHERE ?", values=[1])
    except DatabaseError:
        return Expected("calls.ask", is_read=True, fails=True)
    raise AssertionError("it was to fail")


CALLS = (commit, be_refused, break_down, violate, read, misread)


async def write_wrong(db: DatabaseManager, operation_id: str, wrong: Wrong) -> WriteResult[None]:
    result = await db.write(run, by(operation_id), sql=wrong.sql, values=list(wrong.values))
    assert not result.ok
    return result


@contextmanager
def locked(db: DatabaseManager) -> Iterator[None]:
    """Another program has the write lock meanwhile."""
    assert db._store is not None
    other = db._store.engine.connect(db.status().path, mode="rw", busy_timeout_s=1)
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.execute("ROLLBACK")
        other.close()


@contextmanager
def listening(level: str = "DEBUG") -> Iterator[list[Record]]:
    """Everything that is logged meanwhile."""
    found: list[Record] = []
    sink = logger.add(lambda message: found.append(message.record), level=level, format="{message}", diagnose=False)
    try:
        yield found
    finally:
        logger.remove(sink)


def written(records: list[Record]) -> str:
    """As a sink would write them."""
    return "\n".join(f"{record['message']}\n{record['exception']}\n{record['extra']}" for record in records)
