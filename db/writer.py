"""The writer: operations that arrive while a commit is running form the next one. No timer, no added delay.

What goes well is done here, without a task: a batch leaves for the writer's thread as soon as that is free, and its
answers are handed out when it comes back. What does not go well is `mending.py`'s.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, Final, TypeVar

from loguru import logger

from db.background import Background
from db.breaker import Breaker
from db.connection import ConnectionManager
from db.engine import Connection, Engine, checkpoint
from db.errors import ConnectionLost, DatabaseError, new_error_id
from db.mending import Mender
from db.results import OVERLOADED, WriteResult
from db.settings import DatabaseSettings
from db.submission import Submission
from db.transaction import End, Report, TransactionManager

T = TypeVar("T")

# One commit holds the writer for as long as all its operations take; more would make each caller wait for all.
_LARGEST_BATCH: Final = 256
_CLOSING_GRACE_S: Final = 2.0
_INTERRUPTION_GRACE_S: Final = 1.0


class Writer:
    """Owns the writing connection. All bookkeeping is done on the event loop's thread."""

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
        self._settings = settings
        self._breaker = breaker
        self._wal_bytes = wal_bytes
        self._mender = Mender(connections, transactions, engine, settings, breaker)
        self._waiting: deque[Submission[Any]] = deque()
        self._turns: deque[asyncio.Future[None]] = deque()  # who wants the connection for the layer's own work
        self._free = asyncio.Event()  # whether the writing connection is nobody's just now
        self._free.set()
        self._background = Background()
        self._watchdog: asyncio.TimerHandle | None = None
        self._checkpoint_at_bytes = settings.checkpoint_wal_bytes
        self._departures = 0
        self.stuck = False

    @property
    def version(self) -> int | None:
        """A number that is another one whenever something may have been committed; None while something may be."""
        return self._departures if self._free.is_set() and self._breaker.closed else None

    def submit(self, submission: Submission[T]) -> asyncio.Future[WriteResult[T]]:
        """Queue an operation; its future gets a result, never an exception."""
        if len(self._waiting) >= self._settings.max_waiting:
            submission.refuse(OVERLOADED)
        else:
            self._waiting.append(submission)
            if self._free.is_set():
                self._depart()
        return submission.future

    @property
    def waiting(self) -> int:
        """How many operations are in no batch yet."""
        return len(self._waiting)

    @property
    def note_from_s(self) -> float:
        """How long a statement must take to be noted with its operation."""
        return self._transactions.note_from_s

    @note_from_s.setter
    def note_from_s(self, seconds: float) -> None:
        self._transactions.note_from_s = seconds

    async def settle(self) -> None:
        """Make every earlier commit's fate final; raises DatabaseError."""
        await self._mender.settle()

    async def between_batches(self, function: Callable[[Connection], T]) -> T:
        """Run the layer's own work on the writer's thread; a transaction that it begins it also ends.

        It takes its turn before the operations that wait. Raises DatabaseError for SQLite's errors.
        """
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._turns.append(turn)
        if self._free.is_set():
            self._release()
        try:
            await turn
            return await self._mender.on_writer(function)
        finally:
            if turn.done() and not turn.cancelled():
                self._release()

    async def probe(self) -> None:
        """What a half-open breaker tries: a fresh connection that can commit. Raises DatabaseError."""
        await self._until_free()
        self._take()
        self._watch(())
        try:
            await self._connections.replace_writer()
            await self._mender.settle()
        finally:
            self._called_off()
            self._release()

    async def close(self) -> None:
        """Commit what waits, then stop. A writer that is stuck in a call is left to the end of the process."""
        deadline = time.monotonic() + _CLOSING_GRACE_S
        while not (self._free.is_set() or self.stuck) and time.monotonic() < deadline:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
        self._free.clear()
        self._refuse_waiting("SHUTTING_DOWN")
        await self._background.close()

    async def _until_free(self) -> None:
        # Woken up one after the other: whoever comes first may have taken it again.
        while not self._free.is_set():
            await self._free.wait()

    def _depart(self) -> None:
        """Send what waits to the writer's thread as one batch."""
        if not self._breaker.closed:
            self._refuse_waiting("READ_ONLY")
            return
        batch = self._take_in_time()
        if not batch:
            return
        self._take()
        self._watch(batch)
        connection = self._connections.writer
        connection.post(
            lambda: self._transactions.commit(connection, batch, self._connections.file_problem),
            then=lambda outcome: self._arrive(batch, outcome),
        )

    def _arrive(self, batch: Sequence[Submission[Any]], outcome: Report | BaseException) -> None:
        if not isinstance(outcome, Report) or outcome.end is not End.COMMITTED:
            self._background.spawn(self._mend(batch, outcome))
            return
        self._called_off()
        self._breaker.success()
        for submission, result in zip(batch, outcome.results, strict=True):
            submission.give(result)
        if self._wal_bytes() < self._checkpoint_at_bytes:
            # After the callers have heard: what they ask for next shares one commit with what waits already.
            asyncio.get_running_loop().call_soon(self._release)
        else:
            self._background.spawn(self._checkpoint())

    def _watch(self, batch: Sequence[Submission[Any]]) -> None:
        """Do not wait for ever for what is about to be done on the writer's thread."""
        patience_s = self._settings.operation_timeout_s + self._settings.busy_timeout_s
        self._watchdog = asyncio.get_running_loop().call_later(patience_s, self._overdue, batch)

    def _called_off(self) -> None:
        """The writer has come back."""
        self.stuck = False
        if self._watchdog is not None:
            self._watchdog.cancel()

    def _take(self) -> None:
        self._free.clear()
        self._departures += 1

    def _release(self) -> None:
        self._free.set()
        while self._turns:
            turn = self._turns.popleft()
            if not turn.done():  # else its caller was cancelled
                self._take()
                turn.set_result(None)
                return
        if self._waiting:
            self._depart()

    async def _mend(self, batch: Sequence[Submission[Any]], outcome: Report | BaseException) -> None:
        self._called_off()
        self._watch(batch)
        try:
            await self._mender.mend(batch, outcome)
        finally:
            self._called_off()
            self._release()

    async def _checkpoint(self) -> None:
        """Move the WAL into the file; while something is in the way, let it grow by as much again before retrying."""
        self._watch(())
        complete = False
        try:
            complete = (await self._mender.on_writer(checkpoint)).complete
        except DatabaseError as exc:
            logger.warning("{} the WAL could not be moved into the file: {}", exc.error_id, exc)
            self._breaker.failure(str(exc))
        finally:
            self._called_off()
            self._checkpoint_at_bytes = self._settings.checkpoint_wal_bytes + (0 if complete else self._wal_bytes())
            self._release()

    def _overdue(self, batch: Sequence[Submission[Any]]) -> None:
        """Python code that loops can be made to raise; a call to the disk cannot, and gets one second more."""
        with suppress(ConnectionLost):  # mending is just about to open another
            self._connections.writer.interrupt_hop()
        loop = asyncio.get_running_loop()
        self._watchdog = loop.call_later(_INTERRUPTION_GRACE_S, self._never_came_back, batch)

    def _never_came_back(self, batch: Sequence[Submission[Any]]) -> None:
        """A call to the disk hangs: say so, write nothing more, and never start a second writer beside this one."""
        self.stuck = True
        self._breaker.trip("a call to the disk has not come back")
        for submission in batch:
            submission.give(submission.unknown("WRITER_STUCK", error_id=new_error_id()))
        self._refuse_waiting("READ_ONLY")

    def _take_in_time(self) -> list[Submission[Any]]:
        """The next batch, without those whose deadline passed while they waited."""
        batch: list[Submission[Any]] = []
        now = time.monotonic()
        while self._waiting and len(batch) < _LARGEST_BATCH:
            submission = self._waiting.popleft()
            if submission.deadline > now:
                batch.append(submission)
            else:
                submission.refuse("TIMED_OUT")
        return batch

    def _refuse_waiting(self, reason: str) -> None:
        while self._waiting:
            self._waiting.popleft().refuse(reason)
