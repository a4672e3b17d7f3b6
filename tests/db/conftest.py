from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from db import DatabaseManager, DatabaseSettings, open_database
from tests.conftest import Scratch
from tests.db.feature import PURSES, write_migrations


@pytest.fixture
def migrations(tmp_path: Path) -> Path:
    return write_migrations(tmp_path / "migrations")


@pytest.fixture
async def db(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as opened:
        yield opened


@pytest.fixture
async def impatient(settings: DatabaseSettings, migrations: Path):
    """Deadlines that a test can wait for."""
    soon = replace(settings, operation_timeout_s=0.2, query_timeout_s=0.2, busy_timeout_s=0.05)
    async with open_database(soon, migrations) as opened:
        yield opened


@pytest.fixture
def purses(scratch: Scratch) -> Scratch:
    """A scratch file with the test feature's tables."""
    up, _, _ = PURSES.partition("-- migrate:down")
    for statement in up.split(";")[:-1]:
        scratch.connection.execute(statement)
    return scratch


def raw_rows(db: DatabaseManager, sql: str, *values: object) -> Sequence[tuple[object, ...]]:
    """Look at the file from outside the layer, through a connection of the same SQLite library."""
    assert db._store is not None
    connection = db._store.engine.connect(db.status().path, mode="rw", busy_timeout_s=5)
    try:
        return connection.execute(sql, values).fetchall()
    finally:
        connection.close()
