"""ConnectionManager: one connection that writes, several that read, each on a thread of its own."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

import aiosqlite
import aiosqlite.core
from loguru import logger

from db.engine import Connection, Engine, PragmaRefused, prepare_reader, prepare_writer
from db.errors import ConnectionLost, Consequence, Phase, translate
from db.events import EventKind, Events
from db.interruption import Interruption
from db.retries import retrying
from db.settings import DatabaseSettings

P = ParamSpec("P")
T = TypeVar("T")

# How many steps of SQLite's virtual machine pass between two looks at the clock: well under a millisecond.
_STEPS_BETWEEN_LOOKS: Final = 10_000


class HopConnection(aiosqlite.Connection):
    """One SQLite connection on one thread. A hop runs a whole function there, without a return to the loop between
    its statements; what runs longer than `deadline` (monotonic) is interrupted.

    Belongs to the process that opened it: in a fork neither the thread exists nor may the file be touched.
    """

    def __init__(self, connect: Callable[[], Connection]) -> None:
        self.deadline: float | None = None
        self._interruption = Interruption()
        self._process_id = os.getpid()
        super().__init__(partial(self._open, connect), iter_chunk_size=64)

    def _open(self, connect: Callable[[], Connection]) -> Connection:
        connection = connect()
        connection.set_progress_handler(self._is_late, _STEPS_BETWEEN_LOOKS)
        return connection

    def _is_late(self) -> bool:
        return self.deadline is not None and time.monotonic() > self.deadline

    @property
    def raw(self) -> Connection:
        """The SQLite connection; only for functions that run in a hop."""
        return self._conn

    def submit(self, function: Callable[P, T], *args: P.args, **params: P.kwargs) -> asyncio.Future[T]:
        """Start a hop. Cancelling the future does not stop the function."""
        future: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self.post(partial(function, *args, **params), then=partial(_settle, future))
        return future

    def post(self, function: Callable[[], T], *, then: Callable[[T | BaseException], None]) -> None:
        """Start a hop and have `then` called on the loop with what it returned or raised: the shortest way there is.

        aiosqlite is given no future of its own: a hop that ends after its loop would end the thread with an error.
        """
        self._require_usable()
        loop = asyncio.get_running_loop()

        def hop() -> None:
            try:
                outcome = self._interruption.run(function)
            except BaseException as exc:  # noqa: BLE001 - `then` decides, on the loop's thread
                loop.call_soon_threadsafe(then, exc)
            else:
                loop.call_soon_threadsafe(then, outcome)

        self._tx.put_nowait((None, hop))  # pyright: ignore[reportUnknownMemberType]

    def interrupt_hop(self) -> None:
        """Have Python code that runs in a hop, and comes back to no statement, raise Interrupted.

        It may be raised a little later than meant; whoever waits for the hop then finds out how its commit ended.
        """
        self._interruption.interrupt()

    def abandon(self) -> None:
        """Close it whenever its thread comes back from the call that it hangs in; nobody waits for that."""
        self._running = False

        def close_and_stop() -> object:
            if self._connection is not None:
                self._connection.close()
                self._connection = None
            return aiosqlite.core._STOP_RUNNING_SENTINEL  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]

        self._tx.put_nowait((None, close_and_stop))  # pyright: ignore[reportUnknownMemberType]

    def _require_usable(self) -> None:
        if not self._running:  # no thread would ever come to the hop
            raise ConnectionLost("this connection has been closed", phase=Phase.BEGIN)
        if os.getpid() != self._process_id:
            raise ConnectionLost("this connection belongs to the process that was forked", phase=Phase.BEGIN)


def _settle(future: asyncio.Future[T], outcome: T | BaseException) -> None:
    if future.done():
        return
    if isinstance(outcome, BaseException):
        future.set_exception(outcome)
    else:
        future.set_result(outcome)


class FileIdentity:
    """Which file was opened, so that one that was unlinked or replaced is noticed."""

    def __init__(self, path: Path) -> None:
        found = path.stat()
        self._path = str(path)  # looked at twice a commit: os.stat on text takes half as long
        self._key = (found.st_dev, found.st_ino)

    def problem(self) -> str | None:
        """What is wrong with the path, in a sentence; None while it still names the file that is open."""
        try:
            found = os.stat(self._path)  # noqa: PTH116
        except FileNotFoundError:
            return "the database file was removed while it was in use"
        except OSError as exc:
            return f"the database file cannot be seen any more: {exc.strerror}"
        if (found.st_dev, found.st_ino) != self._key:
            return "the database file was replaced while it was in use"
        return None


class ConnectionManager:
    """Opens, replaces and closes the connections to one database file. Never creates a file."""

    def __init__(self, path: Path, engine: Engine, settings: DatabaseSettings, events: Events) -> None:
        self._path = path
        self._engine = engine
        self._settings = settings
        self._events = events
        self._identity = FileIdentity(path)
        self._writer: HopConnection | None = None
        self._readers: list[HopConnection] = []
        self._rescued = False

    @property
    def writer(self) -> HopConnection:
        if self._writer is None:
            raise ConnectionLost("there is no writing connection", phase=Phase.OPEN)
        return self._writer

    @property
    def readers(self) -> tuple[HopConnection, ...]:
        return tuple(self._readers)

    def file_problem(self) -> str | None:
        """Why the path does not name the open file any more; asked before and after each commit."""
        return self._identity.problem()

    async def open(self) -> None:
        """Connect all; raises DatabaseError, and then none is left open."""
        try:
            self._writer = await self._connect(prepare_writer)
            for _ in range(self._settings.readers):
                self._readers.append(await self._connect(prepare_reader))
        except BaseException:
            await self.close()
            raise

    async def replace_writer(self) -> None:
        """Close the writing connection and open another to the same file, by the retry policy.

        Raises DatabaseError when every attempt failed, or at once where the path names another file.
        """
        self._events.emit(EventKind.LOST, "the writing connection is replaced", good=False)
        async for attempt in retrying(self._settings, within_s=self._settings.connect_timeout_s):
            with attempt:
                self._require_same_file()
                if self._writer is not None:
                    await self._close_one(self._writer)
                    self._writer = None
                self._writer = await self._connect(prepare_writer)
        self._events.emit(EventKind.RECONNECTED, "the writing connection", good=True)

    async def replace_reader(self, old: HopConnection) -> HopConnection:
        """Open another reader in the place of one that failed; raises DatabaseError as above."""
        self._events.emit(EventKind.LOST, "a reading connection is replaced", good=False)
        new = await self.renew_reader(old)
        self._events.emit(EventKind.RECONNECTED, "a reading connection", good=True)
        return new

    async def renew_reader(self, old: HopConnection) -> HopConnection:
        """Open another reader in the place of this one, by the retry policy."""
        place = self._readers.index(old)
        async for attempt in retrying(self._settings, within_s=self._settings.connect_timeout_s):
            with attempt:
                self._require_same_file()
                self._readers[place] = await self._connect(prepare_reader)
        await self._close_one(old)
        return self._readers[place]

    async def close(self, *, stuck: bool = False) -> None:
        """Close the readers, then the writer, which moves the WAL into the file. Harmless when nothing is open.

        A writer that is `stuck` in a call is not waited for.
        """
        await self.rescue()
        while self._readers:
            await self._close_one(self._readers.pop())
        if self._writer is not None and stuck:
            self._writer.abandon()
        elif self._writer is not None:
            await self._close_one(self._writer)
        self._writer = None

    async def _connect(self, prepare: Callable[[Connection], None]) -> HopConnection:
        connection = HopConnection(
            lambda: self._engine.connect(self._path, mode="rw", busy_timeout_s=self._settings.busy_timeout_s)
        )
        try:
            async with asyncio.timeout(self._settings.connect_timeout_s):
                await connection
                await connection.submit(lambda: prepare(connection.raw))
        except BaseException as exc:
            await self._close_one(connection)  # its thread would keep the process from ending
            if isinstance(exc, self._engine.error_class):
                raise translate(exc, Phase.OPEN) from exc
            if isinstance(exc, (PragmaRefused, TimeoutError)):
                raise ConnectionLost(f"{self._path}: {exc or 'connecting took too long'}", phase=Phase.OPEN) from exc
            raise
        return connection

    async def _close_one(self, connection: HopConnection) -> None:
        try:
            await connection.close()
        except self._engine.error_class as exc:
            logger.warning("a connection did not close cleanly: {}", exc)

    def _require_same_file(self) -> None:
        # Reopening would silently take whatever has the name now, while the open connection still has the data.
        if problem := self.file_problem():
            raise ConnectionLost(problem, phase=Phase.OPEN, consequence=Consequence.STOP_WRITING)

    async def rescue(self) -> None:
        """Where the file has lost its name: copy what the open connections still have, before they are gone for good.

        Done once for each loss. By a reader where there is one: the writer may hang in a call.
        """
        still_open = [*self._readers, *([self._writer] if self._writer else [])]
        problem = self.file_problem()
        if not problem or not still_open or self._rescued:
            self._rescued = bool(problem) and self._rescued
            return
        self._rescued = True
        target = self._path.parent.parent / f"rescued-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}.db"
        try:
            await still_open[0].submit(self._copy, still_open[0], target)
        except (OSError, self._engine.error_class) as exc:
            self._rescued = False
            logger.critical("{}, and it could not be rescued to {}: {}", problem, target, exc)
        else:
            logger.critical("{}; its content is in {}", problem, target)

    def _copy(self, source: HopConnection, target: Path) -> None:
        copy = self._engine.connect(target, mode="rwc", busy_timeout_s=0)
        try:
            source.raw.backup(copy)
        finally:
            copy.close()
        target.chmod(0o600)
