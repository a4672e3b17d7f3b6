"""What the state of the database looks like."""

from collections.abc import Callable
from typing import Final

import discord

from bot.replies import safe_text
from bot.ui import embeds
from cogs.operations.health import Condition, assess, size, without_paths
from db import Status, Work

_FRAMES: Final[dict[Condition, Callable[[str, str], discord.Embed]]] = {
    Condition.WELL: embeds.success,
    Condition.STRAINED: embeds.warning,
    Condition.LIMITED: embeds.warning,
    Condition.AWAY: lambda title, text: embeds.failure(text, title),
}


def database_health(status: Status, *, with_paths: bool) -> discord.Embed:
    """First whether all is well, then the numbers. `with_paths` is for operators."""
    verdict = assess(status)
    text = "\n".join(_plain(remark, with_paths=with_paths) for remark in verdict.remarks)
    embed = _FRAMES[verdict.condition](verdict.headline, text)
    for name, value in (
        ("Mode", status.mode.value),
        ("Breakers", f"writer {status.writer_breaker}\nreaders {status.reader_breaker}"),
        ("Newest backup", status.newest_backup or "none: this version takes no backups"),
        ("Writes", _work(status.operations)),
        ("Reads", _work(status.queries)),
        ("Size", _sizes(status)),
        ("Schema", "unknown" if status.schema_version is None else f"version {status.schema_version}"),
        ("SQLite", f"{status.sqlite_version} ({status.engine})"),
        ("Journal", f"{status.journal_mode}, synchronous {status.synchronous}"),
    ):
        embed.add_field(name=name, value=value)
    if status.last_error:
        embed.add_field(name="Last error", value=_plain(status.last_error, with_paths=with_paths), inline=False)
    if with_paths:
        embed.add_field(name="Path", value=_plain(str(status.path), with_paths=True), inline=False)
    return embed


def _work(work: Work) -> str:
    failed = f"{work.total_errors:,} failed" if work.total_errors else "none failed"
    latency = work.latency
    return (
        f"{work.total:,} since start, {failed}\n"
        f"p50 {latency.p50_ms:.1f} · p95 {latency.p95_ms:.1f} · p99 {latency.p99_ms:.1f} ms"
    )


def _sizes(status: Status) -> str:
    return (
        f"database {size(status.database_bytes)}\n"
        f"log {size(status.wal_bytes)}\n"
        f"free disk {size(status.free_disk_bytes)}"
    )


def _plain(text: str, *, with_paths: bool) -> str:
    """A text of unknown content as Discord takes it: escaping may double it, and a field holds 1,024."""
    text = text if with_paths else without_paths(text)
    return safe_text(embeds.shorten(text, 500)).strip() or "unknown"
