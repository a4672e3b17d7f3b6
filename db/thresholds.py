"""Limits that are watched: each crossing is told of once, and so is its end.

A limit that has been crossed counts as such until the value is clearly back: a value that wavers around it would
otherwise ring the bell each time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from db.metrics import Work
from db.settings import DatabaseSettings
from db.status import Status

MB: Final = 2**20
# How far back behind its limit a value must be: a fifth.
_BACK: Final = 0.8
# Fewer calls than this say nothing about a rate or a percentile.
ENOUGH_CALLS: Final = 20
# "Near" the size limit: there is still room to clean up in.
_NEAR: Final = 0.9


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """One limit. `value` is None where it is unknown just now; `is_floor`: it is bad to be *below* it."""

    setting: str
    what: str
    value: Callable[[Status], float | None]
    limit: Callable[[DatabaseSettings], float]
    said: Callable[[float], str]
    is_floor: bool = False

    def crossed(self, value: float, limit: float, *, before: bool) -> bool:
        """Whether it counts as crossed now, given whether it did before."""
        if self.is_floor:
            return value < (limit / _BACK if before else limit)
        return value > (limit * _BACK if before else limit)


@dataclass(frozen=True, slots=True)
class Crossing:
    """A threshold was crossed just now, or is no longer."""

    crossed: bool
    sentence: str


def is_nearly_full(database_bytes: int | None, settings: DatabaseSettings) -> bool:
    """Whether it is time to clean up."""
    return database_bytes is not None and database_bytes > settings.size_limit_mb * MB * _NEAR


class Thresholds:
    """Remembers which limits are crossed."""

    def __init__(self) -> None:
        self._crossed: dict[str, str] = {}  # the threshold → the sentence

    @property
    def sentences(self) -> tuple[str, ...]:
        """What is beyond its limit now."""
        return tuple(self._crossed.values())

    def check(self, status: Status, settings: DatabaseSettings) -> list[Crossing]:
        """What has changed since the last time."""
        changes: list[Crossing] = []
        for threshold in THRESHOLDS:
            value, limit = threshold.value(status), threshold.limit(settings)
            if value is None:
                continue
            before = threshold.what in self._crossed
            now = threshold.crossed(value, limit, before=before)
            sentence = _sentence(threshold, value, limit, crossed=now)
            if now:
                self._crossed[threshold.what] = sentence
            elif before:
                del self._crossed[threshold.what]
            if now != before:
                changes.append(Crossing(now, sentence))
        return changes


def _sentence(threshold: Threshold, value: float, limit: float, *, crossed: bool) -> str:
    beyond = "below" if threshold.is_floor else "above"
    where = f"{beyond} the limit of" if crossed else "well within the limit of"
    return f"{threshold.what}: {threshold.said(value)}, {where} {threshold.said(limit)} ({threshold.setting})"


def _error_rate(work: Work) -> float:
    return work.error_rate if work.count >= ENOUGH_CALLS else 0.0


def _p95_ms(work: Work) -> float:
    return work.latency.p95_ms if work.count >= ENOUGH_CALLS else 0.0


def _percent(value: float) -> str:
    return f"{value:.1%}"


def _milliseconds(value: float) -> str:
    return f"{value:.0f} ms"


def _megabytes(value: float) -> str:
    return f"{value / MB:,.1f} MB"


def _number(value: float) -> str:
    return f"{value:,.0f}"


THRESHOLDS: Final = (
    Threshold(
        setting="database.alert_free_disk_mb",
        what="free disk space",
        value=lambda status: status.free_disk_bytes,
        limit=lambda settings: settings.alert_free_disk_mb * MB,
        said=_megabytes,
        is_floor=True,
    ),
    Threshold(
        setting="database.alert_error_rate",
        what="writes that fail",
        value=lambda status: _error_rate(status.operations),
        limit=lambda settings: settings.alert_error_rate,
        said=_percent,
    ),
    Threshold(
        setting="database.alert_error_rate",
        what="reads that fail",
        value=lambda status: _error_rate(status.queries),
        limit=lambda settings: settings.alert_error_rate,
        said=_percent,
    ),
    Threshold(
        setting="database.alert_p95_ms",
        what="time that 95 % of the writes take at most",
        value=lambda status: _p95_ms(status.operations),
        limit=lambda settings: settings.alert_p95_ms,
        said=_milliseconds,
    ),
    Threshold(
        setting="database.alert_p95_ms",
        what="time that 95 % of the reads take at most",
        value=lambda status: _p95_ms(status.queries),
        limit=lambda settings: settings.alert_p95_ms,
        said=_milliseconds,
    ),
    Threshold(
        setting="database.alert_waiting",
        what="calls waiting for the database",
        value=lambda status: max(status.waiting_operations + status.queued, status.waiting_reads),
        limit=lambda settings: settings.alert_waiting,
        said=_number,
    ),
    Threshold(
        setting="database.alert_wal_mb",
        what="size of the write-ahead log",
        value=lambda status: status.wal_bytes,
        limit=lambda settings: settings.alert_wal_mb * MB,
        said=_megabytes,
    ),
    Threshold(
        setting="database.size_limit_mb",
        what="size of the database",
        value=lambda status: status.database_bytes,
        limit=lambda settings: settings.size_limit_mb * MB * _NEAR,
        said=_megabytes,
    ),
)
