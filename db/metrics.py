"""Counts, error rates and latencies over a sliding window of time: bounded in memory, cheap to feed.

A latency is counted in one of 120 bins whose bounds grow by 15 %, so a percentile is at most that much too high and
no sample has to be kept. The window is made of slots; the oldest is let go when a new one begins.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate
from typing import Final

SLOT_S: Final = 30.0
SLOTS: Final = 10  # five minutes: long enough for a rate that means something, short enough to be "now"
GROWTH: Final = 1.15
_FIRST_BOUND_S: Final = 10e-6
# Upper bounds in seconds, from 10 µs to about 170 s, beyond every deadline; one more bin holds what is longer.
BOUNDS: Final = tuple(_FIRST_BOUND_S * GROWTH**number for number in range(119))
# Names are declared in the code, so there are some dozens; whatever makes them up as it goes shares one window.
MOST_NAMES: Final = 250
OTHER_NAMES: Final = "(other)"
_SHORTEST_S: Final = 1.0  # a rate over less would make a single call look like a flood


@dataclass(frozen=True, slots=True)
class Percentiles:
    """Latencies in milliseconds; all zero while nothing has been measured."""

    p50_ms: float = 0.0
    p95_ms: float = 0.0
    p99_ms: float = 0.0
    mean_ms: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What was done: `total` and `total_errors` since the start, everything else within the window."""

    total: int = 0
    total_errors: int = 0
    count: int = 0
    errors: int = 0
    per_s: float = 0.0
    latency: Percentiles = Percentiles()

    @property
    def error_rate(self) -> float:
        """The share of the window's work that failed, from 0 to 1."""
        return self.errors / self.count if self.count else 0.0


class _Slot:
    """What happened within a few seconds."""

    __slots__ = ("began", "bins", "errors", "seconds")

    def __init__(self, began: float) -> None:
        self.began = began
        self.bins = [0] * (len(BOUNDS) + 1)
        self.errors = 0
        self.seconds = 0.0


class Window:
    """One kind of work. Times are of a monotonic clock; not for several threads."""

    __slots__ = ("_current", "_slots", "_until", "total", "total_errors")

    def __init__(self) -> None:
        self._slots: deque[tuple[int, _Slot]] = deque()  # with the number of the slot's time
        self._current = _Slot(0.0)
        self._until = float("-inf")
        self.total = 0
        self.total_errors = 0

    def record(self, now: float, seconds: float) -> None:
        """Count one piece of work that ended now; called for each, so it is kept to a fraction of a microsecond."""
        if now >= self._until:
            self._begin_slot(now)
        slot = self._current
        slot.bins[bisect_left(BOUNDS, seconds)] += 1
        slot.seconds += seconds
        self.total += 1

    def record_failure(self, now: float, seconds: float) -> None:
        """The same, for one that failed."""
        self.record(now, seconds)
        self._current.errors += 1
        self.total_errors += 1

    def tally(self, now: float, *, newest: int = SLOTS, but: int = 0) -> Tally:
        """What the window holds just now, or its `newest` slots, or those without the very newest, `but` so many."""
        this = int(now // SLOT_S)
        slots = [(number, slot) for number, slot in self._slots if this - newest < number <= this - but]
        return Tally(
            total=self.total,
            total_errors=self.total_errors,
            bins=_sums(slot.bins for _, slot in slots),
            errors=sum(slot.errors for _, slot in slots),
            seconds=sum(slot.seconds for _, slot in slots),
            since=slots[0][1].began if slots else now,
        )

    def _begin_slot(self, now: float) -> None:
        number = int(now // SLOT_S)
        while self._slots and self._slots[0][0] <= number - SLOTS:
            self._slots.popleft()
        self._current = _Slot(now)
        self._slots.append((number, self._current))
        self._until = (number + 1) * SLOT_S


@dataclass(frozen=True, slots=True, kw_only=True)
class Tally:
    """What was counted in some slots, before it is put as rates and percentiles."""

    total: int
    total_errors: int
    bins: list[int]
    errors: int
    seconds: float
    since: float

    def work(self, now: float) -> Work:
        count = sum(self.bins)
        return Work(
            total=self.total,
            total_errors=self.total_errors,
            count=count,
            errors=self.errors,
            per_s=count / max(now - self.since, _SHORTEST_S),
            latency=_percentiles(self.bins, self.seconds),
        )


class Meter(dict[str, Window]):
    """The work of one kind, a window for each name; one that is asked for is there."""

    def __missing__(self, name: str) -> Window:
        if len(self) >= MOST_NAMES:
            name = OTHER_NAMES
        return self.setdefault(name, Window())

    def work(self, now: float) -> tuple[Work, dict[str, Work]]:
        """All of it, and that of each name that was at work within the window."""
        tallies = {name: window.tally(now) for name, window in self.items()}
        everything = Tally(
            total=sum(tally.total for tally in tallies.values()),
            total_errors=sum(tally.total_errors for tally in tallies.values()),
            bins=_sums(tally.bins for tally in tallies.values()),
            errors=sum(tally.errors for tally in tallies.values()),
            seconds=sum(tally.seconds for tally in tallies.values()),
            since=min((tally.since for tally in tallies.values()), default=now),
        )
        works = {name: tally.work(now) for name, tally in tallies.items()}
        return everything.work(now), {name: work for name, work in works.items() if work.count}


def _sums(columns: Iterable[list[int]]) -> list[int]:
    return [sum(bins) for bins in zip(*(each for each in columns if each), strict=True)]


def _percentiles(bins: list[int], seconds: float) -> Percentiles:
    """Nearest-rank percentiles, each as the upper bound of its bin."""
    count = sum(bins)
    if not count:
        return Percentiles()
    reached = list(accumulate(bins))
    p50, p95, p99 = (_bound_ms(bisect_left(reached, -(-count * percent // 100))) for percent in (50, 95, 99))
    return Percentiles(p50, p95, p99, round(seconds / count * 1000, 3))


def _bound_ms(number: int) -> float:
    return round(BOUNDS[min(number, len(BOUNDS) - 1)] * 1000, 3)
