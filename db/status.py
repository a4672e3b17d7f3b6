"""The state of the database in numbers, for `/dbhealth`, the command line, the advice and the log."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from db.metrics import Work
from db.modes import Mode
from db.slow import SlowStatement


class ConnectionState(StrEnum):
    CONNECTED = "connected"
    CONNECTING = "connecting"
    DISCONNECTING = "disconnecting"
    DISCONNECTED = "disconnected"


class BackupState(StrEnum):
    NONE = "none taken"
    SUCCEEDED = "success"
    FAILED = "failed"
    IN_PROGRESS = "in progress"


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What the last look at reader and writer found; `detail` is empty where both work."""

    at_ms: int
    detail: str

    @property
    def ok(self) -> bool:
        return not self.detail


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A snapshot. Totals are since start, rates and latencies of the last minutes, sizes in bytes; None where unknown.

    `slowest` are the names with the longest p95. `alerts` has a sentence for each threshold that is crossed just now.
    `queued` writes wait for the database to return; `dead_letters` kept failing and wait for an operator.
    """

    mode: Mode
    mode_reason: str
    is_switched_off: bool
    connection: ConnectionState
    uptime_s: float
    path: Path
    generation: int | None
    engine: str
    sqlite_version: str
    has_wal_reset_bug: bool
    journal_mode: str
    synchronous: str
    schema_version: int | None
    backup: BackupState
    newest_backup: str | None
    writer_breaker: str
    reader_breaker: str
    connections: int
    mode_changes: int
    probe: Probe | None
    operations: Work
    queries: Work
    refused: int
    slowest: tuple[tuple[str, Work], ...]
    slow_statements: tuple[SlowStatement, ...]
    waiting_operations: int
    waiting_reads: int
    database_bytes: int | None
    wal_bytes: int
    free_disk_bytes: int | None
    errors: int
    unresolved_errors: int
    last_error: str
    alerts: tuple[str, ...]
    queued: int = 0
    dead_letters: int = 0

    def line(self) -> str:
        """One line that says how safely, and whether at all, something can be stored."""
        can_write = "can write" if self.mode is Mode.READ_WRITE else f"cannot write: {self.mode_reason}"
        return (
            f"{self.mode}, {can_write}; {self.path}, journal mode {self.journal_mode}, synchronous {self.synchronous}, "
            f"SQLite {self.sqlite_version} ({self.engine}), schema version {self.schema_version}, "
            f"newest backup {self.newest_backup or 'none'}"
        )

    def statistics(self) -> str:
        """One line of numbers, for the log at an interval."""
        return (
            f"{self.mode}, {self.connections} connections; {_said(self.operations, 'writes')}, "
            f"{self.waiting_operations} waiting, {self.refused} refused since start; {_said(self.queries, 'reads')}, "
            f"{self.waiting_reads} waiting; errors {self.errors}, unresolved {self.unresolved_errors}; "
            f"bytes: database {self.database_bytes}, WAL {self.wal_bytes}, free disk {self.free_disk_bytes}"
        )


def _said(work: Work, what: str) -> str:
    return (
        f"{work.per_s:.1f} {what}/s ({work.error_rate:.1%} failed, p50 {work.latency.p50_ms} ms, "
        f"p95 {work.latency.p95_ms} ms, {work.total} since start)"
    )
