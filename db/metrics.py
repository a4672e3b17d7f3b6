"""Counts and latencies over a sliding window."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import Final

_WINDOW: Final = 1024  # newest samples; enough for a p99 that ten samples stand behind


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Latencies in milliseconds; all zero while nothing has been measured."""

    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0


class Meter:
    """How often something happened, how often it failed, and how long it took lately."""

    def __init__(self) -> None:
        self.count = 0
        self.errors = 0
        self._seconds: deque[float] = deque(maxlen=_WINDOW)

    def success(self, seconds: float) -> None:
        self.count += 1
        self._seconds.append(seconds)

    def failure(self) -> None:
        self.count += 1
        self.errors += 1

    def percentiles(self) -> Percentiles:
        """Nearest-rank percentiles of the window."""
        if not self._seconds:
            return Percentiles()
        ordered = sorted(self._seconds)
        ranks = (ordered[min(len(ordered) - 1, int(len(ordered) * share))] for share in (0.50, 0.95, 0.99))
        return Percentiles(*(round(seconds * 1000, 3) for seconds in ranks))
