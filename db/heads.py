"""Notes of how far the journal had come, kept outside the database: what shows that its end was cut off.

Only what is durable is noted, so that a crash never leaves a note that the journal contradicts. A note belongs to one
generation of the database: a restore begins another, and may go back.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Final

from loguru import logger

from db.appendlog import AppendLog, LogFull
from db.verification import Note

# Some three hundred notes.
_CAPACITY_BYTES: Final = 64 * 1024


class HeadNotes:
    """Bounded: when the file is full, every second note goes, so that what stays reaches far back, if thinly.

    Every method blocks: call it on a thread.
    """

    def __init__(self, path: Path) -> None:
        self._log = AppendLog(path, capacity_bytes=_CAPACITY_BYTES)
        self._records: list[dict[str, int | str]] = []
        self._opened = False

    def of(self, generation: int | None) -> tuple[Note, ...]:
        """What was noted of this generation, oldest first. Raises OSError."""
        self._open()
        return tuple(
            Note(int(record["seq"]), str(record["chain"]), int(record["at_ms"]))
            for record in self._records
            if record["generation"] == (generation or 0)
        )

    def add(self, generation: int | None, seq: int, chain: bytes) -> None:
        """Note the journal's newest row, which has to be durable. Raises OSError, DoubtfulAppend."""
        self._open()
        note: dict[str, int | str] = {
            "generation": generation or 0,
            "seq": seq,
            "chain": chain.hex(),
            "at_ms": time.time_ns() // 1_000_000,
        }
        if self._records and self._records[-1]["seq"] == seq and self._records[-1]["chain"] == note["chain"]:
            return
        try:
            if self._log.usable:
                self._log.append([note])
                self._records.append(note)
                return
        except LogFull:
            self._records = [*self._records[::2]]
        self._records.append(note)
        self._log.rewrite(self._records)

    def close(self) -> None:
        """Harmless when called twice, or when never used."""
        self._log.close()
        self._opened = False

    def _open(self) -> None:
        if self._opened:
            return
        contents = self._log.open()
        if contents.damage:
            logger.error("notes of the journal's head were damaged: {}", contents.damage[0])
        self._records = contents.records
        self._opened = True
