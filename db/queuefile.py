"""The waiting queue's file: changes become durable in the order they come, those that arrive during an fsync together.

One task does all the I/O, each call on a thread of its own, so that neither a slow disk nor a cancelled caller can
leave two threads in the file at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

from loguru import logger

from db.appendlog import AppendLog, DoubtfulAppend, LogFull
from db.background import in_thread

Record: TypeAlias = dict[str, Any]
Failure: TypeAlias = OSError | LogFull | DoubtfulAppend

_CLOSING_GRACE_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class _Change:
    """Something to be written down; `apply` then makes it so in memory, before anything else touches the file."""

    record: Record
    apply: Callable[[], None]
    kept: asyncio.Future[Failure | None]


class QueueFile:
    """`snapshot` gives the records that a file written anew has to have. Used on the event loop's thread alone."""

    def __init__(self, path: Path, *, capacity_bytes: int, snapshot: Callable[[], list[Record]]) -> None:
        self._log = AppendLog(path, capacity_bytes=capacity_bytes)
        self._path = path
        self._snapshot = snapshot
        self._changes: list[_Change] = []
        self._wants_rewrite = False
        self._work: asyncio.Task[None] | None = None
        self._sealed = "it is not open"  # why it is left as it is; empty while all is well

    async def open(self) -> tuple[list[Record], list[str]]:
        """The records, and what is wrong with the file, a sentence each. What cannot be read is left alone."""
        try:
            contents = await in_thread(self._log.open)
        except OSError as exc:
            self._sealed = f"{self._path} cannot be read: {exc.strerror}"
            return [], [self._sealed]
        self._sealed = "" if self._log.usable else f"{self._path} is damaged and could not be written anew"
        return contents.records, contents.damage

    async def close(self) -> None:
        """Finish what was begun, but do not wait for a disk that hangs. Harmless when called twice."""
        self._sealed = "it is closed"
        if self._work is not None:
            await asyncio.wait({self._work}, timeout=_CLOSING_GRACE_S)
        if self._work is None or self._work.done():
            self._log.close()

    def keep(self, record: Record, apply: Callable[[], None]) -> asyncio.Future[Failure | None]:
        """Make a change durable. The future's result is what went wrong, and then it was not applied."""
        kept: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        if self._sealed:
            kept.set_result(OSError(self._sealed))
        else:
            self._changes.append(_Change(record, apply, kept))
            self._begin()
        return kept

    async def rewrite(self) -> None:
        """Write the file anew without what was settled; a failure costs room in the file and nothing else."""
        if not self._sealed:
            self._wants_rewrite = True
            await asyncio.wait({self._begin()})

    def _begin(self) -> asyncio.Task[None]:
        if self._work is None or self._work.done():
            self._work = asyncio.create_task(self._do_work(), name="queue file")
        return self._work

    async def _do_work(self) -> None:
        while self._changes or self._wants_rewrite:
            if self._changes:
                batch, self._changes = self._changes, []
                await self._append(batch)
                continue
            self._wants_rewrite = False
            try:
                await in_thread(self._log.rewrite, self._snapshot())
            except OSError as exc:
                logger.warning("the queue's file could not be written anew: {}", exc)

    async def _append(self, batch: list[_Change]) -> None:
        failure: Failure | None = None
        # After an append whose fate nobody knows, a new file with what is known takes the old one's place.
        anew = None if self._log.usable else self._snapshot()
        try:
            await in_thread(self._write, [change.record for change in batch], anew)
        except LogFull as exc:
            if len(batch) > 1:  # the smaller ones may find room
                for change in batch:
                    await self._append([change])
                return
            failure = exc
        except (OSError, DoubtfulAppend) as exc:
            failure = exc
        for change in batch:
            if failure is None:
                change.apply()
            change.kept.set_result(failure)

    def _write(self, records: list[Record], anew: list[Record] | None) -> None:
        if anew is not None:
            self._log.rewrite(anew)
        self._log.append(records)
