"""Transactions: what an operation is handed, and how a batch of operations becomes one commit."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Any, Final, LiteralString, TypeVar

from loguru import logger

from db import journal
from db.errors import (
    ConnectionLost,
    Consequence,
    ConstraintViolated,
    DatabaseError,
    DeadlineExceeded,
    Phase,
    Severity,
    TransactionFailed,
    new_error_id,
    translate,
)
from db.interruption import Interrupted
from db.results import Rejected, WriteResult
from db.snapshot import WRITES, Row, Snapshot, Statement

if TYPE_CHECKING:
    from db.connection import HopConnection
    from db.engine import Connection, Engine
    from db.operations import Context
    from db.submission import Submission

T = TypeVar("T")


class Transaction(Snapshot):
    """Reads and writes of one operation. Its SAVEPOINT is kept or undone whole by the caller.

    `now` is when it is carried out, `asked_at` when it was asked for, which is earlier if it had to wait; both in
    milliseconds since the epoch.
    """

    _allowed = WRITES
    _phase = Phase.STATEMENT

    def __init__(
        self,
        connection: Connection,
        engine: Engine,
        context: Context,
        now: int,
        notes: list[Statement] | None = None,
        note_from_s: float = math.inf,
    ) -> None:
        super().__init__(connection, engine, notes, note_from_s)
        self.context: Final = context
        self.now: Final = now
        self.asked_at = now
        self.rows_matched = 0

    @property
    def guild(self) -> int:
        return self.context.guild

    @property
    def actor(self) -> int:
        return self.context.actor

    @property
    def operation_id(self) -> str:
        return self.context.operation_id

    def join(self, part: Callable[[], T]) -> T:
        """Run a part of the operation that is kept or undone whole."""
        self._run_unchecked("SAVEPOINT part", ())
        try:
            done = part()
        except BaseException:
            if self.failure is None:
                self._run_unchecked("ROLLBACK TO part", ())
                self._run_unchecked("RELEASE part", ())
            raise
        self._run_unchecked("RELEASE part", ())
        return done

    def execute(self, sql: LiteralString, *values: object) -> int:
        """Run an INSERT, UPDATE or DELETE and return how many rows it matched."""
        return self._run(sql, values)[1]

    def _run(self, sql: str, values: Sequence[object]) -> tuple[list[Row], int]:
        rows, matched = super()._run(sql, values)
        self.rows_matched += max(matched, 0)  # SQLite says -1 for a SELECT
        return rows, matched


class End(Enum):
    """How a batch ended."""

    COMMITTED = "committed"
    ROLLED_BACK = "rolled back"
    UNKNOWN = "unknown"  # COMMIT failed, and SQLite had already let go of the transaction


@dataclass(slots=True)
class Report:
    """What became of a batch: `results` match its submissions only if it committed."""

    end: End
    results: list[WriteResult[Any]] = field(default_factory=list)
    error: DatabaseError | None = None
    culprit: int | None = None  # the submission at which the batch ended, where one is to blame


def _failed(submission: Submission[Any], exc: BaseException) -> WriteResult[Any]:
    """An operation broke on its own, and was undone."""
    error_id = exc.error_id if isinstance(exc, DatabaseError) else new_error_id()
    explained = isinstance(exc, ConstraintViolated)
    reason = "CONSTRAINT_VIOLATED" if explained else "OPERATION_FAILED"
    text = exc.text if explained else TransactionFailed.text
    return submission.failed(reason, error_id=error_id, text=text, error=exc)


def _lost(problem: str) -> ConnectionLost:
    return ConnectionLost(
        problem,
        code="FILE_REPLACED",
        severity=Severity.CRITICAL,
        consequence=Consequence.STOP_WRITING,
        phase=Phase.BEGIN,
    )


class _BatchEnded(Exception):
    """The transaction can hold no further operation."""

    def __init__(self, error: DatabaseError) -> None:
        super().__init__(str(error))
        self.error = error


_FENCE: Final = """
INSERT INTO fence (id, number, at_ms) VALUES (1, 1, ?)
ON CONFLICT (id) DO UPDATE SET number = fence.number + 1, at_ms = excluded.at_ms
"""


def _wall_clock_ms() -> int:
    return time.time_ns() // 1_000_000


class TransactionManager:
    """Runs batches on the writer's thread: each operation in its SAVEPOINT with its journal row, one COMMIT."""

    def __init__(self, engine: Engine, *, now_ms: Callable[[], int] = _wall_clock_ms) -> None:
        self._engine = engine
        self._now_ms = now_ms
        self.note_from_s = math.inf

    def commit(
        self, hop: HopConnection, batch: Sequence[Submission[Any]], file_problem: Callable[[], str | None]
    ) -> Report:
        """Run the batch and commit it. Nobody may be told success unless the report says COMMITTED.

        `file_problem` is asked before and after: a commit into a file that was unlinked is no success.
        """
        if problem := file_problem():
            return Report(End.ROLLED_BACK, error=_lost(problem))
        connection = hop.raw
        report = Report(End.COMMITTED)
        try:
            self._do(connection, "BEGIN IMMEDIATE", Phase.BEGIN)
            chapter = journal.Chapter(connection)
            for number, submission in enumerate(batch):
                report.culprit = number
                hop.deadline = submission.deadline
                report.results.append(self._run_one(connection, submission, chapter))
            report.culprit = None
            hop.deadline = None
            chapter.write()
            return self._end(connection, report, file_problem)
        except _BatchEnded as ended:
            hop.deadline = None
            return self._abandon(connection, Report(End.ROLLED_BACK, [], ended.error, report.culprit))
        except self._engine.error_class as exc:
            hop.deadline = None
            error = translate(exc, Phase.STATEMENT)
            return self._abandon(connection, Report(End.ROLLED_BACK, [], error, report.culprit))

    def fence(self, connection: Connection) -> None:
        """Commit the fence row; once it is in the database file, every earlier commit has been settled."""
        try:
            self._do(connection, "BEGIN IMMEDIATE", Phase.BEGIN)
            connection.execute(_FENCE, (self._now_ms(),))
            self._do(connection, "COMMIT", Phase.COMMIT)
        except (_BatchEnded, self._engine.error_class) as exc:
            self._abandon(connection, Report(End.ROLLED_BACK))
            raise exc.error if isinstance(exc, _BatchEnded) else translate(exc, Phase.BEGIN) from exc

    def look_up(self, connection: Connection, submission: Submission[Any]) -> WriteResult[Any] | None:
        """The recorded answer to this submission, if it is journaled."""
        found = journal.find(connection, submission.context.operation_id)
        return None if found is None else submission.recorded(found)

    def _run_one(
        self, connection: Connection, submission: Submission[Any], chapter: journal.Chapter
    ) -> WriteResult[Any]:
        found = chapter.find(submission.context.operation_id)
        if found is not None:
            return submission.recorded(found)
        tx = Transaction(
            connection,
            self._engine,
            submission.context,
            max(self._now_ms(), chapter.head.at_ms),
            submission.notes,
            self.note_from_s,
        )
        if submission.asked_at_ms is not None:
            tx.asked_at = min(submission.asked_at_ms, tx.now)
        changes_before = connection.total_changes
        connection.execute("SAVEPOINT operation")
        try:
            answer = submission.operation.perform(tx, submission.params)
            rows = (tx.rows_matched, connection.total_changes - changes_before)
            payload = submission.payload(answer, rows)
        except Rejected as refusal:
            self._undo(connection, tx)
            payload = submission.payload({"reason": refusal.reason, "details": refusal.details}, (0, 0))
            result = submission.rejected(refusal.reason, refusal.details)
        except Interrupted as exc:
            error = DeadlineExceeded(f"{submission.operation.name} did not come back", phase=Phase.STATEMENT)
            raise _BatchEnded(error) from exc
        except BaseException as exc:  # noqa: BLE001 - whatever an operation raises, the others go on
            self._undo(connection, tx)
            return _failed(submission, exc)
        else:
            self._still_open(connection, tx)
            connection.execute("RELEASE operation")
            result = submission.committed(answer, rows)
        operation = submission.operation
        outcome = journal.EVENT if operation.event and result.ok else result.outcome
        chapter.add(journal.Entry(tx.operation_id, operation.name, tx.guild, tx.now, outcome, payload))
        return result

    def _undo(self, connection: Connection, tx: Transaction) -> None:
        self._still_open(connection, tx)
        connection.execute("ROLLBACK TO operation")
        connection.execute("RELEASE operation")

    @staticmethod
    def _still_open(connection: Connection, tx: Transaction) -> None:
        """An operation may swallow an error that ended everybody's transaction; the batch may not."""
        if tx.failure is not None:
            raise _BatchEnded(tx.failure) from tx.failure
        if not connection.in_transaction:
            raise _BatchEnded(TransactionFailed("SQLite ended the transaction by itself"))

    def _end(self, connection: Connection, report: Report, file_problem: Callable[[], str | None]) -> Report:
        try:
            connection.execute("COMMIT")
        except self._engine.error_class as exc:
            error = translate(exc, Phase.COMMIT)
            if connection.in_transaction:
                return self._abandon(connection, Report(End.ROLLED_BACK, error=error))
            return Report(End.UNKNOWN, error=error)
        if problem := file_problem():
            return Report(End.UNKNOWN, error=_lost(problem))
        return report

    def _abandon(self, connection: Connection, report: Report) -> Report:
        try:
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        except self._engine.error_class as exc:
            logger.error("rollback failed, the connection will be replaced: {}", exc)
            if report.error is None or not report.error.consequence.is_infrastructure:
                report.error = translate(exc, Phase.BEGIN)
        return report

    def _do(self, connection: Connection, sql: str, phase: Phase) -> None:
        try:
            connection.execute(sql)
        except self._engine.error_class as exc:
            raise _BatchEnded(translate(exc, phase)) from exc
