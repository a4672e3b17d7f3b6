"""What a query is handed: checked statements on one connection, inside one transaction."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, ClassVar, Final, LiteralString

from db.errors import DatabaseError, Phase, TransactionFailed, translate

if TYPE_CHECKING:
    from db.engine import Connection, Engine

Row = tuple[Any, ...]

READS: Final = frozenset({"SELECT", "VALUES", "WITH"})
WRITES: Final = READS | {"INSERT", "UPDATE", "DELETE"}
_LEADING: Final = re.compile(r"(?:\s+|--[^\n]*(?:\n|$)|/\*.*?\*/)*([A-Za-z]+)", re.DOTALL)
_COMMENT: Final = re.compile(r"--[^\n]*|/\*.*?\*/", re.DOTALL)
_OR_ROLLBACK: Final = re.compile(r"\bOR\s+ROLLBACK\b", re.IGNORECASE)


class ForbiddenStatement(Exception):
    """SQL that would reach past its own transaction: transaction control, PRAGMA, ATTACH, schema changes."""


@lru_cache(maxsize=1024)
def _check_statement(sql: str, allowed: frozenset[str]) -> None:
    match = _LEADING.match(sql)
    verb = match.group(1).upper() if match else ""
    if verb not in allowed:
        raise ForbiddenStatement(f"{verb or sql[:20]!r} is not for operations: they may use {sorted(allowed)}")
    if _OR_ROLLBACK.search(_COMMENT.sub(" ", sql)):
        raise ForbiddenStatement("OR ROLLBACK would end the transaction of everybody in the batch")


@dataclass(frozen=True, slots=True)
class Statement:
    """One that was run, and how long that took."""

    sql: str
    values: Sequence[object]
    seconds: float


class Snapshot:
    """Reads from one state of the database. Every cursor is exhausted before a method returns."""

    _allowed: ClassVar[frozenset[str]] = READS
    _phase: ClassVar[Phase] = Phase.READ

    def __init__(
        self,
        connection: Connection,
        engine: Engine,
        notes: list[Statement] | None = None,
        note_from_s: float = math.inf,
    ) -> None:
        """`notes` gets every statement that takes at least `note_from_s`."""
        self._connection = connection
        self._engine = engine
        self._notes = notes
        self._note_from_s = note_from_s
        self._failure: DatabaseError | None = None

    @property
    def failure(self) -> DatabaseError | None:
        """The first error that concerned more than one statement; after it nothing more is run."""
        return self._failure

    def fetch_one(self, sql: LiteralString, *values: object) -> Row | None:
        """The first row, or None."""
        rows, _ = self._run(sql, values)
        return rows[0] if rows else None

    def fetch_all(self, sql: LiteralString, *values: object) -> list[Row]:
        """All rows; bound them with LIMIT."""
        return self._run(sql, values)[0]

    def plan(self, sql: str, values: int) -> list[str]:
        """What SQLite would do for a statement with so many values, a line a step; nothing is run."""
        _check_statement(sql, WRITES)
        try:
            rows = self._connection.execute(f"EXPLAIN QUERY PLAN {sql}", (None,) * values).fetchall()
        except self._engine.error_class as exc:
            raise translate(exc, self._phase) from exc
        return [row[3] for row in rows]

    def _run(self, sql: str, values: Sequence[object]) -> tuple[list[Row], int]:
        _check_statement(sql, self._allowed)
        return self._run_unchecked(sql, values)

    def _run_unchecked(self, sql: str, values: Sequence[object]) -> tuple[list[Row], int]:
        if self._failure is not None:
            # Without the places it was raised at before: code that tries again and again would pile them up.
            raise self._failure.with_traceback(None)
        if not self._connection.in_transaction:
            # SQLite ended the transaction by itself; one more statement would commit alone.
            self._failure = TransactionFailed("the transaction had ended before this statement")
            raise self._failure
        began = time.monotonic()
        try:
            cursor = self._connection.execute(sql, values)  # pyright: ignore[reportArgumentType]
            return cursor.fetchall(), cursor.rowcount
        except self._engine.error_class as exc:
            error = translate(exc, self._phase)
            error.sql, error.parameters = sql, tuple(values)
            if error.consequence.ends_transaction or not self._connection.in_transaction:
                self._failure = error
            raise error from exc
        finally:
            seconds = time.monotonic() - began
            if seconds >= self._note_from_s and self._notes is not None:
                self._notes.append(Statement(sql, values, seconds))
