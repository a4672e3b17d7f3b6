"""The status of a database that is well, to be altered, and a statement that is slow."""

from pathlib import Path

from db import BackupState, ConnectionState, Mode, Percentiles, Probe, SlowStatement, Status, Work

SOUND = Status(
    mode=Mode.READ_WRITE,
    mode_reason="",
    is_switched_off=False,
    path=Path("/srv/rollcall/data/gen-1/rollcall.db"),
    generation=1,
    engine="bundled",
    sqlite_version="3.53.4",
    has_wal_reset_bug=False,
    journal_mode="wal",
    synchronous="full",
    schema_version=3,
    connection=ConnectionState.CONNECTED,
    connections=5,
    uptime_s=3600.0,
    mode_changes=1,
    probe=Probe(at_ms=1_700_000_000_000, detail=""),
    backup=BackupState.NONE,
    newest_backup=None,
    writer_breaker="closed",
    reader_breaker="closed",
    operations=Work(total=12, count=12, per_s=0.5, latency=Percentiles(0.41, 1.2, 3.0, 0.5)),
    queries=Work(total=34, total_errors=2, count=30, per_s=1.5, latency=Percentiles(0.1, 0.2, 0.3, 0.1)),
    refused=0,
    slowest=(),
    slow_statements=(),
    waiting_operations=0,
    waiting_reads=0,
    database_bytes=120_000,
    wal_bytes=0,
    free_disk_bytes=20 * 2**30,
    errors=0,
    unresolved_errors=0,
    last_error="",
    alerts=(),
)
SLOW = SlowStatement(
    name="economy.history",
    sql="SELECT * FROM payment WHERE memo = ?",
    values=1,
    count=3,
    worst_ms=812.0,
    latest_ms=300.0,
    latest_at_ms=1_700_000_000_000,
    plan=("SCAN payment",),
)
