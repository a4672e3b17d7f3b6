"""Reads: one snapshot each, with everything that its caller has heard of, stopped in time."""

import asyncio
import threading
from typing import Any, NoReturn, cast

import pytest

from db import DatabaseManager, DeadlineExceeded, QueryFailed, Snapshot, query
from tests.db.feature import by, cents_of, count_for_ever, fill, pay, total

MAKE = cast("Any", Snapshot.fetch_all)  # SQL that is no constant, as these tests need it


async def test_whoever_has_heard_of_a_write_reads_it(db: DatabaseManager):
    async def one(owner: int) -> None:
        for cents in range(1, 20):
            await db.write(fill, by(f"fill:{owner}:{cents}"), owner=owner, cents=1)
            assert await db.read(cents_of, owner=owner) == cents

    await asyncio.gather(*(one(owner) for owner in range(16)))


async def test_all_statements_of_a_query_see_one_state_while_writing_goes_on(db: DatabaseManager):
    for owner in (1, 2):
        await db.write(fill, by(f"fill:{owner}"), owner=owner, cents=1000)
    began, written = threading.Event(), threading.Event()

    @query("test.twice")
    def twice(snapshot: Snapshot) -> tuple[int | None, int | None]:
        first = cents_of(snapshot, owner=1)
        began.set()
        assert written.wait(5)
        return first, cents_of(snapshot, owner=1)

    reading = asyncio.ensure_future(db.read(twice))
    await asyncio.to_thread(began.wait, 5)
    assert (await db.write(pay, by("pay:1"), sender=1, recipient=2, cents=300)).ok
    assert await db.read(cents_of, owner=1) == 700, "others see it at once"
    written.set()
    assert await reading == (1000, 1000)


async def test_no_read_ever_sees_half_a_payment(db: DatabaseManager):
    for owner in range(4):
        await db.write(fill, by(f"fill:{owner}"), owner=owner, cents=1000)

    async def payments(payer: int) -> None:
        for number in range(30):
            recipient = (payer + 1 + number) % 4
            await db.write(pay, by(f"pay:{payer}:{number}"), sender=payer % 4, recipient=recipient, cents=7)

    paying = asyncio.gather(*(payments(payer) for payer in range(8)))
    seen: set[int] = set()
    while not paying.done():
        seen.update(await asyncio.gather(*(db.read(total) for _ in range(8))))
    await paying
    assert seen == {4000}


async def test_a_query_past_its_deadline_is_stopped_and_the_others_are_answered(impatient: DatabaseManager):
    await impatient.write(fill, by("fill:1"), owner=1, cents=5)
    slow = query("test.slow")(lambda snapshot: count_for_ever.perform(cast("Any", snapshot), {}))
    late, *others = await asyncio.gather(
        impatient.read(slow), *(impatient.read(cents_of, owner=1) for _ in range(50)), return_exceptions=True
    )
    assert isinstance(late, DeadlineExceeded)
    assert others == [5] * 50
    assert impatient.status().reader_breaker == "closed"


@pytest.mark.parametrize(
    "sql",
    [
        "INSERT INTO purse VALUES (1, 1)",
        "DELETE FROM purse",
        "COMMIT",
        "PRAGMA query_only = OFF",
        "WITH gone AS (SELECT 1) DELETE FROM purse RETURNING owner",
        "WITH new AS (SELECT 1) INSERT INTO purse SELECT 2, 2",
    ],
)
async def test_a_query_cannot_write_and_its_attempts_do_not_speak_against_the_readers(db: DatabaseManager, sql: str):
    await db.write(fill, by("fill:1"), owner=1, cents=5)
    sly = query("test.sly")(lambda snapshot: MAKE(snapshot, sql))
    for _ in range(10):
        with pytest.raises(Exception, match=r"not for operations|readonly"):
            await db.read(sly)
    assert await db.read(total) == 5
    assert (db.status().reader_breaker, db.mode) == ("closed", "read-write")


@pytest.mark.parametrize("raised", [ValueError("x"), StopIteration(), KeyError(1), asyncio.CancelledError()], ids=repr)
async def test_what_a_query_raises_reaches_its_caller_alone(db: DatabaseManager, raised: BaseException):
    @query("test.broken")
    def broken(_: Snapshot) -> NoReturn:
        raise raised

    for _ in range(8):
        results = await asyncio.gather(
            db.read(total), db.read(broken), db.read(total), db.read(total), return_exceptions=True
        )
        assert [results[0], *results[2:]] == [0, 0, 0]
        assert isinstance(results[1], BaseException)


async def test_bad_sql_is_a_failed_query_with_an_error_id(db: DatabaseManager):
    wrong = query("test.wrong")(lambda snapshot: MAKE(snapshot, "SELECT 1 FROM nowhere"))
    with pytest.raises(QueryFailed, match="no such table: nowhere") as caught:
        await db.read(wrong)
    assert caught.value.error_id in db.status().last_error
    assert caught.value.text == "Your request could not be processed."


async def test_a_cancelled_reader_does_not_keep_the_others_from_reading(db: DatabaseManager):
    for _ in range(20):
        reads = [asyncio.ensure_future(db.read(total)) for _ in range(20)]
        await asyncio.sleep(0)
        for read in reads[::2]:
            read.cancel()
        answers = await asyncio.gather(*reads, return_exceptions=True)
        assert answers[1::2] == [0] * 10
