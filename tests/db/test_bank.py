"""A bank's history, from a record kept outside the database: as if everything had happened one after the other.

Everybody notes when they asked, when they were answered, and what they were told or saw. The journal's order is then
replayed: each answer must fit its place in that order, each read a state between two places that its times allow.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from db import ConnectionLost, DatabaseManager, DatabaseSettings, Snapshot, open_database, query
from tests.db.feature import by, cents_of, fill, journaled, pay

PURSES, OPENING_CENTS = 6, 500
PAYERS, EACH = 64, 8

State = tuple[int, ...]


@query("test.purses")
def purses(snapshot: Snapshot) -> State:
    """Each in a statement of its own: one read is one state however long it takes."""
    return tuple(cents_of(snapshot, owner=owner) or 0 for owner in range(PURSES))


@dataclass(frozen=True, slots=True, kw_only=True)
class Payment:
    sender: int
    recipient: int
    cents: int
    asked: float
    answered: float
    outcome: str
    left: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    asked: float
    answered: float
    seen: State


@dataclass(slots=True)
class History:
    payments: dict[str, Payment] = field(default_factory=dict)
    looks: list[Look] = field(default_factory=list)

    async def pay(self, db: DatabaseManager, name: str, *, sender: int, recipient: int, cents: int) -> None:
        asked = time.monotonic()
        result = await db.write(pay, by(name), sender=sender, recipient=recipient, cents=cents)
        self.payments[name] = Payment(
            sender=sender,
            recipient=recipient,
            cents=cents,
            asked=asked,
            answered=time.monotonic(),
            outcome=result.outcome,
            left=result.value.left_cents if result.ok else None,
        )

    async def look(self, db: DatabaseManager) -> None:
        asked = time.monotonic()
        seen = await db.read(purses)
        self.looks.append(Look(asked=asked, answered=time.monotonic(), seen=seen))


def replay(history: History, order: Sequence[str]) -> list[State]:
    """The states between the payments in this order; each answer must be what its place makes of it."""
    states = [(OPENING_CENTS,) * PURSES]
    for name in order:
        payment = history.payments[name]
        purses = list(states[-1])
        if payment.outcome == "committed":
            purses[payment.sender] -= payment.cents
            purses[payment.recipient] += payment.cents
            assert purses[payment.sender] == payment.left, f"{name} was told of another balance: an update was lost"
            assert min(purses) >= 0, f"{name} overdrew"
        else:
            assert payment.outcome == "rejected"
            assert purses[payment.sender] < payment.cents, f"{name} was refused with money enough"
        states.append(tuple(purses))
    assert {sum(state) for state in states} == {PURSES * OPENING_CENTS}
    return states


def assert_in_real_time(history: History, order: Sequence[str]) -> None:
    """Whoever was answered before somebody asked comes before them."""
    latest_question = float("-inf")
    for name in order:
        payment = history.payments[name]
        assert payment.answered > latest_question, f"{name} had its answer before an earlier one was asked"
        latest_question = max(latest_question, payment.asked)


def assert_prefixes(history: History, order: Sequence[str], states: Sequence[State]) -> None:
    """Every look saw a committed prefix, with all that had been answered and nothing that had not been asked."""
    for look in history.looks:
        answered = [n for n, name in enumerate(order, 1) if history.payments[name].answered < look.asked]
        not_asked = [n for n, name in enumerate(order) if history.payments[name].asked > look.answered]
        first, last = max(answered, default=0), min(not_asked, default=len(order))
        assert look.seen in states[first : last + 1], f"no state between {first} and {last} is {look.seen}"


async def keep_looking(db: DatabaseManager, history: History, until: asyncio.Event) -> None:
    while not until.is_set():
        with contextlib.suppress(ConnectionLost):  # twice in a row under one look: told so, and it saw nothing
            await history.look(db)


async def lose_connections(db: DatabaseManager, dice: random.Random, until: asyncio.Event) -> None:
    """Close connections underneath the layer, now a reader, now the writer."""
    while not until.is_set():
        await asyncio.sleep(dice.uniform(0.005, 0.02))
        assert db._store is not None
        connections = db._store.connections
        victim = dice.choice([connections._writer, *connections.readers])
        if victim is not None and victim._running:
            victim.post(victim.raw.close, then=lambda _: None)


async def pay_in_turn(db: DatabaseManager, history: History, payer: int, dice: random.Random) -> None:
    for number in range(EACH):
        sender, recipient = dice.sample(range(PURSES), 2)
        name, cents = f"pay:{payer}:{number}", dice.randint(1, 400)
        await history.pay(db, name, sender=sender, recipient=recipient, cents=cents)


@pytest.mark.parametrize("seed", [1, 2, 3])
@pytest.mark.parametrize("lossy", [False, True], ids=["calm", "losing connections"])
async def test_a_banks_history_is_one_after_the_other(
    settings: DatabaseSettings, migrations: Path, seed: int, lossy: bool
):
    """Sixty-four payers and eight lookers: nothing overdrawn, nothing lost, every look a committed prefix."""
    dice, history, over = random.Random(seed), History(), asyncio.Event()
    # Whoever is told that their payment failed would be no part of the history: nobody may give up here.
    patient = replace(settings, checkpoint_wal_bytes=100_000, breaker_failures=10_000, operation_timeout_s=30)
    async with open_database(patient, migrations) as db:
        for owner in range(PURSES):
            assert (await db.write(fill, by(f"fill:{owner}"), owner=owner, cents=OPENING_CENTS)).ok
        around = [asyncio.ensure_future(keep_looking(db, history, over)) for _ in range(8)]
        if lossy:
            around.append(asyncio.ensure_future(lose_connections(db, dice, over)))
        await asyncio.gather(*(pay_in_turn(db, history, payer, random.Random(payer)) for payer in range(PAYERS)))
        over.set()
        await asyncio.gather(*around)
        looks = len(history.looks)
        while len(history.looks) == looks:  # every connection may have been closed by now: each is found out once
            with contextlib.suppress(ConnectionLost):
                await history.look(db)
        order = [name for name, _ in await db.read(journaled) if name.startswith("pay:")]
        assert (await db.verify_journal()).ok
    assert set(order) == {name for name, each in history.payments.items() if each.outcome != "failed"}
    states = replay(history, order)
    assert_in_real_time(history, order)
    assert_prefixes(history, order, states)
    assert history.looks[-1].seen == states[-1]
    assert {"committed", "rejected"} <= {each.outcome for each in history.payments.values()}


def test_the_checks_themselves_find_a_history_that_is_none():
    """A look at a state that never was, an answer out of order, and a balance that an update was lost from."""
    first = Payment(sender=0, recipient=1, cents=100, asked=1, answered=2, outcome="committed", left=400)
    second = Payment(sender=0, recipient=1, cents=100, asked=3, answered=4, outcome="committed", left=300)
    history = History({"a": first, "b": second})
    states = replay(history, "ab")
    assert_in_real_time(history, "ab")
    with pytest.raises(AssertionError, match="before an earlier one"):
        assert_in_real_time(history, "ba")
    with pytest.raises(AssertionError, match="an update was lost"):
        replay(History({"a": first, "b": replace(second, left=400)}), "ab")
    for asked, seen in ((2.5, states[0]), (2.5, states[2]), (5, states[1])):
        history.looks = [Look(asked=asked, answered=asked, seen=seen)]
        with pytest.raises(AssertionError, match="no state"):
            assert_prefixes(history, "ab", states)
    history.looks = [Look(asked=2.5, answered=2.5, seen=states[1]), Look(asked=3.5, answered=3.5, seen=states[2])]
    assert_prefixes(history, "ab", states)
