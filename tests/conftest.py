from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import Any, cast

import pytest

from db import Context, DatabaseSettings, Operation, Query, Snapshot, WriteResult
from db.connection import HopConnection
from db.engine import Choice, load_engine, prepare_new_file, prepare_writer
from db.migrations import load_migrations, migrate
from db.submission import submit
from db.transaction import End, TransactionManager

MIGRATIONS = Path(__file__).parent.parent / "migrations"
ENGINE = cast("Choice", os.environ.get("ROLLCALL_TEST_ENGINE", "auto"))
_FAR_AWAY = 1e12


class Scratch:
    """A migrated SQLite file on which operations run as the writer runs them: savepoint, journal row, commit.

    There is no event loop and no thread: `run` answers what `DatabaseManager.write` would.
    """

    def __init__(self, path: Path) -> None:
        self.engine = load_engine(ENGINE)
        self.connection = self.engine.connect(path, mode="rwc", busy_timeout_s=1)
        prepare_new_file(self.connection)
        prepare_writer(self.connection)
        migrate(self.connection, self.engine, load_migrations(MIGRATIONS))
        self.now_ms = 1_700_000_000_000
        self._transactions = TransactionManager(self.engine, now_ms=lambda: self.now_ms)
        self._numbers = itertools.count(1)

    def run(
        self, operation: Operation[..., Any], *, actor: int = 1, guild: int = 7, operation_id: str = "", **params: Any
    ) -> WriteResult[Any]:
        context = Context(operation_id=operation_id or f"test:{next(self._numbers)}", actor=actor, guild=guild)
        submission = submit(operation, context, params, deadline=_FAR_AWAY, future=cast("Any", None))
        hop = cast("HopConnection", _Hop(self.connection))
        report = self._transactions.commit(hop, [submission], lambda: None)
        assert report.end is End.COMMITTED, report.error
        return report.results[0]

    def ask(self, query: Query[..., Any], **params: Any) -> Any:
        self.connection.execute("BEGIN")
        try:
            return query(Snapshot(self.connection, self.engine), **params)
        finally:
            self.connection.execute("ROLLBACK")

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        return self.connection.execute(sql, values).fetchall()


class _Hop:
    deadline: float | None = None

    def __init__(self, raw: object) -> None:
        self.raw = raw


@pytest.fixture
def scratch(tmp_path: Path):
    made = Scratch(tmp_path / "scratch.db")
    yield made
    made.connection.close()


@pytest.fixture
def settings(tmp_path: Path) -> DatabaseSettings:
    """Defaults, but impatient, in a directory of the test's own."""
    return DatabaseSettings(
        directory=tmp_path / "data",
        engine=ENGINE,
        retry_base_s=0.001,
        retry_max_s=0.01,
        breaker_delay_s=0.02,
        file_check_interval_s=0.02,
    )
