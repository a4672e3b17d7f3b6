"""Every error of this layer, and the one place where SQLite's errors become ours.

DatabaseError
├── Unavailable            refused before any I/O: the mode or a breaker says no
├── ConnectionLost         the file or its connection cannot be used just now
├── QueryFailed            a read did not come to its end
│   └── DeadlineExceeded   it took longer than it may
├── TransactionFailed      a write did not come to its end; nothing of it was kept
│   └── ConstraintViolated   which constraint, and on what
├── SchemaMismatch         the database is not what this program expects
├── MigrationFailed        a schema change was undone whole
└── CorruptionDetected     the file's content does not hold together

StartupError               not a DatabaseError: the process should not run with this directory
├── DatabaseLocked · ForeignDatabase · NewerSchema · BadDataDirectory
"""

from __future__ import annotations

import os
import re
import secrets
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import ClassVar, Final

from db.explanations import explain

_CROCKFORD: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def new_error_id() -> str:
    """Six characters that can be read out loud; they join a user's message to the log."""
    return "E-" + "".join(secrets.choice(_CROCKFORD) for _ in range(6))


class ErrorType(StrEnum):
    CONNECTION_LOST = "connection lost"
    QUERY_FAILED = "query failed"
    SCHEMA_MISMATCH = "schema mismatch"
    TRANSACTION_FAILED = "transaction failed"
    CORRUPTION_DETECTED = "corruption detected"
    MIGRATION_FAILED = "migration failed"


class Severity(StrEnum):
    LOW = "low"  # retry at once
    MEDIUM = "medium"  # retry with backoff
    HIGH = "high"  # needs an operator
    CRITICAL = "critical"  # stop writing


class Phase(StrEnum):
    OPEN = "open"
    BEGIN = "begin"
    STATEMENT = "statement"
    COMMIT = "commit"
    READ = "read"


class Consequence(Enum):
    """What the layer does about an error, beyond telling the caller."""

    OWN = "the operation's alone"
    RETRY = "somebody else holds the lock: try again"
    RECONNECT = "the connection is replaced"
    STOP_WRITING = "the store cannot be written until a probe succeeds"
    DIAGNOSE = "the content may be damaged"
    DEADLINE = "its time was up"

    @property
    def is_infrastructure(self) -> bool:
        """Whether it concerns everybody, so that the batch ends and a breaker counts it."""
        return self not in (Consequence.OWN, Consequence.DEADLINE)

    @property
    def ends_transaction(self) -> bool:
        """Whether SQLite may have rolled back by itself, so that no further statement may run."""
        return self is not Consequence.OWN


class DatabaseError(Exception):
    """Base of what reading and writing raise. `text` is for a user, `str()` is for the log."""

    type: ClassVar[ErrorType] = ErrorType.QUERY_FAILED
    text: str = "Your request could not be processed."
    usual_consequence: ClassVar[Consequence] = Consequence.OWN

    def __init__(
        self,
        message: str,
        *,
        code: str = "",
        severity: Severity = Severity.MEDIUM,
        consequence: Consequence | None = None,
        phase: Phase | None = None,
    ) -> None:
        super().__init__(message)
        self.code = code
        self.severity = severity
        self.consequence = consequence or self.usual_consequence
        self.phase = phase
        self.error_id = new_error_id()
        self.sql = ""  # the statement that failed, where one did, and what was bound to it
        self.parameters: tuple[object, ...] = ()
        self.retries = 0  # how often it was tried again before it was raised

    @property
    def retryable(self) -> bool:
        """Temporary (worth trying again later) as against permanent."""
        return self.consequence is not Consequence.OWN and self.severity in (Severity.LOW, Severity.MEDIUM)


class Unavailable(DatabaseError):
    type = ErrorType.CONNECTION_LOST
    text = "The database is temporarily unavailable. Please try again shortly."


class ConnectionLost(DatabaseError):
    type = ErrorType.CONNECTION_LOST
    text = "The database is temporarily unavailable. Please try again shortly."
    usual_consequence = Consequence.RECONNECT


class QueryFailed(DatabaseError):
    type = ErrorType.QUERY_FAILED
    text = "Your request could not be processed."


class DeadlineExceeded(QueryFailed):
    text = "That took too long and was stopped. Please try again."


class TransactionFailed(DatabaseError):
    type = ErrorType.TRANSACTION_FAILED
    text = "This was not completed, and nothing was changed."


class ConstraintViolated(TransactionFailed):
    """A row broke a rule of the schema.

    `kind` is UNIQUE, CHECK, NOT NULL, FOREIGN KEY, TYPE or TRIGGER; `subject` the columns, the constraint's name, or
    what the trigger says.
    """

    def __init__(self, message: str, *, kind: str, subject: str, phase: Phase = Phase.STATEMENT) -> None:
        super().__init__(message, code="SQLITE_CONSTRAINT", phase=phase)
        self.kind = kind
        self.subject = subject
        self.text = f"This was not completed, and nothing was changed: {explain(kind, subject)}."


class SchemaMismatch(DatabaseError):
    type = ErrorType.SCHEMA_MISMATCH
    text = "The system is updating. Please try again shortly."


class MigrationFailed(DatabaseError):
    type = ErrorType.MIGRATION_FAILED
    text = "The update failed; an administrator has been told."


class CorruptionDetected(DatabaseError):
    type = ErrorType.CORRUPTION_DETECTED
    text = "An integrity problem was found; recovery is under way."


class StartupError(Exception):
    """The process must not run on this data. One line, and the exit code of sysexits.h."""

    exit_code: ClassVar[int] = os.EX_SOFTWARE


class DatabaseLocked(StartupError):
    exit_code = os.EX_TEMPFAIL

    def __init__(self, message: str, *, holder: str) -> None:
        super().__init__(message)
        self.holder = holder


class ForeignDatabase(StartupError):
    exit_code = os.EX_DATAERR


class NewerSchema(StartupError):
    exit_code = os.EX_DATAERR


class BadDataDirectory(StartupError):
    exit_code = os.EX_CANTCREAT


@dataclass(frozen=True, slots=True)
class _Rule:
    raises: type[DatabaseError]
    severity: Severity
    consequence: Consequence


_LOCK = _Rule(ConnectionLost, Severity.LOW, Consequence.RETRY)
_LOST = _Rule(ConnectionLost, Severity.MEDIUM, Consequence.RECONNECT)
_UNWRITABLE = _Rule(ConnectionLost, Severity.HIGH, Consequence.STOP_WRITING)
_DAMAGED = _Rule(CorruptionDetected, Severity.CRITICAL, Consequence.DIAGNOSE)
_LATE = _Rule(DeadlineExceeded, Severity.LOW, Consequence.DEADLINE)
_OWN = _Rule(TransactionFailed, Severity.MEDIUM, Consequence.OWN)

# By SQLite's primary result code (https://sqlite.org/rescode.html). What is not listed is the operation's own.
_RULES: Final[dict[int, tuple[str, _Rule]]] = {
    2: ("SQLITE_INTERNAL", _LOST),
    3: ("SQLITE_PERM", _LOST),
    4: ("SQLITE_ABORT", _LOST),
    5: ("SQLITE_BUSY", _LOCK),
    6: ("SQLITE_LOCKED", _LOCK),
    7: ("SQLITE_NOMEM", _LOST),
    8: ("SQLITE_READONLY", _UNWRITABLE),
    9: ("SQLITE_INTERRUPT", _LATE),
    10: ("SQLITE_IOERR", _LOST),
    11: ("SQLITE_CORRUPT", _DAMAGED),
    13: ("SQLITE_FULL", _UNWRITABLE),
    14: ("SQLITE_CANTOPEN", _LOST),
    15: ("SQLITE_PROTOCOL", _LOST),
    26: ("SQLITE_NOTADB", _DAMAGED),
    1: ("SQLITE_ERROR", _OWN),
    17: ("SQLITE_SCHEMA", _OWN),
    18: ("SQLITE_TOOBIG", _OWN),
    19: ("SQLITE_CONSTRAINT", _OWN),
    20: ("SQLITE_MISMATCH", _OWN),
    21: ("SQLITE_MISUSE", _OWN),
    25: ("SQLITE_RANGE", _OWN),
}
_READONLY: Final = 8
_CONSTRAINT: Final = 19
_CONSTRAINT_MESSAGE: Final = re.compile(r"(UNIQUE|CHECK|NOT NULL|FOREIGN KEY) constraint failed(?:: (.*))?")
_TYPE_MESSAGE: Final = re.compile(r"cannot store \w+ value in \w+ column (.*)")


def translate(exc: Exception, phase: Phase) -> DatabaseError:
    """The DatabaseError for what a SQLite library raised in `phase`; raise it `from exc`.

    The code decides, and the phase where a code means something else there: before an operation has begun,
    nothing can be the operation's own fault.
    """
    # The bundled library reports the primary code, the standard one the extended code: the low byte is common.
    primary = getattr(exc, "sqlite_errorcode", 1) & 0xFF
    code, rule = _RULES.get(primary, (f"SQLITE_{primary}", _OWN))
    message = f"{code} in {phase}: {exc}"
    if primary == _CONSTRAINT and phase in (Phase.STATEMENT, Phase.COMMIT):
        kind, subject = _explain(str(exc))
        return ConstraintViolated(message, kind=kind, subject=subject, phase=phase)
    if rule is _OWN and phase in (Phase.OPEN, Phase.BEGIN):
        rule = _LOST
    if primary == _READONLY and phase is Phase.READ:
        rule = _OWN  # a query that tries to write; its connection may only read, and is well
    raises = QueryFailed if rule is _OWN and phase is Phase.READ else rule.raises
    return raises(message, code=code, severity=rule.severity, consequence=rule.consequence, phase=phase)


def _explain(message: str) -> tuple[str, str]:
    """Which kind of constraint, and on what."""
    if match := _CONSTRAINT_MESSAGE.search(message):
        kind, subject = match.groups(default="")
        return kind, subject
    if match := _TYPE_MESSAGE.search(message):
        return "TYPE", match[1]
    return "TRIGGER", message
