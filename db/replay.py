"""Carrying out what waited, once the database is back: by priority and age, one actor's writes in their own order.

An entry is asked for under its own id, so the journal sees to it that it happens once, and its author is told by an
operation of its own, whose id follows from the entry's: once as well, also where a kill came in between. Only then is
the entry let go. Trouble of the database ends a pass and costs no entry a try; an entry that keeps failing for reasons
of its own becomes a dead letter.
"""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Iterable
from enum import Enum
from heapq import heapify, heappop, heappush
from typing import Any, Final, TypeAlias

from loguru import logger

from db.announcements import announce
from db.background import Background
from db.events import EventKind, Events
from db.operations import Context, Operation, find_operation, operation
from db.results import Outcome, WriteResult
from db.settings import DatabaseSettings
from db.transaction import Transaction
from db.values import JSON
from db.waiting import OperationQueue, Waiting

# Runs an operation through the writer, whatever waits: with context, parameters, and when it was asked for. None where
# the database kept it from its end.
Run: TypeAlias = Callable[
    [Operation[..., Any], Context, dict[str, Any], int | None], Awaitable[WriteResult[Any] | None]
]

_LARGEST_BATCH: Final = 64
# Features declare their operations when the bot loads them, which is after the database has been opened.
_LOADING_GRACE_S: Final = 120.0
# No later try can end otherwise.
_HOPELESS: Final = frozenset({"ID_REUSED"})


@operation("waiting.told", redact=frozenset({"target"}))
def told(tx: Transaction, *, target: dict[str, JSON], body: dict[str, JSON]) -> int:
    """Announce to the author of a write that waited how it ended; returns the announcement's number."""
    return announce(tx, target=target, body=body, kind="waiting.ended")


class Turns:
    """The order of one pass. An actor's oldest entry stands for all that he has waiting."""

    def __init__(self, entries: Iterable[Waiting]) -> None:
        self._lines: defaultdict[int, deque[Waiting]] = defaultdict(deque)
        for entry in sorted(entries, key=lambda entry: entry.number):
            self._lines[entry.context.actor].append(entry)
        self._heads = [(*line[0].turn, actor) for actor, line in self._lines.items()]
        heapify(self._heads)

    def next_batch(self) -> list[Waiting]:
        """As many as can go together: never two of one actor, for the first may fail and has to be tried again."""
        batch: list[Waiting] = []
        actors: set[int] = set()
        while self._heads and len(batch) < _LARGEST_BATCH and (actor := self._heads[0][-1]) not in actors:
            heappop(self._heads)
            line = self._lines[actor]
            if line:
                batch.append(line.popleft())
                actors.add(actor)
            if line:
                heappush(self._heads, (*line[0].turn, actor))
        return batch

    def postpone(self, actor: int) -> None:
        """Nothing more of this actor in this pass."""
        self._lines[actor].clear()


class _End(Enum):
    SETTLED = "committed or rejected, and its author told"
    POSTPONED = "it has to be tried again"
    DEAD = "set aside for an operator"
    TROUBLE = "the database is away again"


class Replayer:
    """Makes a pass over the queue whenever there is reason to; one at a time."""

    def __init__(
        self,
        queue: OperationQueue,
        run: Run,
        may_write: Callable[[], bool],
        events: Events,
        settings: DatabaseSettings,
    ) -> None:
        self._queue = queue
        self._run = run
        self._may_write = may_write
        self._events = events
        self._settings = settings
        self._background = Background()
        self._is_passing = False
        self._failures = 0
        self._not_before = 0.0
        self._grace_ends = time.monotonic() + _LOADING_GRACE_S

    def tick(self) -> None:
        """Look whether there is something to do; called every now and then."""
        due = time.monotonic() >= self._not_before
        if due and not self._is_passing and not self._queue.is_empty and self._may_write():
            self._is_passing = True
            self._background.spawn(self._pass())

    def wake(self) -> None:
        """Something has changed for the better: do not wait any longer."""
        self._not_before, self._failures = 0.0, 0
        self.tick()

    async def close(self) -> None:
        """Stop; what is not done is done after the next start."""
        await self._background.close()

    async def _pass(self) -> None:
        ends: list[_End] = []
        try:
            turns = Turns(self._queue.waiting())
            while _End.TROUBLE not in ends and self._may_write() and (batch := turns.next_batch()):
                now = await asyncio.gather(*(self._carry_out(entry) for entry in batch))
                for entry, end in zip(batch, now, strict=True):
                    if end is _End.POSTPONED:
                        turns.postpone(entry.context.actor)
                ends += now
            await self._queue.compact()
        finally:
            self._is_passing = False
            self._wait_before_the_next(ends)
        if settled := ends.count(_End.SETTLED):
            self._events.emit(EventKind.QUEUE_REPLAYED, f"{settled} writes that had waited were carried out", good=True)

    def _wait_before_the_next(self, ends: list[_End]) -> None:
        """Longer and longer while nothing but failures comes of it."""
        if _End.TROUBLE in ends or _End.POSTPONED in ends:
            delay_s = self._settings.retry_base_s * self._settings.retry_multiplier**self._failures
            self._not_before = time.monotonic() + min(delay_s, self._settings.retry_max_s)
            self._failures += 1
        else:
            self._failures = 0

    async def _carry_out(self, entry: Waiting) -> _End:
        found = find_operation(entry.operation)
        if found is None:
            return await self._not_declared(entry)
        result = await self._run(found, entry.context, entry.params, entry.asked_at_ms)
        if result is None:
            return _End.TROUBLE
        if result.outcome is Outcome.FAILED:
            is_last = entry.tries + 1 >= self._settings.queue_tries or result.reason in _HOPELESS
            return await self._failed(entry, result, is_last=is_last)
        if not await self._tell(entry, result):
            return _End.TROUBLE
        self._queue.settle(entry)
        return _End.SETTLED

    async def _not_declared(self, entry: Waiting) -> _End:
        if time.monotonic() < self._grace_ends:
            return _End.POSTPONED
        logger.error("{} waits for the operation {}, which no feature declares", entry.operation_id, entry.operation)
        result: WriteResult[Any] = WriteResult(
            outcome=Outcome.FAILED, reason="UNKNOWN_OPERATION", operation_id=entry.operation_id
        )
        return await self._failed(entry, result, is_last=True)

    async def _failed(self, entry: Waiting, result: WriteResult[Any], *, is_last: bool) -> _End:
        if is_last and not await self._tell(entry, result):
            return _End.TROUBLE
        await self._queue.note_failure(entry, result.reason, is_dead=is_last)
        if not is_last:
            return _End.POSTPONED
        self._events.emit(
            EventKind.DEAD_LETTER, f"{entry.operation} {entry.operation_id} was set aside: {result.reason}", good=False
        )
        return _End.DEAD

    async def _tell(self, entry: Waiting, result: WriteResult[Any]) -> bool:
        """See to it that the author hears; False if the database went away meanwhile."""
        context = entry.context
        if context.reply_to is None:
            return True
        body: dict[str, JSON] = {
            "operation": entry.operation,
            "operation_id": entry.operation_id,
            "outcome": result.outcome,
            "reason": result.reason,
            "details": dict(result.details),
            "text": result.text,
            "asked_at_ms": entry.asked_at_ms,
        }
        digest = hashlib.sha256(entry.operation_id.encode()).hexdigest()
        telling = Context(operation_id=f"told:{result.outcome}:{digest}", actor=context.actor, guild=context.guild)
        answer = await self._run(told, telling, {"target": context.reply_to, "body": body}, None)
        if answer is None:
            return False
        if not answer.ok:  # the write itself has come to its end, and must not be held up by this
            logger.error("the end of {} could not be announced: {}", entry.operation_id, answer.reason)
        return True
