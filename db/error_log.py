"""The newest errors, with all that helps to understand them; the log has each under the same id."""

from __future__ import annotations

import time
import traceback
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from db.errors import ConstraintViolated, DatabaseError, ErrorType, Severity
from db.redaction import REDACTED, shorten, shown_values, without_secrets

_KEPT: Final = 500  # at some 10 KB each at most: a few megabytes
_LONGEST_SQL: Final = 2_000
_LONGEST_TRACEBACK: Final = 6_000
# SQLite's text for these names columns and constraints, never a value.
_NAMES_ONLY: Final = frozenset({"UNIQUE", "CHECK", "NOT NULL", "FOREIGN KEY", "TYPE"})


@dataclass(frozen=True, slots=True, kw_only=True)
class ErrorRecord:
    """One error. `name` is the operation's or query's; what may not be seen has been taken out of every text."""

    id: str
    at_ms: int
    type: ErrorType
    severity: Severity
    code: str
    message: str
    name: str
    operation_id: str
    sql: str
    parameters: tuple[str, ...]
    traceback: str
    retries: int
    is_infrastructure: bool
    resolved: bool = False

    def line(self) -> str:
        """The record without its traceback."""
        where = f"{self.name} [{self.operation_id}]" if self.operation_id else self.name
        tries = f", after {self.retries} retries" if self.retries else ""
        statement = f"; in {self.sql} with ({', '.join(self.parameters)})" if self.sql else ""
        return f"{where}: {self.type} ({self.severity}{tries}): {self.message}{statement}"


def describe(
    exc: BaseException, *, error_id: str, name: str, operation_id: str = "", hides: bool = False
) -> ErrorRecord:
    """Everything about an error that may be kept. `hides`: the operation has redacted parameters, so no text shows
    that could have been made from one.
    """
    ours = exc if isinstance(exc, DatabaseError) else None
    return ErrorRecord(
        id=error_id,
        at_ms=time.time_ns() // 1_000_000,
        # A mistake in an operation is no transient thing: somebody has to mend it.
        type=ours.type if ours else ErrorType.TRANSACTION_FAILED,
        severity=ours.severity if ours else Severity.HIGH,
        code=ours.code if ours else type(exc).__name__,
        message=_message(exc, hides=hides),
        name=name,
        operation_id=operation_id,
        sql=shorten(" ".join(ours.sql.split()), _LONGEST_SQL) if ours else "",
        parameters=shown_values(ours.parameters, hide=hides) if ours else (),
        traceback=_traceback(exc, hides=hides),
        retries=ours.retries if ours else 0,
        is_infrastructure=ours is not None and ours.consequence.is_infrastructure,
    )


def _message(exc: BaseException, *, hides: bool) -> str:
    names_only = isinstance(exc, ConstraintViolated) and exc.kind in _NAMES_ONLY
    if hides and not names_only:
        return f"{getattr(exc, 'code', '') or type(exc).__name__}: {REDACTED}"
    return shorten(without_secrets(str(exc) or type(exc).__name__), _LONGEST_SQL)


def _traceback(exc: BaseException, *, hides: bool) -> str:
    """The newest end of it. Lines of source hold no values, messages may."""
    if not hides:
        text = "".join(traceback.format_exception(exc))
    else:
        text = "".join(traceback.format_tb(exc.__traceback__)) + f"{type(exc).__name__}: {REDACTED}"
    return without_secrets(text)[-_LONGEST_TRACEBACK:].rstrip()


class ErrorLog:
    """A ring of records, in the order they happened."""

    def __init__(self) -> None:
        self._records: dict[str, ErrorRecord] = {}
        self._open: dict[str, ErrorRecord] = {}  # those of the records that are not resolved yet
        self.count = 0  # since the start
        self.has_open = False  # whether anything is left to resolve; asked after every success

    def add(self, record: ErrorRecord) -> None:
        self.count += 1
        self._records[record.id] = record
        if not record.resolved:
            self._open[record.id] = record
        if len(self._records) > _KEPT:
            oldest = next(iter(self._records))
            del self._records[oldest]
            self._open.pop(oldest, None)
        self.has_open = bool(self._open)

    def find(self, error_id: str) -> ErrorRecord | None:
        """The record a user's message names; None once newer ones have taken its place."""
        return self._records.get(error_id.strip().upper())

    def newest(self, count: int) -> tuple[ErrorRecord, ...]:
        """The newest first."""
        return tuple(record for _, record in zip(range(count), reversed(self._records.values()), strict=False))

    def __iter__(self) -> Iterator[ErrorRecord]:
        return iter(tuple(self._records.values()))

    @property
    def open_count(self) -> int:
        return len(self._open)

    def resolve(self, *, operation_id: str = "", infrastructure: bool = False) -> None:
        """Mark as over what a success has shown to be over: errors under the same operation id, and what was wrong
        with the database itself rather than with one operation.
        """
        for record in tuple(self._open.values()):
            same = bool(operation_id) and record.operation_id == operation_id
            if same or (infrastructure and record.is_infrastructure):
                self._records[record.id] = replace(record, resolved=True)
                del self._open[record.id]
        self.has_open = bool(self._open)
