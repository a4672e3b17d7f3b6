"""Migrations: each whole or not at all, and a history that cannot be rewritten."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from db import DatabaseSettings, MigrationFailed, Mode, NewerSchema, SchemaMismatch, open_database
from db.engine import Connection, load_engine
from db.migrations import load_migrations, migrate, pending, split_statements
from tests.conftest import ENGINE, Scratch
from tests.db.feature import by, fill


def write(directory: Path, name: str, up: str, down: str = "") -> Path:
    directory.mkdir(exist_ok=True)
    path = directory / name
    path.write_text(f"-- migrate:up\n{up}\n-- migrate:down\n{down}\n")
    return path


@pytest.fixture
def files(tmp_path: Path) -> Path:
    directory = tmp_path / "own"
    write(directory, "0001_first.sql", "CREATE TABLE first (id INTEGER PRIMARY KEY) STRICT;")
    write(directory, "0002_second.sql", "CREATE TABLE second (id INTEGER PRIMARY KEY) STRICT;")
    return directory


@pytest.fixture
def connection(tmp_path: Path):
    opened = load_engine(ENGINE).connect(tmp_path / "own.db", mode="rwc", busy_timeout_s=1)
    yield opened
    opened.close()


def apply(connection: Connection, files: Path) -> int:
    return migrate(connection, load_engine(ENGINE), load_migrations(files))


def schema(connection: Connection) -> list[tuple[Any, ...]]:
    return connection.execute("SELECT type, name, sql FROM sqlite_schema ORDER BY name").fetchall()


def test_pending_migrations_are_applied_in_order_and_recorded(connection: Connection, files: Path):
    assert apply(connection, files) == 2
    recorded = connection.execute("SELECT version, name FROM schema_migration ORDER BY version").fetchall()
    assert recorded == [(1, "first"), (2, "second")]
    assert not pending(connection, load_migrations(files))


def test_a_later_migration_is_added_to_those_before(connection: Connection, files: Path):
    apply(connection, files)
    write(files, "0003_third.sql", "ALTER TABLE first ADD COLUMN cents INTEGER NOT NULL DEFAULT 5;")
    connection.execute("INSERT INTO first (id) VALUES (1)")
    assert apply(connection, files) == 3
    assert connection.execute("SELECT cents FROM first").fetchall() == [(5,)]


def test_a_migration_edited_after_it_was_applied_is_refused(connection: Connection, files: Path):
    apply(connection, files)
    write(files, "0001_first.sql", "CREATE TABLE other (id INTEGER PRIMARY KEY) STRICT;")
    with pytest.raises(SchemaMismatch, match="0001_first was edited"):
        apply(connection, files)


def test_a_migration_renamed_after_it_was_applied_is_refused(connection: Connection, files: Path):
    apply(connection, files)
    (files / "0002_second.sql").rename(files / "0002_other.sql")
    with pytest.raises(SchemaMismatch, match="0002_second"):
        apply(connection, files)


def test_a_newer_schema_is_refused_naming_both_versions(connection: Connection, files: Path):
    apply(connection, files)
    (files / "0002_second.sql").unlink()
    with pytest.raises(NewerSchema, match=r"version 2, this program knows 1"):
        apply(connection, files)


@pytest.mark.parametrize("name", ["0004_gap.sql", "0002_double.sql"])
def test_a_gap_or_a_double_is_refused(files: Path, name: str):
    write(files, name, "SELECT 1;")
    with pytest.raises(SchemaMismatch):
        load_migrations(files)


@pytest.mark.parametrize("name", ["3_short.sql", "0003-dash.sql", "0003_UPPER.sql", "notes.sql"])
def test_a_file_that_cannot_be_a_migration_is_named(files: Path, name: str):
    write(files, name, "SELECT 1;")
    with pytest.raises(SchemaMismatch, match=name):
        load_migrations(files)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SELECT 1;",
        "-- migrate:up\nSELECT 1;",
        "-- migrate:down\n-- migrate:up\n",
        "-- migrate:up\n-- migrate:up\n-- migrate:down\n",
        "CREATE TABLE lost (id);\n-- migrate:up\n-- migrate:down\n",
    ],
)
def test_sections_that_are_missing_or_in_disorder_are_refused(files: Path, text: str):
    (files / "0003_odd.sql").write_text(text)
    with pytest.raises(SchemaMismatch, match="0003_odd"):
        load_migrations(files)


def test_a_directory_without_migrations_is_refused(tmp_path: Path):
    """Else a wrong path would make an empty database."""
    with pytest.raises(SchemaMismatch, match="no migrations"):
        load_migrations(tmp_path / "nowhere")


FAILING = {
    "a bad statement": "CREATE TABLE third (id INTEGER PRIMARY KEY) STRICT; CREATE TABLE third (id INTEGER);",
    "bad data": "CREATE TABLE third (id INTEGER PRIMARY KEY) STRICT; INSERT INTO third VALUES ('x');",
    "a foreign key found at the end": (
        "CREATE TABLE third (id INTEGER REFERENCES first (id) DEFERRABLE INITIALLY DEFERRED) STRICT;"
        "INSERT INTO third VALUES (99);"
    ),
    "its own commit": "CREATE TABLE third (id INTEGER PRIMARY KEY) STRICT; COMMIT; SELECT nothing;",
    "its own rollback": "CREATE TABLE third (id INTEGER PRIMARY KEY) STRICT; /* x */ rollback;",
    "an end without semicolon": "CREATE TABLE third (id INTEGER PRIMARY KEY) STRICT; DROP TABLE first",
}


@pytest.mark.parametrize("up", FAILING.values(), ids=FAILING)
def test_a_failing_migration_leaves_the_database_as_it_was(connection: Connection, files: Path, up: str):
    apply(connection, files)
    connection.execute("PRAGMA foreign_keys = ON")
    before = schema(connection)
    write(files, "0003_third.sql", up)
    with pytest.raises(MigrationFailed, match="0003_third was undone"):
        apply(connection, files)
    assert not connection.in_transaction
    assert schema(connection) == before
    assert connection.execute("SELECT max(version) FROM schema_migration").fetchall() == [(2,)]


async def test_a_failed_migration_starts_degraded_and_a_mended_one_heals(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as db:
        await db.write(fill, by("fill:1"), owner=1, cents=5)
    broken = write(migrations, "0003_broken.sql", "CREATE TABLE x (id INTEGER PRIMARY KEY) STRICT; SELECT nothing;")
    async with open_database(settings, migrations) as db:
        assert db.mode is Mode.OFFLINE
        assert "0003_broken was undone" in db.mode_reason
        refused = await db.write(fill, by("fill:2"), owner=1, cents=5)
        assert (refused.outcome, refused.reason) == ("failed", "OFFLINE")
    broken.unlink()
    async with open_database(settings, migrations) as db:
        assert db.mode is Mode.READ_WRITE
        assert (await db.write(fill, by("fill:1"), owner=1, cents=5)).repeated


async def test_a_history_that_the_files_contradict_starts_degraded(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations):
        pass
    write(migrations, "0002_purses.sql", "SELECT 1;")
    async with open_database(settings, migrations) as db:
        assert (db.mode, db.status().schema_version) == (Mode.OFFLINE, None)
        assert "0002_purses was edited" in db.mode_reason


STATEMENTS = [
    "CREATE TABLE t{n} (a TEXT DEFAULT ';')",
    "INSERT INTO log VALUES ('semi;colon -- no comment')",
    "INSERT INTO log VALUES ('it''s; /* none */')",
    "CREATE TRIGGER g{n} AFTER INSERT ON log BEGIN SELECT 1; SELECT ';'; END",
    'CREATE TABLE "odd;name{n}" (a TEXT)',
    "SELECT CASE WHEN 1 THEN ';' END",
]
FILLING = st.lists(
    st.sampled_from([" ", "\n", "-- a comment; with one\n", "/* and; another */", "-- it's\n", "/* END; */"]),
    max_size=3,
).map("".join)


@hypothesis_settings(deadline=None, max_examples=200)
@given(parts=st.lists(st.tuples(FILLING, st.sampled_from(STATEMENTS), FILLING), max_size=6), end=FILLING)
def test_for_any_script_its_statements_are_found_one_by_one(parts: list[tuple[str, str, str]], end: str):
    engine = load_engine(ENGINE)
    script = "".join(f"{before}{sql.format(n=n)}{after};" for n, (before, sql, after) in enumerate(parts)) + end
    found = list(split_statements(script, engine))
    assert len(found) == len(parts)
    assert all(sql.format(n=n) in each for n, (each, (_, sql, _)) in enumerate(zip(found, parts, strict=True)))
    connection = engine.module.connect(":memory:")
    connection.execute("CREATE TABLE log (line TEXT)")
    for each in found:
        connection.execute(each)
    connection.close()


def test_the_projects_own_migrations_go_up_and_down_again(scratch: Scratch):
    migrations = load_migrations(Path(__file__).parents[2] / "migrations")
    for migration in reversed(migrations):
        for statement in split_statements(migration.down, scratch.engine):
            scratch.rows(statement)
    left = scratch.rows("SELECT name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'")
    assert left == [("schema_migration",)]
