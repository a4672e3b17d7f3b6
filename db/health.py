"""HealthMonitor: hears of every operation and query, looks at the database at an interval, and tells what is wrong."""

from __future__ import annotations

import math
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from db.breaker import Breaker, BreakerState
from db.engine import Engine
from db.error_log import ErrorLog, ErrorRecord, describe
from db.errors import DatabaseError
from db.layout import Layout
from db.metrics import Meter, Work
from db.modes import SWITCHED_OFF, Modes
from db.operations import Context
from db.oplog import Call, log_done, log_failed, log_refused, log_slow
from db.results import Outcome, WriteResult
from db.settings import DatabaseSettings
from db.slow import SlowStatements
from db.snapshot import Statement
from db.status import BackupState, ConnectionState, Probe, Status
from db.store import OpenStore
from db.submission import Submission

_SLOWEST: Final = 5
# A log that repeats itself hides what is new: a slow statement is logged again after this long, with its count.
_SLOW_AGAIN_S: Final = 60.0


class HealthMonitor:
    """What has happened and how things are. Not for several threads: all is told on the event loop's."""

    def __init__(
        self,
        settings: DatabaseSettings,
        engine: Engine,
        layout: Layout,
        modes: Modes,
        writing: Breaker,
        reading: Breaker,
    ) -> None:
        self.errors = ErrorLog()
        self.slow = SlowStatements()
        self.operations = Meter()
        self.queries = Meter()
        self.probed: Probe | None = None
        self.alerts: tuple[str, ...] = ()
        self.store: OpenStore | None = None
        self.connection = ConnectionState.DISCONNECTED
        self.mode_changes = 0
        self._engine = engine
        self._layout = layout
        self._modes = modes
        self._writing = writing
        self._reading = reading
        self._started = time.monotonic()
        self._refused = 0
        self._logged_slow: dict[str, float] = {}
        self._remarkable_s = 0.0
        self.configure(settings)

    def configure(self, settings: DatabaseSettings) -> None:
        """Go by these limits and intervals from now on."""
        self.settings = settings
        self._remarkable_s = 0.0 if settings.log_operations else settings.slow_query_ms / 1000
        if self.store is not None:
            self.store.writer.note_from_s = self.store.readers.note_from_s = self._remarkable_s

    def attach(self, store: OpenStore) -> None:
        """This one is open now."""
        self.store = store
        self.connection = ConnectionState.CONNECTED
        self.configure(self.settings)

    def detach(self) -> None:
        self.store = None
        self.connection = ConnectionState.DISCONNECTED

    def operation_done(self, submission: Submission[Any], result: WriteResult[Any], began: float) -> None:
        """A write was answered, however it ended. On the path of every write: what is usual ends after a few lines."""
        now = time.monotonic()
        window = self.operations[submission.operation.name]
        if result.error_id is not None:
            window.record_failure(now, now - began)
            self._look_at(submission, result, now - began)
            return
        window.record(now, now - began)
        if now - began >= self._remarkable_s or submission.notes:
            self._look_at(submission, result, now - began)
        if self.errors.has_open:
            self.errors.resolve(operation_id=submission.context.operation_id, infrastructure=True)

    def operation_refused(self, name: str, context: Context, reason: str, error_id: str) -> None:
        """A write was not even begun: the mode says no. Neither an error nor a latency of the database."""
        self._refused += 1
        log_refused(name, context, reason, error_id)

    def query_done(self, name: str, params: Mapping[str, Any], notes: list[Statement], began: float) -> None:
        """A read was answered. On the path of every read."""
        now = time.monotonic()
        self.queries[name].record(now, now - began)
        if now - began >= self._remarkable_s or notes:
            self._tell(Call(name=name, params=params, seconds=now - began, outcome="answered", statements=notes))
        if self.errors.has_open:
            self.errors.resolve(infrastructure=True)

    def query_failed(
        self, name: str, params: Mapping[str, Any], notes: list[Statement], began: float, error: Exception
    ) -> None:
        """A read raised; an exception of the query's own is its caller's, and only counted here."""
        now = time.monotonic()
        self.queries[name].record_failure(now, now - began)
        call = Call(name=name, params=params, seconds=now - began, outcome="failed", statements=notes)
        self._note_slow(call)
        if isinstance(error, DatabaseError):
            self._failed(call, describe(error, error_id=error.error_id, name=name))

    def probe_failed(self, error: DatabaseError) -> None:
        """A look that nobody asked for found something."""
        call = Call(name="(probe)", params={}, seconds=0.0, outcome="failed")
        self._failed(call, describe(error, error_id=error.error_id, name=call.name))

    def status(self) -> Status:
        """What is known just now, without asking the database."""
        now = time.monotonic()
        operations, written = self.operations.work(now)
        queries, read = self.queries.work(now)
        store = self.store
        mode, reason = self._modes.current
        newest = next(iter(self.errors.newest(1)), None)
        return Status(
            mode=mode,
            mode_reason=reason,
            is_switched_off=self._modes.write_refusal == SWITCHED_OFF,
            connection=self._connection(),
            uptime_s=now - self._started,
            path=store.path if store else self._layout.directory,
            generation=store.generation if store else None,
            engine=self._engine.name,
            sqlite_version=self._engine.version,
            has_wal_reset_bug=self._engine.has_wal_reset_bug,
            journal_mode="wal",  # verified when a connection is opened, as is the next
            synchronous="full",
            schema_version=store.schema_version if store else None,
            backup=BackupState.NONE,
            newest_backup=None,
            writer_breaker=self._writing.state,
            reader_breaker=self._reading.state,
            connections=1 + len(store.connections.readers) if store else 0,
            mode_changes=self.mode_changes,
            probe=self.probed,
            operations=operations,
            queries=queries,
            refused=self._refused,
            slowest=_slowest(written | read),
            slow_statements=self.slow.worst(_SLOWEST),
            waiting_operations=store.writer.waiting if store else 0,
            waiting_reads=store.readers.waiting if store else 0,
            database_bytes=store.database_bytes() if store else None,
            wal_bytes=store.wal_bytes() if store else 0,
            free_disk_bytes=_free_disk_bytes(self._layout.directory),
            errors=self.errors.count,
            unresolved_errors=self.errors.open_count,
            last_error=f"{newest.id} {newest.name}: {newest.message}" if newest else "",
            alerts=self.alerts,
        )

    def _connection(self) -> ConnectionState:
        """A breaker that is open means that there is a connection no longer, whatever is still held."""
        if self.connection is not ConnectionState.CONNECTED or self._reading.closed:
            return self.connection
        probing = self._reading.state is BreakerState.HALF_OPEN
        return ConnectionState.CONNECTING if probing else ConnectionState.DISCONNECTED

    def _look_at(self, submission: Submission[Any], result: WriteResult[Any], seconds: float) -> None:
        operation, operation_id = submission.operation, submission.context.operation_id
        call = Call(
            name=operation.name,
            operation_id=operation_id,
            params=submission.params,
            hidden=operation.redact,
            seconds=seconds,
            outcome=f"{result.outcome} ({result.reason})" if result.outcome is not Outcome.COMMITTED else "committed",
            rows=(result.rows_matched, result.rows_modified),
            statements=submission.notes,
        )
        if result.error_id is None:
            self._tell(call)
        elif submission.error is None:
            self._note_slow(call)
            log_refused(call.name, submission.context, result.reason, result.error_id)
        else:
            self._note_slow(call)
            record = describe(
                submission.error,
                error_id=result.error_id,
                name=operation.name,
                operation_id=operation_id,
                hides=bool(operation.redact),
            )
            self._failed(call, record)

    def _tell(self, call: Call) -> None:
        if self.settings.log_operations:
            log_done(call)
        self._note_slow(call)

    def _note_slow(self, call: Call) -> None:
        """Remember the statements that were slow, and log the call where either it or one of them was."""
        slow_s = self.settings.slow_query_ms / 1000
        at_ms = time.time_ns() // 1_000_000
        slow = [statement for statement in call.statements if statement.seconds >= slow_s]
        for statement in slow:
            self.slow.note(call.name, statement, at_ms)
        if not slow and call.seconds < slow_s:
            return
        now = time.monotonic()
        if now - self._logged_slow.get(call.name, -math.inf) >= _SLOW_AGAIN_S:
            self._logged_slow[call.name] = now
            log_slow(call, slow)

    def _failed(self, call: Call, record: ErrorRecord) -> None:
        self.errors.add(record)
        log_failed(call, record)


def _slowest(works: Mapping[str, Work]) -> tuple[tuple[str, Work], ...]:
    ordered = sorted(works.items(), key=lambda pair: pair[1].latency.p95_ms, reverse=True)
    return tuple(ordered[:_SLOWEST])


def _free_disk_bytes(directory: Path) -> int | None:
    try:
        return shutil.disk_usage(directory).free
    except OSError:
        return None
