"""The same id twice has one effect and one answer; with other content it is an error."""

import asyncio
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

import pytest

from db import (
    DatabaseManager,
    DatabaseSettings,
    Operation,
    Outcome,
    Rejected,
    Transaction,
    WriteResult,
    open_database,
    operation,
)
from tests.conftest import Scratch
from tests.db.feature import Receipt, by, cents_of, fill, journaled, note, pay


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    number: int
    colour: Colour
    parts: tuple[Receipt, ...]
    names: dict[str, list[int | None]]


ANSWER = Answer(
    number=2**63 - 1,
    colour=Colour.RED,
    parts=(Receipt(sender=1, recipient=2, left_cents=3),),
    names={"é": [1, None]},
)


@operation("test.answer")
def answer(_: Transaction) -> Answer:
    return ANSWER


@operation("test.reject")
def reject(tx: Transaction, *, owner: int) -> None:
    tx.execute("UPDATE purse SET cents = 0 WHERE owner = ?", owner)
    raise Rejected("NOT_TODAY", owner=owner, until=[1, {"day": "friday"}])


def same(first: WriteResult[object], second: WriteResult[object]) -> bool:
    def told(result: WriteResult[object]) -> tuple[object, ...]:
        return result.outcome, result.reason, dict(result.details), result.answer, result.rows_matched, result.text

    return told(first) == told(second) and not first.repeated and second.repeated


async def test_the_same_payment_twice_moves_money_once_and_answers_the_same(db: DatabaseManager):
    for owner in (1, 2):
        await db.write(fill, by(f"fill:{owner}"), owner=owner, cents=100)
    first = await db.write(pay, by("pay:1"), sender=1, recipient=2, cents=30)
    second = await db.write(pay, by("pay:1"), sender=1, recipient=2, cents=30)
    assert same(first, second)
    assert second.value == Receipt(sender=1, recipient=2, left_cents=70)
    assert await db.read(cents_of, owner=1) == 70


async def test_a_refusal_is_the_same_for_ever_even_when_it_would_be_granted_by_now(db: DatabaseManager):
    await db.write(fill, by("fill:2"), owner=2, cents=0)
    first = await db.write(pay, by("pay:1"), sender=1, recipient=2, cents=30)
    await db.write(fill, by("fill:1"), owner=1, cents=1000)
    second = await db.write(pay, by("pay:1"), sender=1, recipient=2, cents=30)
    assert same(first, second)
    assert (second.outcome, second.reason, second.details) == ("rejected", "INSUFFICIENT_FUNDS", {"available": 0})


async def test_nested_refusal_details_come_back_as_they_were(db: DatabaseManager):
    await db.write(fill, by("fill:1"), owner=1, cents=100)
    first = await db.write(reject, by("no:1"), owner=1)
    assert same(first, await db.write(reject, by("no:1"), owner=1))
    assert await db.read(cents_of, owner=1) == 100


async def test_a_recorded_answer_has_the_type_that_the_operation_returns(db: DatabaseManager):
    first = await db.write(answer, by("answer:1"))
    second = await db.write(answer, by("answer:1"))
    assert same(first, second)
    assert second.value == ANSWER
    assert type(second.value.parts[0]) is Receipt
    assert type(second.value.colour) is Colour


async def test_answers_outlive_the_process(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as db:
        first = await db.write(answer, by("answer:1"))
    async with open_database(settings, migrations) as db:
        assert same(first, await db.write(answer, by("answer:1")))


@pytest.mark.parametrize("batched", [False, True], ids=["one after the other", "in one batch"])
@pytest.mark.parametrize(
    ("other", "context", "params"),
    [
        (fill, by("id"), {"owner": 1, "cents": 6}),
        (fill, by("id"), {"owner": 2, "cents": 5}),
        (fill, by("id", guild=8), {"owner": 1, "cents": 5}),
        (fill, by("id", actor=2), {"owner": 1, "cents": 5}),
        (note, by("id"), {"owner": 1, "text": "5"}),
    ],
    ids=["amount", "owner", "guild", "actor", "operation"],
)
async def test_the_same_id_for_something_else_is_an_error_and_changes_nothing(
    db: DatabaseManager, other: object, context: object, params: dict[str, object], batched: bool
):
    writes = [db.write(fill, by("id"), owner=1, cents=5), db.write(other, context, **params)]  # type: ignore[arg-type]
    if batched:
        _, *results = await asyncio.gather(db.write(fill, by("while these wait"), owner=9, cents=0), *writes)
    else:
        results = [await each for each in writes]
    assert results[0].ok
    assert (results[1].outcome, results[1].reason, results[1].repeated) == (Outcome.FAILED, "ID_REUSED", False)
    assert results[1].error_id
    assert await db.read(cents_of, owner=1) == 5
    assert [name for name, _ in await db.read(journaled)].count("id") == 1


async def test_sixty_four_copies_at_once_run_once(db: DatabaseManager):
    runs: list[int] = []

    @operation("test.counted")
    def counted(tx: Transaction) -> int:
        runs.append(1)
        return fill(tx, owner=1, cents=5)

    other = db.write(fill, by("while these wait"), owner=9, cents=0)
    _, *results = await asyncio.gather(other, *(db.write(counted, by("once")) for _ in range(64)))
    assert sum(not result.repeated for result in results) == 1
    assert {result.value for result in results} == {5}
    assert len(runs) == 1
    assert await db.read(cents_of, owner=1) == 5


async def test_a_failure_is_no_answer_and_may_be_tried_again(db: DatabaseManager):
    @operation("test.sometimes")
    def sometimes(tx: Transaction) -> int:
        if tx.execute("UPDATE purse SET cents = cents + 1 WHERE owner = 1") == 0:
            raise LookupError("no purse")
        return 1

    failed = await db.write(sometimes, by("try:1"))
    assert (failed.outcome, failed.reason) == ("failed", "OPERATION_FAILED")
    await db.write(fill, by("fill:1"), owner=1, cents=5)
    again = await db.write(sometimes, by("try:1"))
    assert (again.ok, again.repeated) == (True, False)


def test_an_answer_that_no_longer_fits_its_type_is_still_told_as_committed(scratch: Scratch):
    """A feature has changed what it returns since: the outcome stands, and only the answer cannot be read."""

    @operation("test.grown")
    def before(_: Transaction) -> int:
        return 1

    def after(_: Transaction) -> Receipt:
        raise AssertionError("it has run already")

    assert scratch.run(before, operation_id="grown:1").value == 1
    again = scratch.run(Operation("test.grown", after, frozenset()), operation_id="grown:1")
    assert (again.outcome, again.reason, again.repeated) == ("committed", "ANSWER_ERASED", True)


def test_an_operation_must_say_what_it_answers():
    def silent(_: Transaction):
        return 1

    with pytest.raises(TypeError, match="must say what it returns"):
        operation("test.silent")(silent)
