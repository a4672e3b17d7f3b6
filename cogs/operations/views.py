"""What the state of the database looks like."""

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import discord

from bot.replies import safe_text
from bot.ui import embeds
from cogs.operations.health import Condition, age, assess, size, without_paths
from db import SlowStatement, Status, Work

_FRAMES: Final[dict[Condition, Callable[[str, str], discord.Embed]]] = {
    Condition.WELL: embeds.success,
    Condition.STRAINED: embeds.warning,
    Condition.LIMITED: embeds.warning,
    Condition.AWAY: lambda title, text: embeds.failure(text, title),
}
# An embed holds 6,000 characters in all; escaping may double a text.
_LONGEST_TEXT: Final = 250
_LONGEST_REMARKS: Final = 1_200
_LONGEST_FIELD: Final = 600
_LONGEST_SQL: Final = 120
_SHOWN: Final = 3


def database_health(status: Status, advice: Sequence[str] = (), *, with_paths: bool, now_ms: int = 0) -> discord.Embed:
    """First whether all is well, then the numbers. `with_paths` is for operators: they also see SQL."""
    verdict = assess(status)
    text = "\n".join(_plain(remark, with_paths=with_paths) for remark in verdict.remarks[: 2 * _SHOWN])
    embed = _FRAMES[verdict.condition](verdict.headline, embeds.shorten(text, _LONGEST_REMARKS))
    if advice:
        tips = "\n".join(f"• {_plain(tip, with_paths=with_paths)}" for tip in advice[:_SHOWN])
        embed.add_field(name="What to change", value=embeds.shorten(tips, _LONGEST_FIELD), inline=False)
    for name, value in _numbers(status, now_ms, with_paths=with_paths):
        embed.add_field(name=name, value=value)
    for name, value in _details(status, with_paths=with_paths):
        embed.add_field(name=name, value=embeds.shorten(value, _LONGEST_FIELD), inline=False)
    return embed


def _numbers(status: Status, now_ms: int, *, with_paths: bool) -> Iterator[tuple[str, str]]:
    yield "Mode", status.mode.value
    yield "Connection", _connection(status, now_ms, with_paths=with_paths)
    yield "Breakers", f"writer {status.writer_breaker}\nreaders {status.reader_breaker}"
    yield "Writes", f"{_work(status.operations)}, {status.refused:,} refused"
    yield "Reads", _work(status.queries)
    yield "Waiting", _waiting(status)
    yield "Size", _sizes(status)
    yield "Backup", f"{status.backup}\n{status.newest_backup or 'this version takes no backups'}"
    yield "Schema", "unknown" if status.schema_version is None else f"version {status.schema_version}"
    yield "SQLite", f"{status.sqlite_version} ({status.engine})"
    yield "Journal", f"{status.journal_mode}, synchronous {status.synchronous}"
    yield "Errors", f"{status.errors:,} since start\n{status.unresolved_errors:,} not resolved"


def _details(status: Status, *, with_paths: bool) -> Iterator[tuple[str, str]]:
    if status.slowest:
        yield "Slowest lately", "\n".join(_named(name, work) for name, work in status.slowest[:_SHOWN])
    if status.slow_statements:
        slow = (_slow(statement, with_sql=with_paths) for statement in status.slow_statements[:_SHOWN])
        yield "Slow statements", "\n".join(slow)
    if status.last_error:
        yield "Last error", _plain(status.last_error, with_paths=with_paths)
    if with_paths:
        yield "Path", _plain(str(status.path), with_paths=True)


def _connection(status: Status, now_ms: int, *, with_paths: bool) -> str:
    said = f"{status.connection}, {status.connections} open\nup {age(status.uptime_s)}"
    if status.probe is None:
        return said
    found = "sound" if status.probe.ok else _plain(status.probe.detail, with_paths=with_paths)
    return f"{said}\nprobed {age((now_ms - status.probe.at_ms) / 1000)} ago: {found}"


def _work(work: Work) -> str:
    failed = f"{work.total_errors:,} failed" if work.total_errors else "none failed"
    latency = work.latency
    return (
        f"{work.per_s:,.1f}/s, {work.error_rate:.1%} failing\n"
        f"p50 {latency.p50_ms:.1f} · p95 {latency.p95_ms:.1f} · p99 {latency.p99_ms:.1f} ms\n"
        f"{work.total:,} since start, {failed}"
    )


def _waiting(status: Status) -> str:
    return (
        f"{status.waiting_operations:,} writes, {status.waiting_reads:,} reads\n"
        f"{status.queued:,} until the database is back\n{status.dead_letters:,} set aside"
    )


def _sizes(status: Status) -> str:
    return (
        f"database {size(status.database_bytes)}\n"
        f"log {size(status.wal_bytes)}\n"
        f"free disk {size(status.free_disk_bytes)}"
    )


def _named(name: str, work: Work) -> str:
    return f"{_plain(name, with_paths=True)}: p95 {work.latency.p95_ms:.1f} ms, {work.count:,} calls"


def _slow(statement: SlowStatement, *, with_sql: bool) -> str:
    said = (
        f"{_plain(statement.name, with_paths=True)}: {statement.count:,} times, {statement.worst_ms:,.0f} ms at worst"
        f"{', reads a whole table' if statement.scans else ''}"
    )
    return f"{said}\n{safe_text(embeds.shorten(statement.said, _LONGEST_SQL))}" if with_sql else said


def _plain(text: str, *, with_paths: bool) -> str:
    """A text of unknown content as Discord takes it."""
    text = text if with_paths else without_paths(text)
    return safe_text(embeds.shorten(text, _LONGEST_TEXT)).strip() or "unknown"
