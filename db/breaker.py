"""A circuit breaker: after enough failures in a row it answers "no" at once, and one probe at a time finds out more.

closed → open after `failures` consecutive failures, or at once by `trip` → half-open when its delay has passed → closed
by a probe that succeeds, open again with a longer delay by one that fails. Users' operations never probe.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from enum import StrEnum


class BreakerState(StrEnum):
    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half-open"


class Breaker:
    """Not bound to an event loop or a thread; `on_change` hears of every transition, with the state before."""

    def __init__(
        self,
        name: str,
        *,
        failures: int,
        delay_s: float,
        max_delay_s: float,
        clock: Callable[[], float] = time.monotonic,
        on_change: Callable[[Breaker, BreakerState], None] = lambda _breaker, _before: None,
    ) -> None:
        self.name = name
        self.state = BreakerState.CLOSED
        self.reason = ""
        self._failures_allowed = failures
        self._first_delay_s = delay_s
        self._max_delay_s = max_delay_s
        self._clock = clock
        self._on_change = on_change
        self._failures = 0
        self._delay_s = delay_s
        self._opened_at = 0.0

    @property
    def closed(self) -> bool:
        return self.state is BreakerState.CLOSED

    @property
    def probe_in_s(self) -> float:
        """Seconds until a probe is due; 0 when it is."""
        return max(0.0, self._opened_at + self._delay_s - self._clock())

    def success(self) -> None:
        """Something worked: failures are counted from anew. Does not close an open breaker; a probe does."""
        self._failures = 0

    def failure(self, reason: str) -> None:
        """One more failure of the infrastructure; opens the breaker when there were enough in a row."""
        self._failures += 1
        if self.closed and self._failures >= self._failures_allowed:
            self.trip(reason)

    def trip(self, reason: str) -> None:
        """Open at once, for a failure that one instance of proves."""
        if not self.closed:
            return
        self._delay_s = self._first_delay_s
        self._open(reason)

    def begin_probe(self) -> bool:
        """True for the one caller who may probe now, and has to answer with `probe_succeeded` or `probe_failed`."""
        if self.state is not BreakerState.OPEN or self.probe_in_s > 0:
            return False
        self._move(BreakerState.HALF_OPEN)
        return True

    def probe_succeeded(self) -> None:
        self._failures = 0
        self.reason = ""
        self._move(BreakerState.CLOSED)

    def probe_failed(self, reason: str) -> None:
        self._delay_s = min(self._delay_s * 2, self._max_delay_s)
        self._open(reason)

    def _open(self, reason: str) -> None:
        self.reason = reason
        self._opened_at = self._clock()
        self._move(BreakerState.OPEN)

    def _move(self, state: BreakerState) -> None:
        before, self.state = self.state, state
        self._on_change(self, before)
