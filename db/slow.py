"""Statements that took too long: how often, how long, and how SQLite goes about them."""

from __future__ import annotations

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
    def scans(self) -> bool:
        """Whether a whole table is read: there is no index that would serve it."""
        return any(line.startswith("SCAN") and "INDEX" not in line for line in self.plan or ())


class SlowStatements:
    """The most recent ones, one entry a statement; the one not seen for longest gives way."""

    def __init__(self) -> None:
        self._found: dict[tuple[str, str], SlowStatement] = {}

    def note(self, name: str, statement: Statement, at_ms: int) -> SlowStatement:
        """Count one more; returns what is known of it now."""
        sql = " ".join(statement.sql.split())
        took_ms = round(statement.seconds * 1000, 3)
        before = self._found.pop((name, sql), None)
        found = SlowStatement(
            name=name,
            sql=sql,
            values=len(statement.values),
            count=before.count + 1 if before else 1,
            worst_ms=max(before.worst_ms, took_ms) if before else took_ms,
            latest_ms=took_ms,
            latest_at_ms=at_ms,
            plan=before.plan if before else None,
        )
        self._found[name, sql] = found
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

    def without_plan(self) -> list[SlowStatement]:
        return [found for found in self._found.values() if found.plan is None]

    def worst(self, count: int) -> tuple[SlowStatement, ...]:
        return tuple(sorted(self._found.values(), key=lambda found: found.worst_ms, reverse=True)[:count])


def plan_line(statement: SlowStatement) -> str:
    """For the log."""
    return f"{statement.name}: {shorten(statement.sql, _LONGEST_SQL)}: {' · '.join(statement.plan or ())}"
