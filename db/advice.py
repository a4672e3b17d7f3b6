"""What to change when the database does poorly: sentences that name the setting, made from the status alone."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from db.metrics import Work
from db.modes import Mode
from db.settings import DatabaseSettings
from db.status import Status
from db.thresholds import ENOUGH_CALLS, MB, is_nearly_full

# An fsync on a local SSD takes well under a millisecond, on a disk that turns about ten.
_SLOW_DISK_MS: Final = 25.0
# Several times what a pool that keeps up ever has waiting.
_MANY_READS: Final = 64
_ROOM_BEFORE_ALERT: Final = 2


def advise(status: Status, settings: DatabaseSettings) -> list[str]:
    """The most urgent first; empty where there is nothing to change."""
    return [*_about_the_mode(status), *_about_room(status, settings), *_about_speed(status, settings)]


def _about_the_mode(status: Status) -> Iterator[str]:
    if status.is_switched_off:
        yield "Writing is switched off by hand: set database.degraded to false when the work on it is done."
    elif status.mode is Mode.READ_ONLY:
        yield (
            "Nothing can be stored: look for a full or read-only disk under database.path; "
            "the database is tried again by itself."
        )
    if status.has_wal_reset_bug:
        yield (
            f"SQLite {status.sqlite_version} has a bug that can corrupt a database which two programs write to: "
            'set database.engine to "bundled".'
        )
    if status.dead_letters:
        yield (
            f"{status.dead_letters} writes that waited kept failing: retry or discard them; "
            "database.queue_tries says how often each is tried."
        )


def _about_room(status: Status, settings: DatabaseSettings) -> Iterator[str]:
    free = status.free_disk_bytes
    if free is not None and free < settings.alert_free_disk_mb * MB * _ROOM_BEFORE_ALERT:
        yield "The disk is nearly full: make room, or move database.path to a larger one."
    if is_nearly_full(status.database_bytes, settings):
        yield (
            "The database nears database.size_limit_mb, and what is too old has been deleted: "
            "raise the limit, if the disk has the room."
        )
    if status.wal_bytes > settings.alert_wal_mb * MB:
        yield (
            "Long reads keep the write-ahead log from being moved into the database: "
            f"lower database.query_timeout_s (now {settings.query_timeout_s:g})."
        )


def _about_speed(status: Status, settings: DatabaseSettings) -> Iterator[str]:
    writes, reads = status.operations, status.queries
    if writes.count >= ENOUGH_CALLS and writes.latency.p50_ms > _SLOW_DISK_MS:
        yield (
            f"Half of the writes take longer than {_SLOW_DISK_MS:.0f} ms, which is the disk's: "
            "put database.path on a local SSD."
        )
    if status.waiting_reads > _MANY_READS and not _has_scans(status):
        yield f"Many reads wait for a connection: raise database.readers (now {status.connections - 1})."
    if _fails(writes, settings):
        yield (
            "Many writes fail: if another program holds the database, raise database.busy_timeout_s "
            f"(now {settings.busy_timeout_s:g}); if they run out of time, database.operation_timeout_s "
            f"(now {settings.operation_timeout_s:g})."
        )
    if _fails(reads, settings):
        yield (
            "Many reads fail: if they run out of time, raise database.query_timeout_s "
            f"(now {settings.query_timeout_s:g}); the log has each with its statement."
        )
    for statement in status.slow_statements:
        if statement.scans:
            yield (
                f"{statement.name} reads a whole table ({statement.worst_ms:.0f} ms at worst): it lacks an index; "
                "the log has the statement and its plan (database.slow_query_ms says what is slow)."
            )


def _has_scans(status: Status) -> bool:
    return any(statement.scans for statement in status.slow_statements)


def _fails(work: Work, settings: DatabaseSettings) -> bool:
    return work.count >= ENOUGH_CALLS and work.error_rate > settings.alert_error_rate
