"""What happens to the database as a whole, for whoever wants to know: log, presence, alerts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from loguru import logger


class EventKind(StrEnum):
    CONNECTED = "connected"
    LOST = "lost"
    RECONNECTED = "reconnected"
    ERROR = "error"
    MODE_CHANGED = "mode changed"
    BREAKER_OPENED = "breaker opened"
    BREAKER_CLOSED = "breaker closed"
    THRESHOLD_CROSSED = "threshold crossed"
    THRESHOLD_CLEARED = "threshold cleared"
    QUEUE_REPLAYED = "queue replayed"
    QUEUE_DAMAGED = "queue damaged"
    DEAD_LETTER = "dead letter"


@dataclass(frozen=True, slots=True)
class Event:
    """`detail` is one sentence for an operator."""

    kind: EventKind
    detail: str


Listener = Callable[[Event], None]


class Events:
    """Calls every subscriber on the event loop's thread; one that fails does not keep the others from hearing."""

    def __init__(self) -> None:
        self._listeners: list[Listener] = []

    def subscribe(self, listener: Listener) -> Callable[[], None]:
        """Hear every event from now on; call what is returned to stop."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener) if listener in self._listeners else None

    def emit(self, kind: EventKind, detail: str, *, good: bool) -> None:
        """Log and tell; `good` news is logged as information, the rest as a warning."""
        logger.log("INFO" if good else "WARNING", "database: {}: {}", kind, detail)
        for listener in tuple(self._listeners):
            try:
                listener(Event(kind, detail))
            except Exception:  # noqa: BLE001 - a listener's mistake must not become the database's
                logger.exception("a listener failed on {}", kind)
