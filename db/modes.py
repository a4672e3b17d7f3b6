"""The one value that says what the database can do just now, and why."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from db.errors import Unavailable

if TYPE_CHECKING:
    from db.breaker import Breaker


SWITCHED_OFF: Final = "SWITCHED_OFF"


class Mode(StrEnum):
    READ_WRITE = "read-write"
    READ_ONLY = "read-only"
    OFFLINE = "offline"
    RECOVERING = "recovering"


class Modes:
    """Derives the mode from the operator's switch, what kept the database from opening, and the two breakers."""

    def __init__(
        self,
        *,
        writer: Breaker,
        readers: Breaker,
        switched_off: bool,
        on_change: Callable[[Mode, str], None] = lambda _mode, _reason: None,
    ) -> None:
        self._writer = writer
        self._readers = readers
        self._switched_off = switched_off
        self._closed_because = "the database has not been opened yet"
        self._on_change = on_change
        self._told = self.current

    @property
    def current(self) -> tuple[Mode, str]:
        """The mode, and a sentence saying why it is not READ_WRITE."""
        if self._closed_because:
            return Mode.OFFLINE, self._closed_because
        if not self._readers.closed:
            return Mode.OFFLINE, f"reading fails: {self._readers.reason}"
        if self._switched_off:
            return Mode.READ_ONLY, "an operator has switched writing off"
        if not self._writer.closed:
            return Mode.READ_ONLY, f"writing fails: {self._writer.reason}"
        return Mode.READ_WRITE, ""

    @property
    def write_refusal(self) -> str:
        """Why a feature may not write, as a reason for programs; empty when it may."""
        mode, _ = self.current
        if mode is Mode.READ_WRITE:
            return ""
        return SWITCHED_OFF if self._switched_off else mode.name

    def require_readable(self) -> None:
        """Raise Unavailable where reading makes no sense."""
        mode, reason = self.current
        if mode in (Mode.OFFLINE, Mode.RECOVERING):
            raise Unavailable(f"{mode}: {reason}")

    def set_switch(self, *, degraded: bool) -> None:
        """The operator's switch: True blocks the operations of features, whatever else is well."""
        self._switched_off = degraded
        self.refresh()

    def set_closed(self, because: str) -> None:
        """The database is not open, and why; an empty sentence means that it is."""
        self._closed_because = because
        self.refresh()

    def refresh(self) -> None:
        """Tell of a change; called by whatever the mode depends on."""
        now = self.current
        if now != self._told:
            self._told = now
            self._on_change(*now)
