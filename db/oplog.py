"""The operation log: each operation and query, at the level it deserves.

    DEBUG    every one, with its parameters and statements; a rule's refusal too: it is an ordinary answer
    INFO     one that was refused because of the database's mode: the change of the mode has been warned of already
    WARNING  a slow one
    ERROR    one that failed, with its statement and traceback; WARNING where the cause passes by itself

Not each at INFO: a line costs more than a whole operation, and who did what when stands in the journal anyway.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from loguru import logger

from db.error_log import ErrorRecord
from db.errors import Severity
from db.operations import Context
from db.redaction import redacted, shorten, shown_values
from db.snapshot import Statement

_LONGEST_PARAMETERS: Final = 2_000
_LONGEST_SQL: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """An operation or query that has ended. `rows`: matched and modified, of an operation."""

    name: str
    operation_id: str = ""
    params: Mapping[str, Any]
    hidden: frozenset[str] = frozenset()
    seconds: float
    outcome: str
    rows: tuple[int, int] | None = None
    statements: Sequence[Statement] = ()

    def line(self) -> str:
        name = f"{self.name} [{self.operation_id}]" if self.operation_id else self.name
        rows = f", rows {self.rows[0]} matched, {self.rows[1]} modified" if self.rows else ""
        return f"{name} {self.outcome} in {self.seconds * 1000:.2f} ms{rows}"


def log_done(call: Call) -> None:
    """At DEBUG, with everything that may be seen."""
    params = orjson.dumps(redacted(call.params, call.hidden)).decode()
    logger.debug("{}: {}", call.line(), shorten(params, _LONGEST_PARAMETERS))
    for statement in call.statements:
        values = ", ".join(shown_values(statement.values, hide=bool(call.hidden)))
        logger.debug("{}: {:.2f} ms: {} with ({})", call.name, statement.seconds * 1000, _sql(statement), values)


def log_slow(call: Call, slow: Sequence[Statement]) -> None:
    """At WARNING, without values; `slow` are those of its statements that took long."""
    said = "; ".join(f"{statement.seconds * 1000:.0f} ms: {_sql(statement)}" for statement in slow)
    logger.warning("slow: {}; {}", call.line(), said or "no statement of it: it waited, or its commit was slow")


def log_refused(name: str, context: Context, reason: str, error_id: str) -> None:
    logger.info("[{}] {} [{}] of user {} was not run: {}", error_id, name, context.operation_id, context.actor, reason)


def log_failed(call: Call, record: ErrorRecord) -> None:
    """What passes by itself is a warning; the rest needs somebody to look."""
    level = "WARNING" if record.severity is Severity.LOW else "ERROR"
    took_ms = call.seconds * 1000
    logger.log(level, "[{}] after {:.2f} ms, {}\n{}", record.id, took_ms, record.line(), record.traceback)


def _sql(statement: Statement) -> str:
    return shorten(" ".join(statement.sql.split()), _LONGEST_SQL)
