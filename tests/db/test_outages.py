"""Whatever the order of writes, outages and kills: who was promised something gets it once, and is told once."""

import asyncio
import tempfile
from collections import Counter, defaultdict
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import given
from hypothesis import settings as options
from hypothesis import strategies as st
from loguru import logger

from db import DatabaseManager, DatabaseSettings, Mode, Outcome
from db.engine import load_engine
from tests.conftest import ENGINE
from tests.db.feature import cents_of, journaled, write_migrations
from tests.db.outage import announced, give, reachable, replayed, take_away, with_announcements

ACTORS, NUMBERS = 3, 4

_write = st.tuples(st.just("write"), st.integers(0, ACTORS - 1), st.integers(0, NUMBERS - 1), st.booleans())
_step = st.one_of(
    _write,
    _write,
    st.tuples(st.just("away")),
    st.tuples(st.just("back")),
    st.tuples(st.just("kill")),
    st.tuples(st.just("pause"), st.sampled_from([0.0, 0.001, 0.01, 0.04])),
)


@dataclass
class History:
    """One database through its outages and its processes' deaths, and what everybody was told."""

    directory: Path
    told: defaultdict[str, Counter[Outcome]] = field(default_factory=lambda: defaultdict(Counter))
    cut_off: set[str] = field(default_factory=set)  # who asked and never heard, for the process had died
    in_order: defaultdict[int, list[str]] = field(default_factory=lambda: defaultdict(list))
    callers: set[asyncio.Task[None]] = field(default_factory=set)

    async def begin(self) -> None:
        self.migrations = with_announcements(write_migrations(self.directory / "migrations"))
        self.settings = DatabaseSettings(
            directory=self.directory / "data",
            engine=ENGINE,
            readers=1,
            retry_base_s=0.001,
            retry_max_s=0.01,
            breaker_delay_s=0.005,
            breaker_max_delay_s=0.01,
            file_check_interval_s=0.005,
            probe_interval_s=0.005,
            queue_kb=64,
        )
        self.settings.directory.mkdir()
        self.file = self.settings.directory / "gen-1" / "rollcall.db"
        await self._start()

    async def _start(self) -> None:
        self.threads = ThreadPoolExecutor(4)
        asyncio.get_running_loop().set_default_executor(self.threads)
        self.db = DatabaseManager(self.settings, self.migrations, load_engine(ENGINE))
        await self.db.start()

    async def write(self, actor: int, number: int, *, heard: bool) -> None:
        """Ask for something that has no other effect than that it happens; `heard`: and wait for the answer."""
        name = f"{actor}:{number}"
        is_first = name not in self.told and name not in self.cut_off
        task = asyncio.create_task(self._write(actor, number))
        self.callers.add(task)
        task.add_done_callback(self.callers.discard)
        if heard:
            others = len(self.callers) > 1
            await asyncio.wait({task})
            promised = self.told[name][Outcome.QUEUED] + self.told[name][Outcome.COMMITTED]
            if promised and not others and is_first:
                self.in_order[actor].append(name)

    async def _write(self, actor: int, number: int) -> None:
        name = f"{actor}:{number}"
        self.cut_off.add(name)
        result = await self.db.write(give, reachable(name, actor=actor), owner=actor * 100 + number, cents=5)
        self.told[name][result.outcome] += 1
        self.cut_off.discard(name)

    def away(self) -> None:
        if self.file.exists():
            take_away(self.file)

    def back(self) -> None:
        if not self.file.exists():
            self.file.with_suffix(".away").rename(self.file)

    async def kill(self) -> None:
        """Nobody hears anything more, and nothing is finished that is not with the operating system already."""
        for task in tuple(self.callers):
            task.cancel()
        queue_file = self.db._queue._file
        await self.db._background.close()
        await self.db._replayer.close()
        if queue_file._work is not None:
            queue_file._work.cancel()
        await asyncio.gather(*self.callers, return_exceptions=True)
        self.threads.shutdown(wait=True)  # a call that the kernel has is finished, and nobody hears of it
        queue_file._log.close()
        if self.db._store is not None:
            await self.db._store.close()
        await self._start()

    async def end(self) -> None:
        await asyncio.gather(*self.callers)
        self.back()
        await self.kill()
        await replayed(self.db)

    async def check(self) -> None:
        journal = [name for name, _ in await self.db.read(journaled)]
        ended = Counter(name for name, _, _ in await self.db.read(announced))
        for name in {*self.told, *self.cut_off}:
            actor, number = map(int, name.split(":"))
            cents = await self.db.read(cents_of, owner=actor * 100 + number)
            told = self.told[name]
            assert cents in (None, 5), f"{name} happened {cents} / 5 times"
            assert journal.count(name) == (0 if cents is None else 1)
            if told[Outcome.COMMITTED] or told[Outcome.QUEUED]:
                assert cents == 5, f"{name} was promised"
            elif name not in self.cut_off and not told[Outcome.UNKNOWN]:
                assert cents is None, f"{name} was told that nothing happened"
            assert ended[name] <= 1
            if told[Outcome.QUEUED]:
                assert ended[name] == 1, f"{name} was never told how it ended"
        for names in self.in_order.values():
            assert sorted(names, key=journal.index) == names
        assert self.db.dead_letters() == ()
        assert (await self.db.verify_journal()).ok


async def _live(steps: list[tuple[Any, ...]], directory: Path) -> None:
    history = History(directory)
    await history.begin()
    try:
        await _follow(history, steps)
        await history.end()
        await history.check()
        assert history.db.mode is Mode.READ_WRITE
    finally:
        await history.db.close()


async def _follow(history: History, steps: list[tuple[Any, ...]]) -> None:
    for step in steps:
        match step:
            case ("write", actor, number, heard):
                await history.write(actor, number, heard=heard)
            case ("pause", seconds):
                await asyncio.sleep(seconds)
            case ("kill",):
                await history.kill()
            case (name,):
                getattr(history, name)()
            case _:
                raise AssertionError(step)


def _run(coroutine: Coroutine[Any, Any, None]) -> None:
    logger.disable("db")
    try:
        asyncio.run(coroutine)
    finally:
        logger.enable("db")


@options(max_examples=120, deadline=None)
@given(steps=st.lists(_step, max_size=25))
def test_through_outages_and_kills_every_promise_is_kept_once(steps: list[tuple[Any, ...]]):
    with tempfile.TemporaryDirectory() as directory:
        _run(_live(steps, Path(directory)))
