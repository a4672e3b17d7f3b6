"""Many at once: no overdraft, no lost money, and a caller who goes away leaves nothing half done."""

import asyncio
import random
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from db import DatabaseManager, DatabaseSettings, Outcome, Transaction, open_database, operation
from tests.db.feature import by, cents_of, fill, journaled, pay, total

PURSES, PAYERS, EACH = 5, 64, 20


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_sixty_four_payers_cannot_overdraw_and_no_cent_is_lost(db: DatabaseManager, seed: int):
    for owner in range(PURSES):
        await db.write(fill, by(f"fill:{owner}"), owner=owner, cents=100)
    dice = random.Random(seed)
    payments = [
        (f"pay:{number}", *dice.sample(range(PURSES), 2), dice.randint(1, 90)) for number in range(PAYERS * EACH)
    ]
    moved = dict.fromkeys(range(PURSES), 100)

    async def payer(number: int) -> None:
        for name, sender, recipient, cents in payments[number::PAYERS]:
            result = await db.write(pay, by(name), sender=sender, recipient=recipient, cents=cents)
            assert result.ok or result.reason == "INSUFFICIENT_FUNDS"
            if result.ok:
                moved[sender] -= cents
                moved[recipient] += cents

    await asyncio.gather(*(payer(number) for number in range(PAYERS)))
    assert {owner: await db.read(cents_of, owner=owner) for owner in range(PURSES)} == moved
    assert min(moved.values()) >= 0
    assert await db.read(total) == PURSES * 100
    assert len(await db.read(journaled)) == PURSES + len(payments)
    report = await db.verify_journal()
    assert (report.ok, report.rows) == (True, PURSES + len(payments))


class _Gate:
    """An operation that waits on the writer's thread until the test lets it go on."""

    def __init__(self) -> None:
        self.entered, self.go_on = threading.Event(), threading.Event()

        @operation("test.gate")
        def through(tx: Transaction) -> int:
            self.entered.set()
            assert self.go_on.wait(5)
            return fill(tx, owner=1, cents=5)

        self.through = through


async def test_a_cancelled_caller_leaves_no_open_transaction_and_the_outcome_is_recorded(db: DatabaseManager):
    gate = _Gate()
    caller = asyncio.ensure_future(db.write(gate.through, by("gate:1")))
    await asyncio.to_thread(gate.entered.wait, 5)
    caller.cancel()
    with pytest.raises(asyncio.CancelledError):
        await caller
    gate.go_on.set()
    again = await db.write(gate.through, by("gate:1"))
    assert (again.ok, again.repeated, again.value) == (True, True, 5)
    assert await db.read(cents_of, owner=1) == 5
    assert db._store is not None
    assert not db._store.connections.writer.raw.in_transaction


async def test_callers_cancelled_at_any_moment_leave_whole_operations(db: DatabaseManager):
    for owner in range(PURSES):
        await db.write(fill, by(f"fill:{owner}"), owner=owner, cents=100)
    dice = random.Random(7)
    for round_ in range(20):
        writes = [
            asyncio.ensure_future(db.write(pay, by(f"pay:{round_}:{n}"), sender=n % 5, recipient=(n + 1) % 5, cents=3))
            for n in range(20)
        ]
        await asyncio.sleep(dice.uniform(0, 0.002))
        for write in writes:
            write.cancel()
        await asyncio.gather(*writes, return_exceptions=True)
    assert await db.read(total) == PURSES * 100
    assert (await db.write(fill, by("last"), owner=1, cents=1)).ok
    assert (await db.verify_journal()).ok


async def test_more_than_may_wait_is_refused_at_once_and_plainly(settings: DatabaseSettings, migrations: Path):
    async with open_database(replace(settings, max_waiting=10), migrations) as db:
        gate = _Gate()
        occupied = asyncio.ensure_future(db.write(gate.through, by("gate:1")))
        await asyncio.to_thread(gate.entered.wait, 5)
        waiting = [asyncio.ensure_future(db.write(fill, by(f"fill:{n}"), owner=2, cents=1)) for n in range(15)]
        await asyncio.sleep(0.01)
        refused = [write.result() for write in waiting if write.done()]
        assert [(each.outcome, each.reason) for each in refused] == [(Outcome.FAILED, "OVERLOADED")] * 5
        gate.go_on.set()
        assert (await occupied).ok
        assert sum([(await write).ok for write in waiting]) == 10
        assert await db.read(cents_of, owner=2) == 10


async def test_what_waits_at_the_close_is_answered_truly(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as db:
        writes = [asyncio.ensure_future(db.write(fill, by(f"fill:{n}"), owner=1, cents=1)) for n in range(500)]
        await asyncio.sleep(0)
    results = await asyncio.gather(*writes)
    assert {result.outcome for result in results} <= {Outcome.COMMITTED, Outcome.FAILED}
    async with open_database(settings, migrations) as db:
        stored = {name for name, _ in await db.read(journaled)}
        assert stored == {result.operation_id for result in results if result.ok}
        assert await db.read(cents_of, owner=1) == (len(stored) or None)


async def test_closing_twice_is_harmless_and_closed_means_offline(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as db:
        await db.close()
        refused = await db.write(fill, by("fill:1"), owner=1, cents=1)
        assert (refused.outcome, refused.reason) == (Outcome.FAILED, "OFFLINE")
