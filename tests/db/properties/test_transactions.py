"""Operations of many steps over a real file: all or nothing, whoever else is in the same batch."""

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from typing import Literal

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import ConstraintViolated, DatabaseManager, Outcome, Rejected, Snapshot, Transaction, operation, query
from tests.db.feature import by, fill, journaled, note

THOROUGH = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])

Ending = Literal["well", "mistake", "rejected", "constraint", "foreign key", "swallowed"]


@dataclass(frozen=True)
class Plan:
    """Deposits, one a step, and how the operation ends after so many of them."""

    deposits: list[tuple[int, int]]
    ending: Ending
    after: int


PLANS = st.builds(
    Plan,
    deposits=st.lists(st.tuples(st.integers(1, 4), st.integers(1, 50)), min_size=1, max_size=6),
    ending=st.sampled_from(["well", "well", "mistake", "rejected", "constraint", "foreign key", "swallowed"]),
    after=st.integers(0, 6),
)
FAILING = PLANS.filter(lambda plan: plan.ending not in ("well", "swallowed"))


@operation("test.plan")
def carry_out(tx: Transaction, *, deposits: list[list[int]], ending: str, after: int) -> int:
    for number, (owner, cents) in enumerate(deposits):
        if number == after:
            _end(tx, ending)
        fill(tx, owner=owner, cents=cents)
    if after >= len(deposits):
        _end(tx, ending)
    return len(deposits)


def _end(tx: Transaction, ending: str) -> None:
    match ending:
        case "mistake":
            raise LookupError("a mistake of the feature's")
        case "rejected":
            raise Rejected("NOT_TODAY")
        case "constraint":
            fill(tx, owner=1, cents=-(10**15))
        case "foreign key":  # deferred: found at COMMIT
            note(tx, text=tx.operation_id, owner=99)
        case "swallowed":
            with suppress(ConstraintViolated):  # its one statement is undone; the operation goes on
                fill(tx, owner=1, cents=-(10**15))


@query("test.contents")
def contents(snapshot: Snapshot) -> dict[int, int]:
    return dict(snapshot.fetch_all("SELECT owner, cents FROM purse"))


def with_deposits(purses: dict[int, int], plan: Plan) -> dict[int, int]:
    after = dict(purses)
    for owner, cents in plan.deposits:
        after[owner] = after.get(owner, 0) + cents
    return after


@THOROUGH
@given(plans=st.lists(PLANS, min_size=1, max_size=6))
async def test_for_any_operations_of_many_steps_each_is_kept_whole_or_not_at_all(
    db: DatabaseManager, plans: list[Plan]
):
    """Feature: database-reliability, Property 6: Transaction Atomicity

    Whatever shares a batch: the content is what the operations that were told "committed" make of it, all their
    steps and no step of any other.
    """
    expected, known = await db.read(contents), len(await db.read(journaled))
    results = await asyncio.gather(
        *(
            db.write(
                carry_out,
                by(f"plan:{known}:{n}"),
                deposits=[list(each) for each in plan.deposits],
                ending=plan.ending,
                after=plan.after,
            )
            for n, plan in enumerate(plans)
        )
    )
    for plan, result in zip(plans, results, strict=True):
        assert result.ok is (plan.ending in ("well", "swallowed"))
        if result.ok:
            expected = with_deposits(expected, plan)
    assert await db.read(contents) == expected


@THOROUGH
@given(plan=FAILING)
async def test_for_any_failing_step_every_change_before_it_is_undone(db: DatabaseManager, plan: Plan):
    """Feature: database-reliability, Property 7: Automatic Transaction Rollback

    Wherever and however it fails: the content is as before, no transaction stays open, a rejection alone is
    journaled, and the next operation is served.
    """
    before, entries = await db.read(contents), await db.read(journaled)
    result = await db.write(
        carry_out,
        by(f"plan:{len(entries)}"),
        deposits=[list(each) for each in plan.deposits],
        ending=plan.ending,
        after=plan.after,
    )
    assert result.outcome is (Outcome.REJECTED if plan.ending == "rejected" else Outcome.FAILED)
    assert await db.read(contents) == before
    assert len(await db.read(journaled)) == len(entries) + (plan.ending == "rejected")
    assert db._store is not None
    writer = db._store.connections.writer
    assert not await writer.submit(lambda: writer.raw.in_transaction)
    assert (await db.write(fill, by(f"next:{len(entries)}"), owner=5, cents=1)).ok
