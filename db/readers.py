"""Reads: whatever waits when a reader becomes free shares one snapshot and one hop to its thread."""

from __future__ import annotations

import asyncio
import math
import time
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import Any, Final, Generic, TypeVar

from db.background import Background
from db.breaker import Breaker
from db.connection import ConnectionManager, HopConnection
from db.engine import Connection, Engine
from db.errors import ConnectionLost, DatabaseError, DeadlineExceeded, Phase, Unavailable, translate
from db.operations import Query
from db.settings import DatabaseSettings
from db.snapshot import Snapshot, Statement

T = TypeVar("T")

# A hop costs about as much as ten point reads: longer trains gain little, and make the first wait for the last.
_LONGEST_TRAIN: Final = 64
_OVERDUE_S: Final = 1.0  # beyond the last read's deadline
_LATE_S: Final = 0.002  # several times what a full train of point reads takes
_ATTEMPTS: Final = 2  # the second on a fresh connection: a read error can look like corruption


@dataclass(slots=True)
class Read(Generic[T]):
    """A query with its parameters, on its way. `deadline` is on the monotonic clock."""

    query: Query[..., T]
    params: dict[str, Any]
    deadline: float
    future: asyncio.Future[T]
    notes: list[Statement]
    attempts: int = 0


@dataclass(slots=True)
class _Arrival:
    """What a hop brought back: the answers there are, and the failure that kept the rest from having one."""

    answers: list[tuple[Read[Any], object, BaseException | None]]
    failure: DatabaseError | None = None


class ReaderPool:
    """Hands waiting reads to free readers. All bookkeeping is done on the event loop's thread."""

    def __init__(
        self, connections: ConnectionManager, engine: Engine, settings: DatabaseSettings, breaker: Breaker
    ) -> None:
        self._connections = connections
        self._engine = engine
        self._settings = settings
        self._breaker = breaker
        self.note_from_s = math.inf
        self._waiting: deque[Read[Any]] = deque()
        self._free = list(connections.readers)
        self._background = Background()
        self._out = 0  # trains on their way
        self._last_departure = 0.0
        self._reinforcement: asyncio.TimerHandle | None = None

    def read(self, query: Query[..., T], params: dict[str, Any], notes: list[Statement]) -> asyncio.Future[T]:
        """Queue a read. The future raises DatabaseError, or whatever the query itself raises; `notes` gets its slow
        statements.
        """
        if len(self._waiting) >= self._settings.max_waiting:
            raise Unavailable("too many reads are waiting")
        deadline = time.monotonic() + self._settings.query_timeout_s
        read = Read(query, params, deadline, asyncio.get_running_loop().create_future(), notes)
        self._waiting.append(read)
        self._dispatch()
        return read.future

    @property
    def waiting(self) -> int:
        """How many reads are on no reader's train yet."""
        return len(self._waiting)

    async def probe(self) -> None:
        """Read once with every reader that is free, replacing those that cannot.

        Raises DatabaseError if one stays broken, or if none is free.
        """
        if not self._free:
            raise ConnectionLost("no reader has come back", phase=Phase.READ)
        await self._with_each_free(self._checked)

    async def renew(self) -> None:
        """Put fresh connections in the place of those that are free. Raises DatabaseError, and then one is the old."""
        await self._with_each_free(self._connections.renew_reader)

    async def _with_each_free(self, work: Callable[[HopConnection], Awaitable[HopConnection]]) -> None:
        """Let `work` have each free reader to itself; what it returns takes the reader's place."""
        for reader in tuple(self._free):
            if reader not in self._free:
                continue  # on its way by now
            self._free.remove(reader)
            kept = reader
            try:
                kept = await work(reader)
            finally:
                self._free.append(kept)
                self._dispatch()

    async def _checked(self, reader: HopConnection) -> HopConnection:
        try:
            await reader.submit(self._select_one, reader.raw)
        except self._engine.error_class:
            return await self._connections.replace_reader(reader)
        return reader

    async def close(self) -> None:
        """Answer what still waits, and let go of the connections."""
        while self._waiting:
            self._waiting.popleft().future.set_exception(Unavailable("the bot is shutting down"))
        await self._background.close()

    def _dispatch(self) -> None:
        """Send what waits on its way, by one reader at a time unless that one is late.

        Python threads take turns: a second reader makes short reads slower, and only helps beside a long one.
        """
        if not self._waiting or not self._free:
            return
        late_in_s = self._last_departure + _LATE_S - time.monotonic()
        if self._out and late_in_s > 0:
            if self._reinforcement is None:
                self._reinforcement = asyncio.get_running_loop().call_later(late_in_s, self._reinforce)
            return
        reader = self._free.pop()
        train = [self._waiting.popleft() for _ in range(min(len(self._waiting), _LONGEST_TRAIN))]
        self._out += 1
        self._last_departure = time.monotonic()
        patience_s = self._settings.query_timeout_s + _OVERDUE_S
        watchdog = asyncio.get_running_loop().call_later(patience_s, self._never_came_back, train)
        reader.post(partial(self._run, reader, train), then=partial(self._arrive, reader, train, watchdog))

    def _never_came_back(self, train: list[Read[Any]]) -> None:
        """A deadline stops statements, but not a call to the disk that hangs: whoever waits for it is told."""
        self._breaker.failure("a read has not come back from the disk")
        for read in train:
            if not read.future.done():
                read.future.set_exception(DeadlineExceeded(f"{read.query.name} has not come back"))

    def _reinforce(self) -> None:
        self._reinforcement = None
        self._dispatch()

    def _arrive(
        self,
        reader: HopConnection,
        train: list[Read[Any]],
        watchdog: asyncio.TimerHandle,
        arrival: _Arrival | BaseException,
    ) -> None:
        watchdog.cancel()
        self._out -= 1
        if isinstance(arrival, _Arrival):
            _deliver(arrival.answers)
            failure = arrival.failure
        else:
            failure = arrival
        if failure is None or isinstance(failure, DeadlineExceeded):
            self._breaker.success()
            self._free.append(reader)
            self._waiting.extendleft(read for read in reversed(train) if not read.future.done())
            # After the callers have heard: what they ask for next shares a train with what waits already.
            asyncio.get_running_loop().call_soon(self._dispatch)
            return
        self._background.spawn(self._mend(reader, train, failure))

    async def _mend(self, reader: HopConnection, train: list[Read[Any]], failure: BaseException) -> None:
        """Replace a reader that failed, and give its unanswered reads one more chance."""
        self._breaker.failure(str(failure))
        try:
            reader = await self._connections.replace_reader(reader)
        except DatabaseError as exc:
            failure = exc
            self._breaker.trip(str(exc))
        for read in (read for read in train if not read.future.done()):
            read.attempts += 1
            if read.attempts >= _ATTEMPTS or not self._breaker.closed:
                error = _as_database_error(failure)
                error.retries = read.attempts - 1
                read.future.set_exception(error)
            else:
                self._waiting.appendleft(read)
        self._free.append(reader)
        self._dispatch()

    # What follows runs on a reader's thread.

    def _run(self, reader: HopConnection, train: list[Read[Any]]) -> _Arrival:
        """Answer the reads from one snapshot, or as many of them as the connection lasts for."""
        connection = reader.raw
        arrival = _Arrival([])
        try:
            # Pinned by the first read's SELECT: later than every read of the train was asked for.
            connection.execute("BEGIN")
            for read in train:
                reader.deadline = read.deadline
                snapshot = Snapshot(connection, self._engine, read.notes, self.note_from_s)
                answer = _ask(read, snapshot)
                arrival.failure = snapshot.failure
                if snapshot.failure is None or isinstance(snapshot.failure, DeadlineExceeded):
                    arrival.answers.append((read, *answer))
                if snapshot.failure is not None:
                    break
        except self._engine.error_class as exc:
            arrival.failure = translate(exc, Phase.READ)
        finally:
            reader.deadline = None
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        return arrival

    @staticmethod
    def _select_one(connection: Connection) -> None:
        connection.execute("SELECT count(*) FROM fence").fetchall()


def _ask(read: Read[Any], snapshot: Snapshot) -> tuple[object, BaseException | None]:
    try:
        if time.monotonic() > read.deadline:
            return None, DeadlineExceeded(f"{read.query.name} waited too long for a reader")
        return read.query(snapshot, **read.params), None
    except StopIteration as exc:  # the one exception that a future cannot hold
        return None, RuntimeError(f"{read.query.name} raised {exc!r}")
    except BaseException as exc:  # noqa: BLE001 - it is the caller's, who waits on another thread
        return None, exc


def _deliver(answers: list[tuple[Read[Any], object, BaseException | None]]) -> None:
    for read, answer, exc in answers:
        if read.future.done():
            continue  # the caller was cancelled
        if exc is None:
            read.future.set_result(answer)
        else:
            read.future.set_exception(exc)


def _as_database_error(failure: BaseException) -> DatabaseError:
    return failure if isinstance(failure, DatabaseError) else ConnectionLost(str(failure), phase=Phase.READ)
