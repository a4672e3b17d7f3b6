"""The operation log: what happened, when and how long it took, in the detail its level promises; and never a secret."""

import itertools
import json
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from db import DatabaseError, DatabaseManager, DatabaseSettings, Outcome, open_database
from db.redaction import REDACTED, redacted, without_secrets
from tests.db.calls import (
    CALLS,
    WRONG,
    Expected,
    Wrong,
    ask,
    break_down,
    commit,
    fail,
    listening,
    read,
    run,
    run_secretly,
    tell_secret,
    violate,
    write_wrong,
    written,
    wrongs,
)
from tests.db.feature import by, count_for_ever, fill

NUMBERS = itertools.count(1)
MANY = hypothesis_settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
CANARY = "canary-9d41c0ffee"
TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"
WEBHOOK_TOKEN = "aW50ZXJhY3Rpb246MTE5MDAwMDAwMDAwMDAwMDAwMTpXZGhG"


@pytest.fixture
async def talkative(settings: DatabaseSettings, migrations: Path) -> AsyncIterator[DatabaseManager]:
    """As with the log's level at DEBUG."""
    async with open_database(replace(settings, log_operations=True), migrations) as opened:
        yield opened


@MANY
@given(calls=st.lists(st.sampled_from(CALLS), min_size=1, max_size=6))
async def test_for_any_operation_there_is_a_line_with_time_detail_and_duration(
    talkative: DatabaseManager, calls: list[Callable[..., Awaitable[Expected]]]
):
    """Feature: database-reliability, Property 17: Comprehensive Operation Logging.

    One line each: when, which operation under which id, how it ended, how long it took, and with which parameters.
    """
    for call in calls:
        operation_id = f"log:{next(NUMBERS)}"
        with listening() as records:
            expected = await call(talkative, operation_id)
        where = expected.name if expected.is_read else f"{expected.name} [{operation_id}]"
        ending = r"after \d+\.\d\d ms" if expected.fails else rf"{re.escape(expected.outcome)} in \d+\.\d\d ms"
        [line] = [each for each in records if where in each["message"] and re.search(ending, each["message"])]
        assert line["time"].timestamp() > 0
        assert line["level"].name == ("ERROR" if expected.fails else "DEBUG")
        if not expected.fails and expected.name != "calls.refuse":
            assert "sql" in json.loads(line["message"].partition(": ")[2])


@MANY
@given(wrong=wrongs(), is_read=st.booleans())
async def test_for_any_sqlite_error_the_technical_detail_is_logged(db: DatabaseManager, wrong: Wrong, is_read: bool):
    """Feature: database-reliability, Property 9: Detailed Technical Logging.

    Under the id that the user sees: code, message, statement, bound values, traceback; the record has the same.
    """
    with listening("INFO") as records:
        if is_read:
            with pytest.raises(DatabaseError) as caught:
                await db.read(ask, sql="SELECT abs(?) FROM nowhere", values=[-(2**62)])
            error_id, code, sql, values = caught.value.error_id, "SQLITE_ERROR", "SELECT abs(?)", (-(2**62),)
        else:
            result = await write_wrong(db, f"wrong:{next(NUMBERS)}", wrong)
            assert result.error_id
            error_id, code, sql, values = result.error_id, wrong.code, wrong.sql, wrong.values
    [line] = [record["message"] for record in records if error_id in record["message"]]
    record = db.health.errors.find(error_id)
    assert record is not None
    assert (record.code, record.parameters) == (code, tuple(repr(value) for value in values))
    assert record.sql.startswith(sql)
    assert "Traceback (most recent call last)" in record.traceback
    for detail in (code, record.sql, record.traceback, *record.parameters, str(record.severity), str(record.type)):
        assert detail in line


async def test_at_info_an_operation_that_went_well_says_nothing(db: DatabaseManager):
    with listening() as records:
        await commit(db, "quiet")
        await read(db, "")
    assert records == []


async def test_while_debugging_statements_and_values_are_logged(talkative: DatabaseManager):
    with listening() as records:
        await talkative.write(run, by("seen"), sql="INSERT INTO purse (cents) VALUES (?)", values=[4711])
        await talkative.read(ask, sql="SELECT owner FROM purse WHERE cents = ?", values=[4711])
    text = written(records)
    assert re.search(r"calls\.statement: \d+\.\d\d ms: INSERT INTO purse \(cents\) VALUES \(\?\) with \(4711\)", text)
    assert re.search(r"calls\.ask: \d+\.\d\d ms: SELECT owner FROM purse WHERE cents = \? with \(4711\)", text)
    assert "rows 1 matched, 1 modified" in text


@pytest.mark.parametrize(
    "sql",
    ["INSERT INTO note (owner, text) VALUES (1, ?)", "INSERT INTO purse (cents) VALUES (?)", "UPDATE x SET y = ?"],
)
async def test_a_redacted_parameter_never_shows_however_the_operation_ends(talkative: DatabaseManager, sql: str):
    """Neither as a parameter nor bound to a statement, neither in a message nor in a traceback nor in the record."""
    await talkative.write(fill, by("fill"), owner=1, cents=1)
    with listening() as records:
        result = await talkative.write(run_secretly, by(sql), sql=sql, values=[CANARY], hidden=CANARY)
    assert result.ok is sql.startswith("INSERT INTO note")
    text = written(records) + repr(list(talkative.health.errors)) + repr(talkative.status())
    assert "calls.sql" in text
    assert REDACTED in text
    # Given a second time as the values, which this operation does not hide by name.
    assert CANARY not in text.replace(json.dumps([CANARY], separators=(",", ":")), "")


async def test_what_an_exception_says_does_not_show_where_something_is_hidden(talkative: DatabaseManager):
    with listening() as records:
        result = await talkative.write(tell_secret, by("told"), hidden=CANARY)
    assert result.reason == "OPERATION_FAILED"
    text = written(records) + repr(list(talkative.health.errors)) + result.text
    assert "RuntimeError" in text
    assert "in tell_secret" in text, "where it happened is no secret"
    assert CANARY not in text


@pytest.mark.parametrize("secret", [TOKEN, WEBHOOK_TOKEN])
async def test_what_looks_like_a_secret_never_shows(talkative: DatabaseManager, secret: str):
    with listening() as records:
        await talkative.write(fail, by("told"), what=f"the token is {secret}")
        await talkative.write(run, by("bound"), sql="UPDATE nowhere SET token = ?", values=[secret])
        await talkative.write(run, by("well"), sql="UPDATE purse SET cents = 1 WHERE ? = ''", values=[secret])
    text = written(records) + repr(list(talkative.health.errors))
    assert text.count(REDACTED) >= 3
    assert secret not in text


def test_parameters_are_hidden_by_name_and_by_look():
    params = {"choice": 3, "webhook_token": "x", "deep": {"password": 1, "list": [TOKEN, 5]}, "memo": "rent"}
    assert redacted(params, frozenset({"choice"})) == {
        "choice": REDACTED,
        "webhook_token": REDACTED,
        "deep": {"password": REDACTED, "list": [REDACTED, 5]},
        "memo": "rent",
    }


@pytest.mark.parametrize(
    "text", ["1300000000000000001:pay", "a" * 64, "SELECT_SOMETHING_RATHER_LONG_FROM_A_TABLE", "f" * 32 + "0123"]
)
def test_ids_digests_and_names_do_not_look_like_secrets(text: str):
    assert without_secrets(text) == text


async def test_a_refusal_by_the_mode_has_its_id_in_the_log(db: DatabaseManager):
    db.set_switch(degraded=True)
    with listening("INFO") as records:
        result = await db.write(fill, by("refused", actor=77), owner=1, cents=1)
    [record] = records
    assert record["level"].name == "INFO"
    assert record["message"] == f"[{result.error_id}] test.fill [refused] of user 77 was not run: SWITCHED_OFF"


async def test_an_id_that_is_used_for_something_else_is_in_the_log(db: DatabaseManager):
    await db.write(fill, by("once"), owner=1, cents=1)
    with listening("INFO") as records:
        result = await db.write(fill, by("once"), owner=1, cents=2)
    assert (result.outcome, result.reason) == (Outcome.FAILED, "ID_REUSED")
    assert any(result.error_id in record["message"] for record in records)


async def test_what_passes_by_itself_is_a_warning(impatient: DatabaseManager):
    with listening("INFO") as records:
        result = await impatient.write(count_for_ever, by("late"))
    assert result.reason == "TIMED_OUT"
    [line] = [record for record in records if result.error_id in record["message"]]
    assert line["level"].name == "WARNING"
    assert "WITH RECURSIVE" in line["message"]


async def test_a_slow_call_is_a_warning_without_values_and_not_repeated(settings: DatabaseSettings, migrations: Path):
    async with open_database(replace(settings, slow_query_ms=1.0), migrations) as db:
        with listening("INFO") as records:
            for number in range(5):
                await db.read(ask, sql=SLOW_SQL, values=[4711 + number])
        [line] = [record for record in records if record["message"].startswith("slow: ")]
        assert line["level"].name == "WARNING"
        assert "calls.ask answered in" in line["message"]
        assert "WITH RECURSIVE" in line["message"]
        assert "4711" not in line["message"]
        [slow] = db.status().slow_statements
        assert (slow.name, slow.count) == ("calls.ask", 5)
        assert slow.worst_ms >= slow.latest_ms >= 1.0


async def test_errors_keep_what_is_asked_of_them(db: DatabaseManager):
    await violate(db, "kept")
    await break_down(db, "broken")
    broken, violated = db.health.errors.newest(2)
    assert (violated.type, violated.severity, violated.code) == ("transaction failed", "medium", "SQLITE_CONSTRAINT")
    assert (violated.operation_id, violated.name, violated.retries) == ("kept", "calls.statement", 0)
    assert (violated.sql, violated.parameters) == (WRONG[0].sql, ("-5",))
    assert not violated.resolved
    assert violated.at_ms > 1_600_000_000_000
    assert (broken.code, broken.severity, broken.sql) == ("RuntimeError", "high", "")


SLOW_SQL: Any = (
    "WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n LIMIT 30000) SELECT max(i) + ? FROM n"
)
