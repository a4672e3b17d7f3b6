"""What becomes of a batch that did not simply commit: run again, told apart, or found out by looking.

A batch that was rolled back has changed nothing, so those without fault run again, one by one. A COMMIT that failed
without saying how it ended is settled first: reopen, commit a fence, move the whole WAL into the file, and only then
look up which operations are there. Without the fence a row that looked absent came back after a kill.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from loguru import logger

from db.breaker import Breaker
from db.connection import ConnectionManager
from db.engine import Connection, Engine, checkpoint
from db.errors import (
    ConnectionLost,
    Consequence,
    ConstraintViolated,
    DatabaseError,
    DeadlineExceeded,
    Phase,
    Severity,
    new_error_id,
    translate,
)
from db.interruption import Interrupted
from db.retries import retrying
from db.settings import DatabaseSettings
from db.submission import Submission
from db.transaction import End, Report, TransactionManager

T = TypeVar("T")

_REASONS: Final[dict[type[DatabaseError], str]] = {
    DeadlineExceeded: "TIMED_OUT",
    ConstraintViolated: "CONSTRAINT_VIOLATED",
}


class Mender:
    """Works on the writing connection while the writer holds it back from everybody else."""

    def __init__(
        self,
        connections: ConnectionManager,
        transactions: TransactionManager,
        engine: Engine,
        settings: DatabaseSettings,
        breaker: Breaker,
    ) -> None:
        self._connections = connections
        self._transactions = transactions
        self._engine = engine
        self._settings = settings
        self._breaker = breaker

    async def mend(self, batch: Sequence[Submission[Any]], outcome: Report | BaseException) -> None:
        """See to it that everybody in the batch gets a true answer."""
        if isinstance(outcome, BaseException):
            logger.opt(exception=outcome).error("the writer failed in a way nobody foresaw")
            outcome = Report(End.UNKNOWN, error=ConnectionLost(str(outcome)))
        try:
            await self._digest(batch, outcome)
            for submission in batch:
                if not submission.future.done():
                    await self._commit_alone(submission, outcome.error)
        except DatabaseError as exc:  # the writer could not be had back; the batch itself was rolled back
            self._breaker.trip(str(exc))
            for submission in batch:
                self._fail(submission, exc)
        finally:  # whatever goes wrong here, nobody waits for ever, and nobody is told more than is known
            for submission in batch:
                if not submission.future.done():
                    submission.give(submission.unknown("INTERRUPTED", error_id=new_error_id()))

    async def settle(self) -> None:
        """Make every earlier commit's fate final: a fence, then every frame of the WAL in the file.

        Readers that began before the fence are waited for, later ones are not in the way; raises DatabaseError.
        """
        fenced = False
        async for attempt in retrying(self._settings, within_s=self._settings.query_timeout_s):
            with attempt:
                if not fenced:
                    await self.on_writer(self._fence)
                    fenced = True
                await self.on_writer(self._move_everything)

    async def on_writer(self, function: Callable[[Connection], T]) -> T:
        """Run something on the writer's thread; raises DatabaseError for SQLite's errors."""
        connection = self._connections.writer
        try:
            return await connection.submit(lambda: function(connection.raw))
        except self._engine.error_class as exc:
            raise translate(exc, Phase.BEGIN) from exc
        except Interrupted as exc:
            raise DeadlineExceeded("the writer did not come back in time", phase=Phase.BEGIN) from exc

    async def _commit_alone(self, submission: Submission[Any], cause: DatabaseError | None) -> None:
        """Rerun one operation, patiently where the cause is transient; `cause` is why it has to be."""
        remaining_s = submission.deadline - time.monotonic()
        if remaining_s <= 0 or not self._breaker.closed:
            submission.refuse("TIMED_OUT" if remaining_s <= 0 else "READ_ONLY", cause)
            return
        try:
            async for attempt in retrying(self._settings, within_s=remaining_s):
                with attempt:
                    connection = self._connections.writer
                    problem = self._connections.file_problem
                    report = await connection.submit(self._transactions.commit, connection, [submission], problem)
                    await self._digest([submission], report)
                    if not submission.future.done():
                        raise report.error or ConnectionLost("a batch was rolled back for no stated reason")
        except DatabaseError as exc:
            self._fail(submission, exc)

    async def _digest(self, batch: Sequence[Submission[Any]], report: Report) -> None:
        """Answer whom the report answers; whoever it does not may run again."""
        if report.end is End.COMMITTED:
            self._breaker.success()
            for submission, result in zip(batch, report.results, strict=True):
                submission.give(result)
        elif report.end is End.UNKNOWN:
            await self._find_out(batch, report.error or ConnectionLost("COMMIT failed"))
        else:
            await self._replace_if_suspect(report.error)
            if isinstance(report.error, DeadlineExceeded) and report.culprit is not None:
                self._fail(batch[report.culprit], report.error)
                for submission in batch:  # they waited behind it, and it used their time up too
                    submission.deadline = time.monotonic() + self._settings.operation_timeout_s

    async def _find_out(self, batch: Sequence[Submission[Any]], error: DatabaseError) -> None:
        logger.warning("{} a commit of {} operations ended unknown: {}", error.error_id, len(batch), error)
        try:
            await self._connections.replace_writer()
            await self.settle()
            found = await self.on_writer(
                lambda connection: [self._transactions.look_up(connection, each) for each in batch]
            )
        except DatabaseError as exc:
            self._breaker.trip(str(exc))
            for submission in batch:
                submission.give(submission.unknown("COMMIT_UNKNOWN", error_id=error.error_id, error=error))
            return
        for submission, result in zip(batch, found, strict=True):
            submission.give(result or submission.failed("COMMIT_FAILED", error_id=error.error_id, error=error))
        self._count(error)

    async def _replace_if_suspect(self, error: DatabaseError | None) -> None:
        """Nothing is run on a connection that may be to blame, or that is still inside a transaction."""
        suspect = error is not None and error.consequence in (Consequence.RECONNECT, Consequence.DIAGNOSE)
        if suspect or await self.on_writer(lambda connection: connection.in_transaction):
            await self._connections.replace_writer()

    def _fail(self, submission: Submission[Any], error: DatabaseError) -> None:
        self._count(error)
        reason = _REASONS.get(type(error), error.type.name)
        text = error.text if "nothing was changed" in error.text.lower() else f"{error.text} Nothing was changed."
        submission.give(submission.failed(reason, error_id=error.error_id, text=text, error=error))

    def _count(self, error: DatabaseError) -> None:
        if error.consequence in (Consequence.STOP_WRITING, Consequence.DIAGNOSE):
            self._breaker.trip(str(error))
        elif error.consequence.is_infrastructure:
            self._breaker.failure(str(error))

    def _fence(self, connection: Connection) -> None:
        if problem := self._connections.file_problem():
            raise ConnectionLost(problem, severity=Severity.CRITICAL, consequence=Consequence.STOP_WRITING)
        self._transactions.fence(connection)

    @staticmethod
    def _move_everything(connection: Connection) -> None:
        if not checkpoint(connection).settled:
            raise ConnectionLost("a reader kept the WAL from being moved whole", consequence=Consequence.RETRY)
