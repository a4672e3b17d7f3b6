"""The writer: operations that arrive while a commit is running form the next one. No timer, no added delay."""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Final, TypeVar

from loguru import logger

from db.breaker import Breaker
from db.connection import ConnectionManager
from db.engine import Connection, Engine, checkpoint
from db.errors import (
    ConnectionLost,
    Consequence,
    DatabaseError,
    DeadlineExceeded,
    Phase,
    Severity,
    new_error_id,
    translate,
)
from db.results import WriteResult
from db.retries import retrying
from db.settings import DatabaseSettings
from db.submission import Submission
from db.transaction import End, Report, TransactionManager

T = TypeVar("T")

# One commit holds the writer for as long as all its operations take; more would make each caller wait for all.
_LARGEST_BATCH: Final = 256
_CLOSING_GRACE_S: Final = 2.0


class Writer:
    """Owns the writing connection: batches, reruns, settles what is unknown, and checkpoints."""

    def __init__(
        self,
        connections: ConnectionManager,
        transactions: TransactionManager,
        engine: Engine,
        settings: DatabaseSettings,
        breaker: Breaker,
        wal_bytes: Callable[[], int],
    ) -> None:
        self._connections = connections
        self._transactions = transactions
        self._engine = engine
        self._settings = settings
        self._breaker = breaker
        self._wal_bytes = wal_bytes
        self._waiting: deque[Submission[Any]] = deque()
        self._something_waits = asyncio.Event()
        self._using_connection = asyncio.Lock()
        self._task: asyncio.Task[None] | None = None
        self.stuck = False

    def start(self) -> None:
        self._task = asyncio.create_task(self._work(), name="database writer")

    def submit(self, submission: Submission[T]) -> asyncio.Future[WriteResult[T]]:
        """Queue an operation; its future gets a result, never an exception."""
        if len(self._waiting) >= self._settings.max_waiting:
            submission.future.set_result(submission.failed("OVERLOADED", error_id=new_error_id()))
        else:
            self._waiting.append(submission)
            self._something_waits.set()
        return submission.future

    async def settle(self) -> None:
        """Make every earlier commit's fate final: a fence commit, then every frame of the WAL in the file.

        Raises DatabaseError. Without it, a row that was looked up and not found can come back after a kill.
        """
        async for attempt in retrying(self._settings, within_s=self._settings.query_timeout_s):
            with attempt:
                await self._hop(self._fence_and_checkpoint)

    async def probe(self) -> None:
        """What a half-open breaker tries: a fresh connection that can commit. Raises DatabaseError."""
        async with self._using_connection:
            await self._connections.replace_writer()
            await self.settle()

    async def close(self) -> None:
        """Commit what waits, then stop. A writer that is stuck in a call is left to the end of the process."""
        if self._task is None:
            return
        deadline = time.monotonic() + _CLOSING_GRACE_S
        while (self._waiting or self._using_connection.locked()) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        self._task.cancel()
        await asyncio.wait({self._task})
        self._refuse(self._take(all_of_them=True), "SHUTTING_DOWN")

    async def _work(self) -> None:
        while True:
            await self._something_waits.wait()
            self._something_waits.clear()
            while self._waiting:
                async with self._using_connection:
                    await self._commit_together(self._take())
                    await self._checkpoint_if_large()

    def _take(self, *, all_of_them: bool = False) -> list[Submission[Any]]:
        count = len(self._waiting) if all_of_them else min(len(self._waiting), _LARGEST_BATCH)
        return [self._waiting.popleft() for _ in range(count)]

    async def _commit_together(self, batch: list[Submission[Any]]) -> None:
        batch = self._drop_late(batch)
        if not self._breaker.closed:
            self._refuse(batch, "READ_ONLY")
        elif batch:
            report = await self._try(batch)
            if report is None or await self._finished(batch, report):
                return
            for submission in batch:
                if not submission.future.done():
                    await self._commit_alone(submission)

    async def _commit_alone(self, submission: Submission[Any]) -> None:
        """Rerun one operation of a batch that came to nothing, patiently where the cause is transient."""
        remaining_s = submission.deadline - time.monotonic()
        if remaining_s <= 0 or not self._breaker.closed:
            self._refuse([submission], "TIMED_OUT" if remaining_s <= 0 else "READ_ONLY")
            return
        try:
            async for attempt in retrying(self._settings, within_s=remaining_s):
                with attempt:
                    report = await self._try([submission])
                    if report is not None and not await self._finished([submission], report):
                        await self._mend(report)
        except DatabaseError as exc:
            self._fail(submission, exc)

    async def _mend(self, report: Report) -> None:
        """Raise the report's error, on a fresh connection where the old one may be to blame."""
        error = report.error or ConnectionLost("a batch was rolled back for no stated reason")
        if error.consequence in (Consequence.RECONNECT, Consequence.DIAGNOSE):
            await self._connections.replace_writer()
        raise error

    async def _finished(self, batch: Sequence[Submission[Any]], report: Report) -> bool:
        """Answer what a report decides; False where the batch was rolled back and may run again."""
        if report.end is End.COMMITTED:
            self._breaker.success()
            for submission, result in zip(batch, report.results, strict=True):
                _give(submission, result)
            return True
        if report.end is End.UNKNOWN:
            await self._settle_unknown(batch, report)
            return True
        if isinstance(report.error, DeadlineExceeded) and report.culprit is not None:
            self._fail(batch[report.culprit], report.error)
            return len(batch) == 1
        return False

    async def _settle_unknown(self, batch: Sequence[Submission[Any]], report: Report) -> None:
        """COMMIT failed without saying how it ended: reopen, fence, look the ids up, and only then answer."""
        logger.warning("a commit of {} operations ended unknown: {}", len(batch), report.error)
        try:
            await self._connections.replace_writer()
            await self.settle()
            found = await self._hop(lambda: [self._transactions.look_up(self._raw, each) for each in batch])
        except DatabaseError as exc:
            self._breaker.trip(str(report.error or exc))
            for submission in batch:
                _give(submission, submission.unknown("COMMIT_UNKNOWN", error_id=exc.error_id))
            return
        for submission, result in zip(batch, found, strict=True):
            if result is None:
                error_id = report.error.error_id if report.error else new_error_id()
                _give(submission, submission.failed("COMMIT_FAILED", error_id=error_id))
            else:
                _give(submission, result)

    async def _try(self, batch: Sequence[Submission[Any]]) -> Report | None:
        """Run a batch; None when the writer's thread did not come back in time, and everybody has been told."""
        connection = self._connections.writer
        hop = connection.submit(self._transactions.commit, connection, batch, self._connections.file_problem)
        patience_s = self._settings.operation_timeout_s + self._settings.busy_timeout_s
        await asyncio.wait({hop}, timeout=patience_s)
        if not hop.done():
            await self._wait_out(hop, batch)
            return None
        return hop.result()

    async def _wait_out(self, hop: asyncio.Future[Report], batch: Sequence[Submission[Any]]) -> None:
        """A call has not come back (a stuck fsync): say so, write nothing more, and never start a second writer."""
        self.stuck = True
        self._breaker.trip("a call to the disk has not come back")
        for submission in batch:
            _give(submission, submission.unknown("WRITER_STUCK", error_id=new_error_id()))
        self._refuse(self._take(all_of_them=True), "READ_ONLY")
        await asyncio.wait({hop})
        self.stuck = False

    def _fail(self, submission: Submission[Any], error: DatabaseError) -> None:
        logger.error("{} {} failed: {}", error.error_id, submission.operation.name, error)
        if error.consequence in (Consequence.STOP_WRITING, Consequence.DIAGNOSE):
            self._breaker.trip(str(error))
        elif error.consequence.is_infrastructure:
            self._breaker.failure(str(error))
        reason = error.type.name if not isinstance(error, DeadlineExceeded) else "TIMED_OUT"
        _give(submission, submission.failed(reason, error_id=error.error_id, text=_failure_text(error)))

    def _drop_late(self, batch: list[Submission[Any]]) -> list[Submission[Any]]:
        now = time.monotonic()
        self._refuse([each for each in batch if each.deadline <= now], "TIMED_OUT")
        return [each for each in batch if each.deadline > now]

    def _refuse(self, batch: Sequence[Submission[Any]], reason: str) -> None:
        for submission in batch:
            _give(submission, submission.failed(reason, error_id=new_error_id()))

    async def _checkpoint_if_large(self) -> None:
        if self._breaker.closed and self._wal_bytes() >= self._settings.checkpoint_wal_bytes:
            try:
                await self._hop(lambda: checkpoint(self._raw))
            except DatabaseError as exc:
                self._breaker.failure(str(exc))

    async def _hop(self, function: Callable[[], T]) -> T:
        try:
            return await self._connections.writer.submit(function)
        except self._engine.error_class as exc:
            raise translate(exc, Phase.BEGIN) from exc

    @property
    def _raw(self) -> Connection:
        return self._connections.writer.raw

    def _fence_and_checkpoint(self) -> None:
        if problem := self._connections.file_problem():
            raise ConnectionLost(problem, severity=Severity.CRITICAL, consequence=Consequence.STOP_WRITING)
        self._transactions.fence(self._raw)
        if not checkpoint(self._raw).complete:
            raise ConnectionLost("a reader kept the WAL from being moved whole", consequence=Consequence.RETRY)


def _give(submission: Submission[Any], result: WriteResult[Any]) -> None:
    if not submission.future.done():  # a caller that was cancelled does not wait; the journal has the outcome
        submission.future.set_result(result)


def _failure_text(error: DatabaseError) -> str:
    return f"{error.text} Nothing was changed." if "nothing was changed" not in error.text.lower() else error.text
