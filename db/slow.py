"""Statements that took too long: how often, how long, and how SQLite goes about them."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, replace
from typing import Final

from db.redaction import shorten
from db.snapshot import Statement

_KEPT: Final = 100
_LONGEST_SQL: Final = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class SlowStatement:
    """One statement of one operation or query. `plan` is what EXPLAIN QUERY PLAN said later; None: not asked yet."""

    name: str
    sql: str
    values: int
    count: int
    worst_ms: float
    latest_ms: float
    latest_at_ms: int
    plan: tuple[str, ...] | None = None

    @property
    def said(self) -> str:
        """The statement on one line."""
        return shorten(" ".join(self.sql.split()), _LONGEST_SQL)

    @property
    def scans(self) -> bool:
        """Whether a whole table is read: there is no index that would serve it."""
        return any(line.startswith("SCAN") and "INDEX" not in line for line in self.plan or ())


class SlowStatements:
    """The most recent ones, one entry a statement; the one not seen for longest gives way."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], SlowStatement] = {}
        self._new: deque[str] = deque(maxlen=_KEPT)

    def note(self, name: str, statement: Statement, at_ms: int) -> SlowStatement:
        """Count one more; returns what is known of it now."""
        key = name, statement.sql
        took_ms = round(statement.seconds * 1000, 3)
        before = self._found.pop(key, None)
        if before is None:
            self._new.append(name)
        found = SlowStatement(
            name=name,
            sql=statement.sql,
            values=len(statement.values),
            count=before.count + 1 if before else 1,
            worst_ms=max(before.worst_ms, took_ms) if before else took_ms,
            latest_ms=took_ms,
            latest_at_ms=at_ms,
            plan=before.plan if before else None,
        )
        self._found[key] = found
        if len(self._found) > _KEPT:
            del self._found[next(iter(self._found))]
        return found

    def set_plan(self, statement: SlowStatement, plan: tuple[str, ...]) -> None:
        key = statement.name, statement.sql
        if key in self._found:
            self._found[key] = replace(self._found[key], plan=plan)

    def forget_plans(self) -> None:
        """They are asked for again: what SQLite knows of the tables has changed."""
        self._found = {key: replace(found, plan=None) for key, found in self._found.items()}

    def take_new(self) -> list[str]:
        """Whose statements have become slow since this was asked last."""
        names = list(self._new)
        self._new.clear()
        return names

    def without_plan(self) -> list[SlowStatement]:
        return [found for found in self._found.values() if found.plan is None]

    def worst(self, count: int) -> tuple[SlowStatement, ...]:
        return tuple(sorted(self._found.values(), key=lambda found: found.worst_ms, reverse=True)[:count])
