"""DatabaseManager: `read` and `write`, with the mode and the breakers in front of them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ParamSpec, TypeVar

from loguru import logger

from db import announcements
from db.advice import advise
from db.background import Background
from db.breaker import Breaker, BreakerState
from db.cache import Known, LastKnown
from db.checkup import Checkup
from db.cleanups import Cleanups
from db.engine import Engine
from db.errors import Unavailable, new_error_id
from db.events import EventKind, Events, Listener
from db.health import HealthMonitor
from db.keeper import JournalKeeper
from db.layout import Layout
from db.modes import SWITCHED_OFF, Mode, Modes
from db.operations import Context, Operation, Query
from db.replay import Replayer
from db.results import OVERLOADED, Outcome, WriteResult
from db.settings import DatabaseSettings
from db.snapshot import Statement
from db.status import ConnectionState, Status
from db.store import OpenStore, Problem, open_store
from db.submission import Submission, submit
from db.values import JSON, check_parameters
from db.verification import JournalReport
from db.waiting import OperationQueue, Waiting

P = ParamSpec("P")
T = TypeVar("T")


class DatabaseManager:
    """The database of one process. Made by `open_database`; everything but `read` and `write` answers at once."""

    def __init__(self, settings: DatabaseSettings, migrations: Path, engine: Engine) -> None:
        self._settings = settings
        self._migrations = migrations
        self._engine = engine
        self._layout = Layout(settings.directory)
        self._events = Events()
        self._writing = self._breaker("writer")
        self._reading = self._breaker("readers")
        self._modes = Modes(
            writer=self._writing,
            readers=self._reading,
            switched_off=settings.degraded,
            on_change=self._mode_changed,
        )
        self._store: OpenStore | None = None
        self.health = HealthMonitor(settings, engine, self._layout, self._modes, self._writing, self._reading)
        self._known = LastKnown()
        self.cleanups = Cleanups(self.write)
        self.cleanups.register("announcements", announcements.clean_up)
        self._checkup = Checkup(self.health, self.status, self._events, self._writing, self._reading, self.cleanups.run)
        self._queue = OperationQueue(
            self._layout.waiting, capacity_bytes=settings.queue_kb * 1024, patience_s=settings.operation_timeout_s
        )
        self._replayer = Replayer(self._queue, self._run, lambda: self.mode is Mode.READ_WRITE, self._events, settings)
        self.journal = JournalKeeper(
            self._layout, settings, self._events, self._carry_out_own, lambda: self._writing.closed, self._waiting_ids
        )
        self._background = Background()

    @property
    def mode(self) -> Mode:
        return self._modes.current[0]

    @property
    def mode_reason(self) -> str:
        """Why it is not READ_WRITE, in a sentence; empty when it is."""
        return self._modes.current[1]

    @property
    def stuck(self) -> bool:
        """Whether the writer's thread has not come back from a call: the process then cannot end by itself."""
        return self._store is not None and self._store.writer.stuck

    @property
    def version(self) -> int | None:
        """A number that is another one whenever something may have been committed; None while something may be."""
        if self._store is None or self.mode in (Mode.OFFLINE, Mode.RECOVERING):
            return None
        return self._store.writer.version

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear of connections, errors, breakers and modes; returns what ends the subscription."""
        return self._events.subscribe(listener)

    def set_switch(self, *, degraded: bool) -> None:
        """The operator's switch: while it is on, the operations of features are refused."""
        self._modes.set_switch(degraded=degraded)
        self.journal.audit.note("database.switch", {"degraded": degraded})

    async def write(
        self, operation: Operation[P, T], context: Context, /, *args: P.args, **params: P.kwargs
    ) -> WriteResult[T]:
        """Run an operation once under its id. Database trouble is in the result, never raised.

        One that may wait is QUEUED while the database is away, and so is one that met with trouble on its way there,
        even if nobody can tell what came of it: under the same id it cannot happen twice.
        Raises ParameterError for parameters that cannot be stored as JSON.
        """
        if args:
            raise TypeError("operations take keyword parameters: they are stored by name")
        submission = self._submission(operation, context, params)
        refusal = self._modes.write_refusal or ("WAITING_BEFORE" if self._queue.is_ahead_of(context) else "")
        if refusal:
            queued = await self._wait(submission)
            return queued or self._refused(operation.name, context, refusal)
        result = await self._carry_out(submission)
        # Asking for more than can be done at a time is no reason to have it all done later.
        may_wait = submission.met_trouble and result.reason != OVERLOADED
        return (await self._wait(submission) or result) if may_wait else result

    def _submission(
        self, operation: Operation[..., T], context: Context, params: dict[str, Any], asked_at_ms: int | None = None
    ) -> Submission[T]:
        return submit(
            operation,
            context,
            params,
            deadline=time.monotonic() + self._settings.operation_timeout_s,
            future=asyncio.get_running_loop().create_future(),
            asked_at_ms=asked_at_ms,
        )

    async def _wait(self, submission: Submission[T]) -> WriteResult[T] | None:
        """QUEUED, if the operation may wait and no operator has switched writing off; None if it is not stored."""
        priority = submission.operation.queue
        if priority is None or self._modes.write_refusal == SWITCHED_OFF:
            return None
        return await self._queue.add(submission, priority)

    async def _run(
        self, operation: Operation[..., T], context: Context, params: dict[str, Any], asked_at_ms: int | None
    ) -> WriteResult[T] | None:
        """What had to wait, past everything that waits; None where it has to wait on."""
        submission = self._submission(operation, context, params, asked_at_ms)
        result = await self._carry_out(submission)
        return None if submission.met_trouble else result

    async def _carry_out(self, submission: Submission[T]) -> WriteResult[T]:
        if self._store is None:
            submission.refuse(Mode.OFFLINE.name)
            return submission.future.result()
        began = time.monotonic()
        result = await self._store.writer.submit(submission)
        self.health.operation_done(submission, result, began)
        return result

    async def record_event(self, name: str, guild: int, actor: int, facts: Mapping[str, JSON]) -> None:
        """Journal something that is no operation's own, whatever the mode; what cannot be journaled just now is kept
        in a file until it can. Durable on return. Raises ParameterError for facts that JSON cannot hold.
        """
        await self.journal.audit.record(name, guild, actor, facts)

    async def read(self, query: Query[P, T], /, *args: P.args, **params: P.kwargs) -> T:
        """Run a query on one snapshot that has every write its caller has heard of. Raises DatabaseError."""
        if args:
            raise TypeError("queries take keyword parameters")
        check_parameters(params)
        self._modes.require_readable()
        if self._store is None:
            raise Unavailable("the database is not open")
        notes: list[Statement] = []
        began = time.monotonic()
        try:
            answer = await self._store.readers.read(query, params, notes)
        except Exception as exc:
            self.health.query_failed(query.name, params, notes, began, exc)
            raise
        self.health.query_done(query.name, params, notes, began)
        return answer

    async def read_known(self, query: Query[P, T], /, *args: P.args, **params: P.kwargs) -> Known[T]:
        """As `read`, for a query that is remembered: without a read while nothing can have changed since the last one,
        and where reading fails the last known answer with its age. Raises DatabaseError where none is held.
        """
        if args:
            raise TypeError("queries take keyword parameters")
        return await self._known.ask(query, params, lambda: self.read(query, *args, **params), lambda: self.version)

    async def verify_journal(self) -> JournalReport:
        """Follow the journal's whole chain; raises DatabaseError where it cannot be read."""
        self._modes.require_readable()
        return await self.journal.verify()

    def waiting(self) -> tuple[Waiting, ...]:
        """The writes that wait for the database, in the order in which they will be carried out."""
        return self._queue.waiting()

    def dead_letters(self) -> tuple[Waiting, ...]:
        """The writes that waited and then kept failing; they are an operator's to retry or to discard."""
        return self._queue.dead_letters()

    async def retry_dead(self, operation_id: str) -> bool:
        """Let a dead letter wait again; False if there is none of that id. Raises OSError if that cannot be stored."""
        found = await self._queue.retry(operation_id)
        self._replayer.wake()
        return found

    async def discard_dead(self, operation_id: str) -> bool:
        """Forget a dead letter for good; False if there is none. Raises OSError if that cannot be stored."""
        return await self._queue.discard(operation_id)

    def status(self) -> Status:
        """What is known just now, without asking the database."""
        return replace(self.health.status(), queued=self._queue.waiting_count, dead_letters=self._queue.dead_count)

    def advice(self, status: Status) -> list[str]:
        """What to change where that status is poor: sentences that name the setting, the most urgent first."""
        return advise(status, self._settings)

    async def start(self) -> None:
        """Open the database, or go on without it and keep trying. Raises StartupError for a foreign or newer one."""
        for problem in await self._queue.open():
            self._events.emit(EventKind.QUEUE_DAMAGED, problem, good=False)
        await self.journal.audit.open()
        await self._open()
        logger.info("database: {}", self.status().line())
        if self._engine.has_wal_reset_bug:
            logger.warning(
                "SQLite {} can corrupt a database that another process writes to at the same time; "
                "versions from 3.51.3 on cannot: let no other program write to this one",
                self._engine.version,
            )
        self._background.spawn(self._supervise())
        self._background.spawn(self._checkup.keep_looking())
        self._background.spawn(self._checkup.keep_telling())

    async def close(self) -> None:
        """Answer everybody who waits, close every connection. Harmless when called twice."""
        self.health.connection = ConnectionState.DISCONNECTING
        try:
            await self._background.close()
            await self._replayer.close()
            await self.journal.close()
        finally:
            store, self._store = self._store, None
            if store is not None:
                await store.close()
        await self._queue.close()
        self.health.detach()

    async def _open(self) -> None:
        self.health.connection = ConnectionState.CONNECTING
        opened = await open_store(
            self._layout, self._migrations, self._engine, self._settings, self._writing, self._reading, self._events
        )
        if isinstance(opened, Problem):
            self.health.detach()
            self._modes.set_closed(opened.sentence)
            return
        self._store = opened
        self.health.attach(opened)
        self._known.make_stale()
        await self.journal.opened(opened)
        self._modes.set_closed("")
        self._events.emit(EventKind.CONNECTED, str(opened.path), good=True)

    async def _supervise(self) -> None:
        """Look after what nobody asks for: the file's name, open breakers, a database that was away at the start."""
        next_open = time.monotonic() + self._settings.probe_interval_s
        while True:
            await asyncio.sleep(self._settings.file_check_interval_s)
            self._replayer.tick()
            if self._store is None:
                if time.monotonic() >= next_open:
                    next_open = time.monotonic() + self._settings.probe_interval_s
                    await self._open_again()
                continue
            if problem := self._store.connections.file_problem():
                self._writing.trip(problem)
                self._background.spawn(self._store.connections.rescue())
            self._probe(self._writing, self._store.writer.probe)
            self._probe(self._reading, self._store.readers.probe)
            self.journal.tick()

    async def _open_again(self) -> None:
        try:
            await self._open()
        except Exception as exc:  # noqa: BLE001 - the bot goes on without a database, whatever this one is
            self.health.detach()
            self._modes.set_closed(str(exc))

    def _probe(self, breaker: Breaker, attempt: Callable[[], Awaitable[None]]) -> None:
        if breaker.begin_probe():
            self._background.spawn(self._probe_once(breaker, attempt))

    async def _probe_once(self, breaker: Breaker, attempt: Callable[[], Awaitable[None]]) -> None:
        try:
            await attempt()
        except Exception as exc:  # noqa: BLE001 - whatever it was, the breaker must not stay half open for ever
            breaker.probe_failed(str(exc))
        else:
            breaker.probe_succeeded()
            self._events.emit(EventKind.RECONNECTED, f"the {breaker.name} can work again", good=True)

    def _breaker(self, name: str) -> Breaker:
        return Breaker(
            name,
            failures=self._settings.breaker_failures,
            delay_s=self._settings.breaker_delay_s,
            max_delay_s=self._settings.breaker_max_delay_s,
            on_change=self._breaker_changed,
        )

    def _breaker_changed(self, breaker: Breaker, before: BreakerState) -> None:
        if before is BreakerState.CLOSED:  # a failed probe opens it again, and is no news
            self._events.emit(EventKind.BREAKER_OPENED, f"{breaker.name}: {breaker.reason}", good=False)
        elif breaker.closed:
            self._events.emit(EventKind.BREAKER_CLOSED, breaker.name, good=True)
        self._modes.refresh()

    def _mode_changed(self, mode: Mode, reason: str) -> None:
        detail = f"{mode}: {reason}" if reason else str(mode)
        self.health.mode_changes += 1
        self._events.emit(EventKind.MODE_CHANGED, detail, good=mode is Mode.READ_WRITE)
        self._replayer.wake()
        self.journal.audit.mode_changed(str(mode), reason)

    async def _carry_out_own(
        self, operation: Operation[..., T], context: Context, params: dict[str, Any]
    ) -> WriteResult[T]:
        """What the layer itself has to write, under the operator's switch too."""
        return await self._carry_out(self._submission(operation, context, params))

    def _waiting_ids(self) -> list[str]:
        return [entry.operation_id for entry in (*self._queue.waiting(), *self._queue.dead_letters())]

    def _refused(self, name: str, context: Context, reason: str) -> WriteResult[Any]:
        error_id = new_error_id()
        self.health.operation_refused(name, context, reason, error_id)
        return WriteResult(
            outcome=Outcome.FAILED,
            reason=reason,
            operation_id=context.operation_id,
            error_id=error_id,
            better_text=_REFUSALS[reason],
        )


_REFUSALS = {
    "WAITING_BEFORE": (
        "What you asked for before is still waiting for the database. Nothing was changed; please try again shortly."
    ),
    SWITCHED_OFF: "Changes are switched off by an operator just now. Nothing was changed.",
    Mode.READ_ONLY.name: "Nothing can be stored just now. Nothing was changed; please try again later.",
    Mode.OFFLINE.name: "The database is unavailable just now. Nothing was changed; please try again later.",
    Mode.RECOVERING.name: "The database is being recovered. Nothing was changed; please try again later.",
}
