"""OperationQueue: writes that wait, durably, for the database to return.

A caller hears QUEUED only after an fsync. The file is given its room on the disk at the start, so that it works when
the disk is full, and takes no more than that; what it cannot hold is not queued. Which entries were carried out is the
journal's to say: the file is merely written anew without them afterwards, and whatever a kill leaves in it is asked
for again under its own id.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from loguru import logger

from db.appendlog import DoubtfulAppend
from db.errors import new_error_id
from db.operations import Context, Priority
from db.queuefile import Failure, QueueFile, Record
from db.results import Outcome, WriteResult
from db.submission import Submission
from db.values import JSON

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A write that its author was promised. `number` is its place in the order of arrival."""

    number: int
    operation: str
    context: Context
    params: dict[str, JSON] = field(repr=False)
    digest: str = field(repr=False)
    priority: Priority
    asked_at_ms: int
    # How often it failed for reasons of its own, and why the last time.
    tries: int = 0
    last_reason: str = ""
    # Set aside for an operator: it is not tried again by itself.
    is_dead: bool = False

    @property
    def operation_id(self) -> str:
        return self.context.operation_id

    @property
    def turn(self) -> tuple[int, int]:
        """What comes first has the smaller one."""
        return self.priority, self.number


class OperationQueue:
    """The entries by operation id. Not for several threads."""

    def __init__(self, path: Path, *, capacity_bytes: int, patience_s: float) -> None:
        self._file = QueueFile(path, capacity_bytes=capacity_bytes, snapshot=self._records)
        self._patience_s = patience_s
        self._entries: dict[str, Waiting] = {}
        self._adding: dict[str, tuple[Waiting, asyncio.Future[Failure | None]]] = {}
        self._actors: Counter[int] = Counter()  # of whom something waits or is being added
        self._newest = 0
        self._is_stale = False

    async def open(self) -> list[str]:
        """Read what the last process left; returns what is wrong with the file, a sentence each."""
        records, problems = await self._file.open()
        for record in records:
            self._take_up(record)
        return problems

    async def close(self) -> None:
        """Harmless when called twice."""
        await self._file.close()

    @property
    def waiting_count(self) -> int:
        return len(self._entries) - self.dead_count

    @property
    def dead_count(self) -> int:
        return sum(entry.is_dead for entry in self._entries.values())

    @property
    def is_empty(self) -> bool:
        """Whether nothing waits for its turn."""
        return not self._actors

    def is_ahead_of(self, context: Context) -> bool:
        """Whether a write of this context would overtake one of its actor's, or is one that waits itself."""
        if context.actor in self._actors or context.operation_id in self._adding:
            return True
        found = self._entries.get(context.operation_id)
        return found is not None and not found.is_dead

    async def add(self, submission: Submission[T], priority: Priority) -> WriteResult[T] | None:
        """QUEUED, once it is on the disk. None if it could not be stored: then nothing of it was.

        The same id again is the same promise; with other content it is refused.
        """
        operation_id = submission.context.operation_id
        adding = self._adding.get(operation_id)
        known = adding[0] if adding else self._entries.get(operation_id)
        if known is not None and known.digest != submission.digest:
            return submission.reused()
        if known is not None and known.is_dead:
            return None  # an operator has to look at it; queueing it once more would hide that
        if known is None or adding is not None:
            kept = adding[1] if adding else self._begin(submission, priority)
            done, _ = await asyncio.wait({kept}, timeout=self._patience_s)
            if not done:
                return submission.unknown("QUEUE_STUCK", error_id=new_error_id())
            if (failure := kept.result()) is not None:
                return _not_kept(submission, failure)
        return WriteResult(
            outcome=Outcome.QUEUED, reason="QUEUED", operation_id=operation_id, repeated=known is not None
        )

    def waiting(self) -> tuple[Waiting, ...]:
        """What will be carried out, by priority and age."""
        return tuple(sorted((e for e in self._entries.values() if not e.is_dead), key=lambda entry: entry.turn))

    def dead_letters(self) -> tuple[Waiting, ...]:
        """What was set aside for an operator, oldest first."""
        return tuple(sorted((e for e in self._entries.values() if e.is_dead), key=lambda entry: entry.number))

    def settle(self, entry: Waiting) -> None:
        """It is in the journal. The file forgets it at the next `compact`."""
        self._forget(entry.operation_id)

    async def note_failure(self, entry: Waiting, reason: str, *, is_dead: bool) -> None:
        """One more try was in vain. It counts in memory at least, if it cannot be written down."""
        failed = replace(entry, tries=entry.tries + 1, last_reason=reason, is_dead=is_dead)
        if await self._change(failed) is not None:
            self._put(failed)

    async def retry(self, operation_id: str) -> bool:
        """Let a dead letter wait again, in its old place; False if there is none of that id. Raises OSError."""
        entry = self._dead(operation_id)
        if entry is not None:
            _raise(await self._change(replace(entry, tries=0, is_dead=False)))
        return entry is not None

    async def discard(self, operation_id: str) -> bool:
        """Forget a dead letter for good; False if there is none of that id. Raises OSError."""
        if self._dead(operation_id) is None:
            return False
        _raise(await self._file.keep({"do": "drop", "id": operation_id}, lambda: self._forget(operation_id)))
        await self.compact()
        return True

    async def compact(self) -> None:
        """Have the file forget what was settled or dropped."""
        if self._is_stale:
            self._is_stale = False
            await self._file.rewrite()

    def _begin(self, submission: Submission[Any], priority: Priority) -> asyncio.Future[Failure | None]:
        self._newest += 1
        entry = Waiting(
            number=self._newest,
            operation=submission.operation.name,
            context=submission.context,
            params=submission.params,
            digest=submission.digest,
            priority=priority,
            asked_at_ms=time.time_ns() // 1_000_000,
        )
        kept = self._file.keep({"do": "add", "entry": asdict(entry)}, lambda: self._put(entry))
        # Its actor's later writes stand behind it from now on, though nobody has been promised anything yet.
        self._adding[entry.operation_id] = (entry, kept)
        self._actors[entry.context.actor] += 1
        kept.add_done_callback(lambda _: self._begun(entry))
        return kept

    def _begun(self, entry: Waiting) -> None:
        del self._adding[entry.operation_id]
        self._let_go(entry.context.actor)

    def _change(self, entry: Waiting) -> asyncio.Future[Failure | None]:
        state = {"tries": entry.tries, "last_reason": entry.last_reason, "is_dead": entry.is_dead}
        return self._file.keep({"do": "change", "id": entry.operation_id, "to": state}, lambda: self._put(entry))

    def _records(self) -> list[Record]:
        entries = sorted(self._entries.values(), key=lambda entry: entry.number)
        return [{"do": "add", "entry": asdict(entry)} for entry in entries]

    def _take_up(self, record: Record) -> None:
        if record["do"] == "add":
            self._put(_entry(record["entry"]))
        elif record["id"] in self._entries:  # else damage took away the entry that this changes
            entry = self._remove(record["id"])
            if entry is not None and record["do"] == "change":
                self._put(replace(entry, **record["to"]))

    def _put(self, entry: Waiting) -> None:
        self._remove(entry.operation_id)
        self._entries[entry.operation_id] = entry
        self._newest = max(self._newest, entry.number)
        if not entry.is_dead:
            self._actors[entry.context.actor] += 1

    def _remove(self, operation_id: str) -> Waiting | None:
        entry = self._entries.pop(operation_id, None)
        if entry is not None and not entry.is_dead:
            self._let_go(entry.context.actor)
        return entry

    def _forget(self, operation_id: str) -> None:
        self._remove(operation_id)
        self._is_stale = True

    def _let_go(self, actor: int) -> None:
        self._actors[actor] -= 1
        if not self._actors[actor]:
            del self._actors[actor]

    def _dead(self, operation_id: str) -> Waiting | None:
        entry = self._entries.get(operation_id)
        return entry if entry is not None and entry.is_dead else None


def _entry(raw: Record) -> Waiting:
    revived: Record = {**raw, "context": Context(**raw["context"]), "priority": Priority(raw["priority"])}
    return Waiting(**revived)


def _not_kept(submission: Submission[T], failure: Failure) -> WriteResult[T] | None:
    logger.error("{} could not be queued: {}", submission.context.operation_id, failure)
    if isinstance(failure, DoubtfulAppend):
        return submission.unknown("QUEUE_UNKNOWN", error_id=new_error_id())
    return None


def _raise(failure: Failure | None) -> None:
    if failure is not None:
        raise failure if isinstance(failure, OSError) else OSError(str(failure))
