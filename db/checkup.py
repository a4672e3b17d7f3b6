"""What is looked at when nobody asks: a probe of reader and writer, the limits, slow statements and their plans."""

from __future__ import annotations

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from loguru import logger

from db.breaker import Breaker
from db.engine import analyse, checkpoint, give_back_pages, take_write_lock
from db.errors import DatabaseError
from db.events import EventKind, Events
from db.health import HealthMonitor
from db.metrics import Meter
from db.operations import query
from db.slow import SlowStatement
from db.snapshot import Snapshot
from db.status import Probe, Status
from db.store import OpenStore
from db.thresholds import ENOUGH_CALLS, Thresholds, is_nearly_full

_PLANS_A_ROUND: Final = 10
# The newest minute is compared with the minutes before; times this small are noise.
_NEWEST_SLOTS: Final = 2
_SLOWER_BY: Final = 3.0
_WORTH_A_LOOK_MS: Final = 5.0
# Statistics age slowly, and what a clean-up leaves is there to stay.
_REST_S: Final = 3600.0

CleanUp = Callable[[], Awaitable[object]]


@query("db.plan")
def plan_of(snapshot: Snapshot, *, sql: str, values: int) -> list[str]:
    """How SQLite would go about a statement; runs nothing."""
    return snapshot.plan(sql, values)


class Checkup:
    """The rounds of a HealthMonitor."""

    def __init__(
        self,
        health: HealthMonitor,
        status: Callable[[], Status],
        events: Events,
        writing: Breaker,
        reading: Breaker,
        clean_up: CleanUp,
    ) -> None:
        self._health = health
        self._status = status
        self._events = events
        self._writing = writing
        self._reading = reading
        self._clean_up = clean_up
        self._thresholds = Thresholds()
        self._analysed = self._made_room = float("-inf")

    async def keep_looking(self) -> None:
        """A round at each probe interval, for ever."""
        while True:
            await asyncio.sleep(self._health.settings.probe_interval_s)
            try:
                await self.look()
            except Exception as exc:  # noqa: BLE001 - whatever one round met with, the next one is due
                logger.opt(exception=exc).error("a look at the database's health failed in a way nobody foresaw")

    async def keep_telling(self) -> None:
        """A line of statistics at its interval, for ever."""
        while True:
            await asyncio.sleep(self._health.settings.statistics_interval_s)
            logger.info("database: statistics: {}", self._status().statistics())

    async def look(self) -> None:
        """One round."""
        store = self._health.store
        problem = await self._problem(store)
        self._health.probed = Probe(at_ms=time.time_ns() // 1_000_000, detail=problem)
        if store is not None and not problem:
            await self._look_after(store)
        self._check_limits()

    async def _look_after(self, store: OpenStore) -> None:
        try:
            await self._make_room(store)
            await self._take_plans(store)
            await self._analyse_where_slower(store)
        except DatabaseError as exc:
            self._health.probe_failed(exc)

    async def _problem(self, store: OpenStore | None) -> str:
        """What keeps reader or writer from working; empty if nothing does."""
        if store is None:
            return "the database is not open"
        for breaker, attempt in (
            (self._reading, store.readers.probe),
            (self._writing, partial(store.writer.between_batches, take_write_lock)),
        ):
            if not breaker.closed:
                return f"the {breaker.name} cannot work: {breaker.reason}"
            try:
                async with asyncio.timeout(self._patience_s):
                    await attempt()
            except TimeoutError:
                return f"the {breaker.name} has not come back within {self._patience_s:g} s"
            except DatabaseError as exc:
                self._health.probe_failed(exc)
                breaker.failure(str(exc))
                return str(exc)
        return ""

    @property
    def _patience_s(self) -> float:
        """Longer than any call may take: what is stuck beyond that has a watchdog of its own."""
        settings = self._health.settings
        return max(settings.operation_timeout_s, settings.query_timeout_s) + settings.busy_timeout_s

    def _check_limits(self) -> None:
        changes = self._thresholds.check(self._status(), self._health.settings)
        self._health.alerts = self._thresholds.sentences
        for change in changes:
            kind = EventKind.THRESHOLD_CROSSED if change.crossed else EventKind.THRESHOLD_CLEARED
            self._events.emit(kind, change.sentence, good=not change.crossed)

    async def _make_room(self, store: OpenStore) -> None:
        """Near its size limit the database is cleaned up and made smaller first; only then is there an alert."""
        now = time.monotonic()
        if not is_nearly_full(store.database_bytes(), self._health.settings) or now - self._made_room < _REST_S:
            return
        self._made_room = now
        logger.warning("the database nears its size limit: what is too old is deleted")
        await self._clean_up()
        before, left = math.inf, await store.writer.between_batches(give_back_pages)
        while 0 < left < before:  # writes have their turn in between
            before, left = left, await store.writer.between_batches(give_back_pages)
        await store.writer.between_batches(checkpoint)

    async def _take_plans(self, store: OpenStore) -> None:
        for statement in self._health.slow.without_plan()[:_PLANS_A_ROUND]:
            plan = await self._plan(store, statement)
            self._health.slow.set_plan(statement, plan)
            logger.warning("slow statement of {}: {}: plan: {}", statement.name, statement.said, " · ".join(plan))

    async def _plan(self, store: OpenStore, statement: SlowStatement) -> tuple[str, ...]:
        try:
            return tuple(await store.readers.read(plan_of, {"sql": statement.sql, "values": statement.values}, []))
        except DatabaseError as exc:
            return (f"unknown: {exc}",)

    async def _analyse_where_slower(self, store: OpenStore) -> None:
        """Calls that get slower may have outgrown what SQLite knows of the tables: renewed while writing rests."""
        now = time.monotonic()
        if now - self._analysed < _REST_S or store.writer.waiting:
            return
        names = [*slower(self._health.operations, now), *slower(self._health.queries, now)]
        names += self._health.slow.take_new()
        if not names:
            return
        self._analysed = now
        logger.info("slower than before: {}; statistics are refreshed", ", ".join(dict.fromkeys(names)))
        await store.writer.between_batches(analyse)
        await store.readers.renew()  # connections read statistics once, when they are opened
        self._health.slow.forget_plans()
        await self._take_plans(store)


def slower(meter: Meter, now: float) -> list[str]:
    """The names whose p95 is several times what it was some minutes ago."""
    found: list[str] = []
    for name, window in meter.items():
        newest = window.tally(now, newest=_NEWEST_SLOTS).work(now)
        before = window.tally(now, but=_NEWEST_SLOTS).work(now)
        enough = min(newest.count, before.count) >= ENOUGH_CALLS
        if enough and newest.latency.p95_ms >= max(_WORTH_A_LOOK_MS, before.latency.p95_ms * _SLOWER_BY):
            found.append(name)
    return found
