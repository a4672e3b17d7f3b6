"""One table decides what each of SQLite's errors means, whichever library raised it."""

import re
from typing import Any

import pytest

from db.errors import (
    ConnectionLost,
    Consequence,
    ConstraintViolated,
    CorruptionDetected,
    DatabaseError,
    DeadlineExceeded,
    Phase,
    QueryFailed,
    Severity,
    TransactionFailed,
    new_error_id,
    translate,
)
from tests.conftest import Scratch

OWN, RETRY, RECONNECT = Consequence.OWN, Consequence.RETRY, Consequence.RECONNECT
STOP, DIAGNOSE, DEADLINE = Consequence.STOP_WRITING, Consequence.DIAGNOSE, Consequence.DEADLINE

# Primary code, an extended one as the standard library reports it, and what they mean inside an operation.
TABLE = [
    (1, 257, "SQLITE_ERROR", TransactionFailed, OWN),
    (2, 2, "SQLITE_INTERNAL", ConnectionLost, RECONNECT),
    (3, 3, "SQLITE_PERM", ConnectionLost, RECONNECT),
    (4, 516, "SQLITE_ABORT", ConnectionLost, RECONNECT),
    (5, 517, "SQLITE_BUSY", ConnectionLost, RETRY),
    (6, 262, "SQLITE_LOCKED", ConnectionLost, RETRY),
    (7, 7, "SQLITE_NOMEM", ConnectionLost, RECONNECT),
    (8, 1032, "SQLITE_READONLY", ConnectionLost, STOP),
    (9, 9, "SQLITE_INTERRUPT", DeadlineExceeded, DEADLINE),
    (10, 1034, "SQLITE_IOERR", ConnectionLost, RECONNECT),
    (11, 523, "SQLITE_CORRUPT", CorruptionDetected, DIAGNOSE),
    (13, 13, "SQLITE_FULL", ConnectionLost, STOP),
    (14, 526, "SQLITE_CANTOPEN", ConnectionLost, RECONNECT),
    (15, 15, "SQLITE_PROTOCOL", ConnectionLost, RECONNECT),
    (17, 17, "SQLITE_SCHEMA", TransactionFailed, OWN),
    (18, 18, "SQLITE_TOOBIG", TransactionFailed, OWN),
    (19, 2067, "SQLITE_CONSTRAINT", ConstraintViolated, OWN),
    (20, 20, "SQLITE_MISMATCH", TransactionFailed, OWN),
    (21, 21, "SQLITE_MISUSE", TransactionFailed, OWN),
    (25, 25, "SQLITE_RANGE", TransactionFailed, OWN),
    (26, 26, "SQLITE_NOTADB", CorruptionDetected, DIAGNOSE),
]


class Raised(Exception):
    """An exception as a SQLite library makes it: with a code, or without one where its wrapper found the fault."""

    def __init__(self, code: int | None, message: str = "what SQLite says") -> None:
        super().__init__(message)
        if code is not None:
            self.sqlite_errorcode = code


@pytest.mark.parametrize("extended", [False, True])
@pytest.mark.parametrize(("primary", "extended_code", "name", "kind", "consequence"), TABLE)
def test_a_code_means_the_same_from_either_library(
    primary: int, extended_code: int, name: str, kind: type[DatabaseError], consequence: Consequence, extended: bool
):
    error = translate(Raised(extended_code if extended else primary), Phase.STATEMENT)
    assert (type(error), error.code, error.consequence) == (kind, name, consequence)


def test_an_error_without_a_code_is_the_operations_own():
    assert translate(Raised(None), Phase.STATEMENT).consequence is OWN


@pytest.mark.parametrize("phase", [Phase.OPEN, Phase.BEGIN])
def test_before_an_operation_has_begun_nothing_can_be_its_own_fault(phase: Phase):
    assert translate(Raised(1), phase).consequence is RECONNECT


def test_a_query_that_tries_to_write_does_not_speak_against_its_connection():
    error = translate(Raised(8), Phase.READ)
    assert (type(error), error.consequence) == (QueryFailed, OWN)


def test_a_failed_read_is_no_failed_transaction():
    assert type(translate(Raised(1), Phase.READ)) is QueryFailed


@pytest.mark.parametrize("phase", list(Phase))
def test_damage_stops_writing_in_every_phase(phase: Phase):
    assert translate(Raised(11), phase).severity is Severity.CRITICAL


@pytest.mark.parametrize(
    ("code", "retryable"), [(5, True), (10, True), (9, True), (13, False), (8, False), (11, False), (19, False)]
)
def test_temporary_and_permanent_are_told_apart(code: int, retryable: bool):
    assert translate(Raised(code), Phase.STATEMENT).retryable is retryable


TABLES = """
CREATE TABLE parent (id INTEGER PRIMARY KEY, name TEXT UNIQUE) STRICT;
CREATE TABLE child (
    id INTEGER PRIMARY KEY, parent INTEGER NOT NULL REFERENCES parent (id), age INTEGER,
    CONSTRAINT child_is_born CHECK (age >= 0)
) STRICT;
CREATE TRIGGER permanent BEFORE DELETE ON parent BEGIN SELECT RAISE(ABORT, 'parents are permanent'); END;
INSERT INTO parent VALUES (1, 'ann');
"""


@pytest.mark.parametrize(
    ("sql", "kind", "subject"),
    [
        ("INSERT INTO parent VALUES (2, 'ann')", "UNIQUE", "parent.name"),
        ("INSERT INTO parent VALUES (1, 'bob')", "UNIQUE", "parent.id"),
        ("INSERT INTO child VALUES (1, 1, -1)", "CHECK", "child_is_born"),
        ("INSERT INTO child VALUES (1, NULL, 1)", "NOT NULL", "child.parent"),
        ("INSERT INTO child VALUES (1, 9, 1)", "FOREIGN KEY", ""),
        ("INSERT INTO child VALUES (1, 1, 'old')", "TYPE", "child.age"),
        ("DELETE FROM parent", "TRIGGER", "parents are permanent"),
    ],
)
def test_a_violation_says_which_constraint_and_on_what(scratch: Scratch, sql: str, kind: str, subject: str):
    scratch.connection.executescript(TABLES)
    with pytest.raises(scratch.engine.error_class) as caught:
        scratch.rows(sql)
    error: Any = translate(caught.value, Phase.STATEMENT)
    assert (type(error), error.kind, error.subject) == (ConstraintViolated, kind, subject)


def test_error_ids_can_be_read_out_loud_and_do_not_repeat():
    ids = {new_error_id() for _ in range(1000)}
    assert len(ids) > 990
    assert all(re.fullmatch(r"E-[0-9A-HJKMNP-TV-Z]{6}", each) for each in ids)
