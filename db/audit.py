"""Audit events: what happened that is no operation's own row, such as a refused permission or a change of mode.

They enter the journal by the door that operations use, in the order in which they happened, each under an id of its
own. What cannot be written is tried again with growing delays, then kept in a file until the database is back. The
file's events are merged in their order before any newer one is written, and the ids see to it that none is there twice.
"""

from __future__ import annotations

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Final

import orjson
from loguru import logger
from tenacity import AsyncRetrying, retry_if_result, wait_exponential

from db.appendlog import AppendLog, DoubtfulAppend, LogFull
from db.background import in_thread
from db.modes import Mode
from db.operations import Context, Operation
from db.results import WriteResult
from db.settings import DatabaseSettings
from db.transaction import Transaction
from db.values import JSON, ParameterError, check_parameters

# Some four thousand events: a long outage with many people who try what they may not.
_CAPACITY_BYTES: Final = 1024 * 1024
_LARGEST_FACTS_BYTES: Final = 16 * 1024
# Kept in memory alone when the file takes no more; beyond it only the log has them.
_MOST_UNWRITTEN: Final = 1_000
# The writer answers long before, or says that it is stuck.
_PATIENCE_S: Final = 60.0
_CLOSING_GRACE_S: Final = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEvent:
    """Something that happened at `happened_at_ms`, whenever it comes to be journaled."""

    event_id: str
    name: str
    guild: int
    actor: int
    happened_at_ms: int
    facts: Mapping[str, JSON]

    @property
    def context(self) -> Context:
        return Context(operation_id=self.event_id, actor=self.actor, guild=self.guild)

    @property
    def operation(self) -> Operation[..., None]:
        return Operation(self.name, _nothing_else, frozenset(), event=True)

    @property
    def params(self) -> dict[str, JSON]:
        return {"happened_at_ms": self.happened_at_ms, "facts": dict(self.facts)}


def _nothing_else(tx: Transaction, *, happened_at_ms: int, facts: dict[str, JSON]) -> None:
    """The journal row is all there is to it."""


class AuditTrail:
    """Journals events, in their order. `write` makes one attempt, `can_write` says whether one makes sense."""

    def __init__(
        self,
        path: Path,
        settings: DatabaseSettings,
        write: Callable[[AuditEvent], Awaitable[WriteResult[None]]],
        can_write: Callable[[], bool],
        *,
        sleep: Callable[[float], Awaitable[None]] | None = None,
        now_ms: Callable[[], int] = lambda: time.time_ns() // 1_000_000,
    ) -> None:
        self._log = AppendLog(path, capacity_bytes=_CAPACITY_BYTES)
        self._settings = settings
        self._write = write
        self._can_write = can_write
        self._sleep = sleep or self._pause
        self._now_ms = now_ms
        self._turn = asyncio.Lock()  # first come, first served: the order of the journal
        self._backlog: deque[AuditEvent] = deque()  # what is not journaled yet, the file's events and any that it lacks
        self._unwritten = 0  # how many of these the file lacks
        self._tasks: set[asyncio.Task[None]] = set()
        self._merging = False
        self._readable = True
        self._patience: asyncio.Timeout | None = None
        self._closing = asyncio.Event()
        self._mode = str(Mode.READ_WRITE)

    @property
    def waiting(self) -> int:
        """How many events wait for the database to return."""
        return len(self._backlog)

    async def open(self) -> None:
        """Take up what an earlier process could not journal."""
        try:
            contents = await in_thread(self._log.open)
            self._backlog.extend(AuditEvent(**record) for record in contents.records)
        except (OSError, TypeError) as exc:
            self._readable = False
            logger.error("the file for audit events cannot be read, and is left alone: {}", exc)
        if self._backlog:
            logger.info("{} audit events of before wait to be journaled", len(self._backlog))

    async def record(self, name: str, guild: int, actor: int, facts: Mapping[str, JSON]) -> None:
        """Journal it, or keep it until that can be done: on return it is durable. Raises ParameterError."""
        await asyncio.shield(self._begin(self._record(self._event(name, guild, actor, facts))))

    def note(self, name: str, facts: Mapping[str, JSON]) -> None:
        """Record something about the whole process, without waiting."""
        if self._closing.is_set():
            logger.info("no longer journaled: {} {}", name, facts)
            return
        self._begin(self._record(self._event(name, 0, 0, facts)))

    def mode_changed(self, mode: str, reason: str) -> None:
        """Note a change of mode; the same mode for another reason is none, and neither is a start like any other."""
        if mode != self._mode:
            self._mode = mode
            self.note("database.mode", {"mode": mode, "reason": reason})

    def nudge(self) -> None:
        """Merge what waits, if there is a chance; called now and then, and when the database is back."""
        if self._backlog and self._makes_sense() and not self._merging:
            self._merging = True
            self._begin(self._merge())

    async def close(self) -> None:
        """Bring what is on its way to where it is durable, without further patience. Harmless when called twice."""
        self._closing.set()
        if self._patience is not None and self._patience.when() is not None:
            with suppress(RuntimeError):  # it has ended just now
                self._patience.reschedule(asyncio.get_running_loop().time() + _CLOSING_GRACE_S)
        try:
            while self._tasks:
                await asyncio.wait(self._tasks)
        finally:
            self._log.close()

    def _event(self, name: str, guild: int, actor: int, facts: Mapping[str, JSON]) -> AuditEvent:
        check_parameters({"name": name, "guild": guild, "actor": actor, "facts": dict(facts)})
        if len(orjson.dumps(facts)) > _LARGEST_FACTS_BYTES:
            raise ParameterError(f"the facts of an event may take {_LARGEST_FACTS_BYTES} bytes")
        now_ms = self._now_ms()
        event_id = f"event:{now_ms}:{secrets.token_hex(8)}"
        return AuditEvent(
            event_id=event_id, name=name, guild=guild, actor=actor, happened_at_ms=now_ms, facts=dict(facts)
        )

    def _begin(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """As a task of its own: an event is not lost because nobody waits for it any more."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def _record(self, event: AuditEvent) -> None:
        async with self._turn:
            if self._backlog or not await self._insist(event):
                await self._keep(event)

    async def _insist(self, event: AuditEvent) -> bool:
        """Attempt it with exponentially growing delays, as long as that makes sense; whether it is journaled."""
        attempts = AsyncRetrying(
            stop=lambda state: state.attempt_number >= self._settings.retry_attempts or not self._makes_sense(),
            wait=wait_exponential(
                multiplier=self._settings.retry_base_s,
                exp_base=self._settings.retry_multiplier,
                max=self._settings.retry_max_s,
            ),
            retry=retry_if_result(lambda journaled: not journaled),
            retry_error_callback=lambda _: False,
            sleep=self._sleep,
        )
        return await attempts(self._attempt, event)

    def _makes_sense(self) -> bool:
        return self._can_write() and not self._closing.is_set()

    async def _attempt(self, event: AuditEvent) -> bool:
        """Whether it is known to be journaled now; where it is not known, its id makes another attempt harmless."""
        if not self._can_write():
            return False
        try:
            async with asyncio.timeout(_PATIENCE_S) as self._patience:
                result = await self._write(event)
        except TimeoutError:
            return False
        if not result.ok:
            logger.warning("audit event {} could not be journaled: {}", event.event_id, result.reason)
        return result.ok

    async def _pause(self, delay_s: float) -> None:
        with suppress(TimeoutError):
            await asyncio.wait_for(self._closing.wait(), delay_s)

    async def _keep(self, event: AuditEvent) -> None:
        self._backlog.append(event)
        self._unwritten += 1
        try:
            await in_thread(self._append)
        except (OSError, LogFull, DoubtfulAppend) as exc:
            logger.critical("an audit event is kept in memory alone: {}; {}", event, exc)
            if self._unwritten > _MOST_UNWRITTEN:
                self._backlog.pop()
                self._unwritten -= 1

    def _append(self) -> None:
        """Bring the file up to the backlog; raises OSError, LogFull, DoubtfulAppend."""
        if self._log.usable:
            missing = islice(self._backlog, len(self._backlog) - self._unwritten, None)
            self._log.append([asdict(event) for event in missing])
        elif self._readable:
            self._log.rewrite([asdict(event) for event in self._backlog])
        else:
            raise OSError("its file could not be read")
        self._unwritten = 0

    async def _merge(self) -> None:
        try:
            async with self._turn:
                await self._merge_in_order()
        finally:
            self._merging = False

    async def _merge_in_order(self) -> None:
        merged = 0
        while self._backlog and self._makes_sense() and await self._attempt(self._backlog[0]):
            self._backlog.popleft()
            merged += 1
        if merged:
            logger.info("{} audit events were merged into the journal, {} wait", merged, len(self._backlog))
            await in_thread(self._clear)

    def _clear(self) -> None:
        try:
            if self._readable:
                self._log.rewrite([asdict(event) for event in self._backlog])
                self._unwritten = 0
        except OSError as exc:  # they stay in the file, and their ids keep them from being journaled again
            logger.error("the file for audit events could not be cleared: {}", exc)
