"""What a user is told when the database fails them."""

import itertools
import re
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from bot.replies import sentence
from db import DatabaseError, DatabaseManager
from tests.db.calls import WRONG, Wrong, ask, fail, write_wrong, wrongs
from tests.db.feature import by, fill

NUMBERS = itertools.count(1)
TECHNICAL = re.compile(
    r"SQLITE|constraint failed|Traceback|Error:|Exception|\b(SELECT|INSERT|UPDATE)\b|0x[0-9a-f]+|/\w+/|[a-z]+_[a-z]+"
)


async def statement(db: DatabaseManager, wrong: Wrong) -> str:
    return sentence(await write_wrong(db, f"message:{next(NUMBERS)}", wrong), {})


async def mistake(db: DatabaseManager, _: Wrong) -> str:
    return sentence(await db.write(fail, by(f"message:{next(NUMBERS)}"), what="KeyError: 'user_id'"), {})


async def switched_off(db: DatabaseManager, _: Wrong) -> str:
    db.set_switch(degraded=True)
    try:
        return sentence(await db.write(fill, by(f"message:{next(NUMBERS)}"), owner=1, cents=1), {})
    finally:
        db.set_switch(degraded=False)


async def reading(db: DatabaseManager, _: Wrong) -> str:
    with pytest.raises(DatabaseError) as caught:
        await db.read(ask, sql="SELECT nothing FROM nowhere", values=[])
    return f"{caught.value.text}\n-# Error {caught.value.error_id}"


@hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(wrong=wrongs(), way=st.sampled_from([statement, mistake, switched_off, reading]))
async def test_for_any_failing_operation_the_user_gets_a_friendly_message(
    db: DatabaseManager,
    wrong: Wrong,
    way: Callable[[DatabaseManager, Wrong], Awaitable[str]],
):
    """Feature: database-reliability, Property 8: User-Friendly Error Messages.

    Whole sentences without a word of the machinery, what became of the request, and an id that the log has too.
    """
    text, _, error = (await way(db, wrong)).partition("\n-# Error ")
    assert re.fullmatch(r"E-[0-9A-Z]{6}", error)
    assert re.fullmatch(r"[A-Z].{15,}\.", text)
    assert not TECHNICAL.search(text), text
    if way is not reading:
        assert "nothing was changed" in text.lower()


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (WRONG[0], "it would break the rule “purse not overdrawn”"),
        (WRONG[1], "a purse has no cents"),
        (WRONG[2], "a purse cannot have such a value as its cents"),
    ],
)
async def test_a_violated_constraint_is_explained(db: DatabaseManager, wrong: Wrong, words: str):
    assert words in await statement(db, wrong)
