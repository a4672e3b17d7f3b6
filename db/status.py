"""The state of the database in numbers, for `/dbhealth`, the command line and the log."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from db.metrics import Percentiles
from db.modes import Mode


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """A snapshot. Counts are since start, latencies of the newest thousand, sizes in bytes; None where unknown."""

    mode: Mode
    mode_reason: str
    path: Path
    generation: int | None
    engine: str
    sqlite_version: str
    journal_mode: str
    synchronous: str
    schema_version: int | None
    newest_backup: str | None
    writer_breaker: str
    reader_breaker: str
    operations: int
    operation_errors: int
    operation_latency: Percentiles
    queries: int
    query_errors: int
    query_latency: Percentiles
    database_bytes: int | None
    wal_bytes: int
    free_disk_bytes: int | None
    last_error: str

    def line(self) -> str:
        """One line that says how safely, and whether at all, something can be stored."""
        can_write = "can write" if self.mode is Mode.READ_WRITE else f"cannot write: {self.mode_reason}"
        return (
            f"{self.mode}, {can_write}; {self.path}, journal mode {self.journal_mode}, synchronous {self.synchronous}, "
            f"SQLite {self.sqlite_version} ({self.engine}), schema version {self.schema_version}, "
            f"newest backup {self.newest_backup or 'none'}"
        )
