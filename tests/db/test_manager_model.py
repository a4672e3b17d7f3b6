"""The whole manager against a dictionary, with faults in between: each answer fits, whatever happened before."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Coroutine
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from db import (
    ConnectionLost,
    DatabaseError,
    DatabaseManager,
    DatabaseSettings,
    Mode,
    Outcome,
    WriteResult,
    open_database,
)
from tests.conftest import ENGINE
from tests.db.feature import by, cents_of, eventually, fill, journaled, pay, total, write_migrations
from tests.db.properties.flaky import connections_of, lose

OWNERS = st.integers(1, 4)
WHICH = st.integers(0, 999)  # of the calls so far
FINAL = (Outcome.COMMITTED, Outcome.REJECTED)

_HOLD = (
    "import sqlite3, sys; c = sqlite3.connect(sys.argv[1], isolation_level=None); c.execute('BEGIN IMMEDIATE');"
    "print('held', flush=True); sys.stdin.read(); c.execute('ROLLBACK'); c.close()"
)

Call = tuple[Any, dict[str, int]]


async def calls_in_the_journal(db: DatabaseManager) -> list[str]:
    """In order; the journal has events too."""
    return [name for name, _ in await db.read(journaled) if name.startswith("call:")]


class Manager(RuleBasedStateMachine):
    """`purses` and `journal` are what must be stored; `told` is the final answer that each id was given."""

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.directory = Path(tempfile.mkdtemp(prefix="rollcall-model-"))
        self.migrations = write_migrations(self.directory / "migrations")
        self.purses: dict[int, int] = {}
        self.journal: list[str] = []
        self.calls: dict[str, Call] = {}
        self.told: dict[str, WriteResult[Any]] = {}
        self.switched_off = False
        self.holder: subprocess.Popen[bytes] | None = None
        self.stack = AsyncExitStack()
        self.db: DatabaseManager
        self.run(self.open())

    def run(self, work: Coroutine[Any, Any, Any]) -> Any:
        return self.loop.run_until_complete(asyncio.wait_for(work, 30))

    async def open(self) -> None:
        impatient = DatabaseSettings(
            directory=self.directory / "data",
            engine=ENGINE,
            readers=2,
            operation_timeout_s=1,
            busy_timeout_s=0.02,
            retry_base_s=0.001,
            retry_max_s=0.005,
            breaker_delay_s=0.01,
            breaker_max_delay_s=0.02,
            file_check_interval_s=0.005,
            checkpoint_wal_bytes=40_000,
            degraded=self.switched_off,
        )
        self.db = await self.stack.enter_async_context(open_database(impatient, self.migrations))

    def teardown(self) -> None:
        self.let_go_of_the_lock()
        self.run(self.stack.aclose())
        self.run(self.loop.shutdown_default_executor())
        self.loop.close()
        shutil.rmtree(self.directory)

    # What people do.

    @rule(owner=OWNERS, cents=st.integers(1, 100))
    def deposit(self, owner: int, cents: int) -> None:
        self.ask(fill, owner=owner, cents=cents)

    @rule(sender=OWNERS, recipient=OWNERS, cents=st.integers(1, 150))
    def transfer(self, sender: int, recipient: int, cents: int) -> None:
        self.ask(pay, sender=sender, recipient=recipient, cents=cents)

    @rule(which=WHICH)
    @precondition(lambda self: self.calls)
    def ask_again(self, which: int) -> None:
        """Under the same id: the answer it had, or, where it had none, one from now on."""
        name = f"call:{which % len(self.calls)}"
        what, params = self.calls[name]
        self.take(name, self.run(self.db.write(what, by(name), **params)))

    @rule(which=WHICH)
    @precondition(lambda self: self.calls)
    def use_an_id_for_something_else(self, which: int) -> None:
        name = f"call:{which % len(self.calls)}"
        if name in self.told:
            result = self.run(self.db.write(fill, by(name), owner=99, cents=1))
            assert result.outcome is Outcome.FAILED

    @rule(owner=OWNERS)
    def read(self, owner: int) -> None:
        try:
            seen = self.run(self.db.read(cents_of, owner=owner))
        except DatabaseError:
            assert self.db.mode is Mode.OFFLINE, "readers come back by themselves, or the mode says that they do not"
        else:
            assert seen == self.purses.get(owner)

    # What happens to them.

    @rule()
    def lose_the_writer(self) -> None:
        with suppress(ConnectionLost):  # there is none just now
            self.run(lose(connections_of(self.db).writer))

    @rule()
    def lose_a_reader(self) -> None:
        self.run(lose(connections_of(self.db).readers[0]))

    @rule()
    def lose_all_readers(self) -> None:
        for reader in connections_of(self.db).readers:
            self.run(lose(reader))

    @rule()
    @precondition(lambda self: self.holder is None)
    def somebody_else_takes_the_lock(self) -> None:
        command = [sys.executable, "-c", _HOLD, str(self.db.status().path)]
        self.holder = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert self.holder.stdout is not None
        assert self.holder.stdout.readline() == b"held\n"

    @rule()
    @precondition(lambda self: self.holder is not None)
    def let_go_of_the_lock(self) -> None:
        if self.holder is not None:
            self.holder.communicate()
            self.holder = None

    @rule(off=st.booleans())
    def switch(self, off: bool) -> None:
        self.switched_off = off
        self.run(self.tell_the_switch(degraded=off))

    async def tell_the_switch(self, *, degraded: bool) -> None:
        self.db.set_switch(degraded=degraded)

    @rule()
    def close_and_open(self) -> None:
        self.let_go_of_the_lock()
        self.run(self.stack.aclose())
        self.run(self.open())

    @rule()
    def find_what_a_kill_would_have_left(self) -> None:
        """The files as they are just now, elsewhere: what was acknowledged is in them."""
        self.let_go_of_the_lock()
        self.run(self.settled())
        copy = self.directory / "copy"
        subprocess.run(["cp", "-a", self.directory / "data", copy], check=True)
        live, self.stack = self.stack, AsyncExitStack()
        self.run(self.look_into(copy))
        self.stack = live
        shutil.rmtree(copy)

    async def look_into(self, directory: Path) -> None:
        async with open_database(DatabaseSettings(directory=directory, engine=ENGINE), self.migrations) as db:
            assert await calls_in_the_journal(db) == self.journal
            assert await db.read(total) == sum(self.purses.values())

    # What must hold.

    @invariant()
    def everything_is_as_it_was_told(self) -> None:
        if self.db.mode is Mode.OFFLINE:
            return
        try:
            stored = self.run(calls_in_the_journal(self.db))
            held = self.run(self.db.read(total))
        except DatabaseError:
            return  # `read` looks into that
        assert stored == self.journal
        assert held == sum(self.purses.values())

    @rule()
    def come_to_rest(self) -> None:
        """When nothing is in the way any more, everything works again, by itself."""
        self.let_go_of_the_lock()
        self.switch(off=False)
        self.run(self.settled())
        assert self.run(self.db.verify_journal()).ok
        self.ask(fill, owner=1, cents=1)
        assert self.told[self.journal[-1]].ok

    async def settled(self) -> None:
        expected = Mode.READ_ONLY if self.switched_off else Mode.READ_WRITE
        await eventually(lambda: self.db.mode is expected and self.db._writing.closed)

    def ask(self, what: Any, **params: int) -> None:
        name = f"call:{len(self.calls)}"
        self.calls[name] = what, params
        self.take(name, self.run(self.db.write(what, by(name), **params)))

    def take(self, name: str, result: WriteResult[Any]) -> None:
        """Hold an answer against the model, and let the model follow it."""
        if self.switched_off:
            assert (result.outcome, result.reason) in {(Outcome.FAILED, "SWITCHED_OFF"), (Outcome.FAILED, "OFFLINE")}
            return
        assert result.outcome is not Outcome.UNKNOWN, "none of these faults leaves a commit undecided"
        if result.outcome not in FINAL:
            assert result.error_id
            return
        if name in self.told:
            first = self.told[name]
            assert result.repeated
            assert (result.outcome, result.reason, result.answer) == (first.outcome, first.reason, first.answer)
            return
        assert not result.repeated
        self.follow(name, result)

    def follow(self, name: str, result: WriteResult[Any]) -> None:
        what, params = self.calls[name]
        assert result.ok is self.can(what, params)
        self.told[name] = result
        self.journal.append(name)
        if not result.ok:
            return
        if what is fill:
            self.purses[params["owner"]] = self.purses.get(params["owner"], 0) + params["cents"]
        else:
            self.purses[params["sender"]] -= params["cents"]
            self.purses[params["recipient"]] += params["cents"]

    def can(self, what: Any, params: dict[str, int]) -> bool:
        if what is fill:
            return True
        return params["recipient"] in self.purses and self.purses.get(params["sender"], 0) >= params["cents"]


Manager.TestCase.settings = settings(
    max_examples=25, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck)
)
# Twenty-five histories of twenty steps: a connection lost now and then takes its time.
TestManager = pytest.mark.timeout(120)(Manager.TestCase)
