"""The caller goes away at any await: no transaction stays open, the outcome is recorded, the next one is served."""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest

from db import DatabaseManager, DatabaseSettings, Mode, open_database
from db.connection import HopConnection
from tests.db.feature import by, cents_of, eventually, fill, journaled, total

MOST_TURNS = 500


async def cancelled_after(turns: int, work: Coroutine[Any, Any, Any]) -> bool:
    """Run `work` for so many turns of the event loop and cancel it then; False if it had ended before."""
    task = asyncio.ensure_future(work)
    for _ in range(turns):
        await asyncio.sleep(0)
        if task.done():
            await task
            return False
    task.cancel()
    try:
        await task
    except asyncio.CancelledError:
        return True
    return False


async def at_every_turn(attempt: Callable[[int, int], Awaitable[bool]]) -> int:
    """Cancel after 0, 1, 2 … turns until that comes too late; how often it did not.

    Where the loop only turns to wait for a thread, some turns are left out.
    """
    turns = 0
    for number in range(MOST_TURNS):
        if not await attempt(number, turns):
            return number
        turns += 1 + turns // 16
    raise AssertionError("it never came to its end")


def writer_of(db: DatabaseManager) -> HopConnection:
    assert db._store is not None
    return db._store.connections.writer


async def assert_well(db: DatabaseManager, name: str, *, cents: int) -> None:
    """The same id answers; it was done once; nothing is left open."""
    again = await db.write(fill, by(name), owner=1, cents=1)
    assert again.ok
    assert again.repeated, "a call that reached the writer is carried out, whoever waits for it"
    assert await db.read(cents_of, owner=1) == cents
    writer = writer_of(db)
    assert not await writer.submit(lambda: writer.raw.in_transaction)
    assert db.mode is Mode.READ_WRITE


async def test_a_write_cancelled_at_every_turn_is_carried_out_once(db: DatabaseManager):
    async def attempt(number: int, turns: int) -> bool:
        cancelled = await cancelled_after(turns, db.write(fill, by(f"fill:{number}"), owner=1, cents=1))
        if turns == 0:  # cancelled before its first step, it was never asked for
            assert await db.read(journaled) == []
            assert (await db.write(fill, by("fill:0"), owner=1, cents=1)).ok
        await assert_well(db, f"fill:{number}", cents=number + 1)
        return cancelled

    assert await at_every_turn(attempt) > 2
    assert (await db.verify_journal()).ok


async def test_a_write_cancelled_while_it_waits_for_others_is_carried_out_once(db: DatabaseManager):
    async def attempt(number: int, turns: int) -> bool:
        first = asyncio.ensure_future(db.write(fill, by(f"first:{number}"), owner=2, cents=1))
        await asyncio.sleep(0)
        cancelled = await cancelled_after(turns + 1, db.write(fill, by(f"fill:{number}"), owner=1, cents=1))
        assert (await first).ok
        await assert_well(db, f"fill:{number}", cents=number + 1)
        return cancelled

    assert await at_every_turn(attempt) > 2


async def test_a_write_cancelled_while_its_connection_is_being_replaced_is_told_the_truth_later(db: DatabaseManager):
    async def attempt(number: int, turns: int) -> bool:
        writer = writer_of(db)
        await writer.submit(writer.raw.close)
        cancelled = await cancelled_after(turns + 1, db.write(fill, by(f"fill:{number}"), owner=1, cents=1))
        assert (await db.write(fill, by(f"fill:{number}"), owner=1, cents=1)).ok
        await assert_well(db, f"fill:{number}", cents=number + 1)
        return cancelled

    assert await at_every_turn(attempt) > 2


async def test_a_read_cancelled_at_every_turn_leaves_its_reader_to_the_others(db: DatabaseManager):
    assert (await db.write(fill, by("fill"), owner=1, cents=5)).ok
    assert db._store is not None
    connections = db._store.connections

    async def attempt(_: int, turns: int) -> bool:
        cancelled = await cancelled_after(turns, db.read(total))
        assert await asyncio.gather(*(db.read(total) for _ in range(8))) == [5] * 8
        return cancelled

    assert await at_every_turn(attempt) > 2
    for reader in connections.readers:
        assert not await reader.submit(lambda raw: raw.in_transaction, reader.raw)


async def test_all_callers_of_a_batch_cancelled_at_every_turn_leave_whole_operations(db: DatabaseManager):
    async def attempt(number: int, turns: int) -> bool:
        writes = [db.write(fill, by(f"fill:{number}:{n}"), owner=n, cents=1) for n in range(8)]
        results = await asyncio.gather(*(cancelled_after(turns + 1, write) for write in writes))
        assert (await db.write(fill, by(f"next:{number}"), owner=9, cents=0)).ok
        assert await db.read(total) == (number + 1) * 8
        return all(results)

    assert await at_every_turn(attempt) > 2
    assert (await db.verify_journal()).ok


@pytest.mark.parametrize("new", [True, False], ids=["a new database", "an old one"])
async def test_an_opening_cancelled_at_any_turn_leaves_nothing_behind(
    settings: DatabaseSettings, migrations: Path, new: bool
):
    """Neither a thread nor a lock, and the next opening finds a database that is whole."""

    async def open_and_close(directory: Path) -> None:
        async with open_database(DatabaseSettings(directory=directory, engine=settings.engine), migrations) as db:
            assert db.mode is Mode.READ_WRITE

    threads = threading.active_count()
    directory = settings.directory
    if not new:
        await open_and_close(directory)
    turns = opened = 0
    while opened < 1:
        where = directory.with_name(f"data-{turns}") if new else directory
        opened += not await cancelled_after(turns, open_and_close(where))
        await eventually(lambda: threading.active_count() <= threads + _pool_threads())
        await open_and_close(where)
        turns = turns + 1 if turns < 10 else turns * 3 // 2
    assert turns > 5


def _pool_threads() -> int:
    """Those that the event loop keeps for later."""
    return sum(thread.name.startswith("asyncio_") for thread in threading.enumerate())
