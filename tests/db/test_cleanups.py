"""Clean-ups: each deletes all that is too old, in short steps, and one that fails does not keep the others from it."""

import pytest

from db import DatabaseManager, DatabaseSettings, Transaction, announcements, open_database, operation
from db.announcements import announce
from tests.conftest import MIGRATIONS
from tests.db.conftest import raw_rows
from tests.db.feature import by


@operation("test.make_old")
def make_old(tx: Transaction, *, number: int) -> None:
    for each in range(number):
        made = announce(tx, target={"channel": each + 1}, body={}, kind="test")
        tx.execute("UPDATE announcement SET due_at_ms = NULL, outcome = 'sent', ended_at_ms = ? WHERE id = ?", 1, made)


@operation("test.broken_cleanup")
def broken(tx: Transaction, *, limit: int) -> int:
    raise ValueError(f"cannot delete {limit} rows of {tx.guild}")


@pytest.fixture
async def full(settings: DatabaseSettings):
    async with open_database(settings, MIGRATIONS) as db:
        yield db


async def test_all_that_is_too_old_goes_in_steps_of_500(full: DatabaseManager):
    assert (await full.write(make_old, by("make"), number=1_100)).ok
    assert await full.cleanups.run() == {"announcements": 1_100}
    steps = raw_rows(full, "SELECT operation_id FROM journal WHERE name = ?", announcements.clean_up.name)
    assert len(steps) == 3
    assert await full.cleanups.run() == {"announcements": 0}


async def test_one_that_fails_is_logged_and_the_others_go_on(full: DatabaseManager):
    full.cleanups.register("nothing", broken)
    assert (await full.write(make_old, by("make"), number=3)).ok
    assert await full.cleanups.run() == {"announcements": 3, "nothing": 0}


async def test_without_a_database_nothing_is_deleted_and_nothing_raised(settings: DatabaseSettings):
    async with open_database(settings, MIGRATIONS) as db:
        db.set_switch(degraded=True)
        assert await db.cleanups.run() == {"announcements": 0}
