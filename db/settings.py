"""What can be set about the layer. The defaults suit one bot on one machine."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from db.engine import Choice

MAX_READERS: Final = 64


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSettings:
    """Times in seconds. `directory` is the data directory; the database is in a generation below it."""

    directory: Path
    engine: Choice = "auto"
    readers: int = 4
    connect_timeout_s: float = 5.0
    operation_timeout_s: float = 5.0
    query_timeout_s: float = 5.0
    busy_timeout_s: float = 5.0
    retry_attempts: int = 5
    retry_base_s: float = 0.1
    retry_max_s: float = 5.0
    retry_multiplier: float = 2.0
    breaker_failures: int = 5
    breaker_delay_s: float = 1.0
    breaker_max_delay_s: float = 60.0
    probe_interval_s: float = 30.0
    file_check_interval_s: float = 1.0
    # A longer queue would only let callers wait for an answer that comes after their deadline.
    max_waiting: int = 10_000
    # 16 MiB: large enough that a checkpoint's fsync is rare, small enough that it is short.
    checkpoint_wal_bytes: int = 16 * 1024 * 1024
    # About ten thousand payments; reserved on the disk from the start.
    queue_kb: int = 8 * 1024
    # How often a write that waited may fail for reasons of its own before an operator has to look at it.
    queue_tries: int = 5
    # WAL needs memory shared between processes, which network file systems do not have.
    allow_network_file_system: bool = False
    # Several times what the slowest sound statement of a feature takes.
    slow_query_ms: float = 100.0
    statistics_interval_s: float = 300.0
    alert_error_rate: float = 0.1
    alert_p95_ms: float = 500.0
    # Eight times the size at which it is moved into the file: something keeps that from happening.
    alert_wal_mb: int = 128
    # Filled within days by a busy server's records: there is still time to act.
    alert_free_disk_mb: int = 500
    alert_waiting: int = 500
    size_limit_mb: int = 10_000
    # Whether the log wants every operation and query, with statements and values.
    log_operations: bool = False
    degraded: bool = False
