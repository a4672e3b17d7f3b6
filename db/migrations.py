"""Versioned schema changes: `NNNN_name.sql` with `-- migrate:up` and `-- migrate:down` (dbmate's convention).

Each is applied together with its record in one transaction. A file that was edited after it was applied, a gap, or
a number used twice is refused: the schema would no longer be what the files say.
"""

from __future__ import annotations

import hashlib
import re
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from db.errors import MigrationFailed, NewerSchema, SchemaMismatch

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from db.engine import Connection, Engine

_FILE_NAME: Final = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_SECTION: Final = re.compile(r"^-- migrate:(up|down)[ \t]*$", re.MULTILINE)

_TRANSACTION_CONTROL: Final = re.compile(r"(BEGIN|COMMIT|END|ROLLBACK|SAVEPOINT|RELEASE)\b", re.IGNORECASE)

_CREATE_RECORD: Final = """
CREATE TABLE IF NOT EXISTS schema_migration (
    version INTEGER PRIMARY KEY,
    name TEXT NOT NULL,
    checksum TEXT NOT NULL,
    applied_at_ms INTEGER NOT NULL
) STRICT
"""
_HAS_RECORD: Final = "SELECT count(*) FROM sqlite_schema WHERE name = 'schema_migration'"
_APPLIED: Final = "SELECT version, name, checksum FROM schema_migration ORDER BY version"
_RECORD: Final = "INSERT INTO schema_migration (version, name, checksum, applied_at_ms) VALUES (?, ?, ?, ?)"


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One file. `up` and `down` are its two sections as text."""

    version: int
    name: str
    up: str
    down: str
    checksum: str

    def __str__(self) -> str:
        return f"{self.version:04}_{self.name}"


def load_migrations(directory: Path) -> tuple[Migration, ...]:
    """All migrations in order; raises SchemaMismatch naming a file that cannot be one, a gap or a double."""
    found = tuple(_load(path) for path in sorted(directory.glob("*.sql")))
    if not found:
        raise SchemaMismatch(f"{directory}: there are no migrations")
    for expected, migration in enumerate(found, start=1):
        if migration.version != expected:
            raise SchemaMismatch(f"{directory}: found {migration} where number {expected:04} was expected")
    return found


def _load(path: Path) -> Migration:
    match = _FILE_NAME.fullmatch(path.name)
    if match is None:
        raise SchemaMismatch(f"{path.name}: a migration is called NNNN_name.sql")
    text = path.read_text()
    parts = _SECTION.split(text)
    if parts[1::2] != ["up", "down"]:
        raise SchemaMismatch(f"{path.name}: needs a '-- migrate:up' and then a '-- migrate:down' section")
    if _without_comments(parts[0]):
        raise SchemaMismatch(f"{path.name}: what stands above '-- migrate:up' would never be run")
    return Migration(
        version=int(match[1]),
        name=match[2],
        up=parts[2],
        down=parts[4],
        checksum=hashlib.sha256(text.encode()).hexdigest(),
    )


def pending(connection: Connection, migrations: Sequence[Migration]) -> Sequence[Migration]:
    """Those not applied yet. Raises NewerSchema, or SchemaMismatch where the history is not the files'."""
    applied: list[tuple[int, str, str]] = []
    if connection.execute(_HAS_RECORD).fetchone()[0]:
        applied = connection.execute(_APPLIED).fetchall()
    if len(applied) > len(migrations):
        newest = applied[-1][0]
        raise NewerSchema(
            f"the database has schema version {newest}, this program knows {len(migrations)}: use a newer Rollcall"
        )
    for (version, name, checksum), migration in zip(applied, migrations, strict=False):
        if (version, name) != (migration.version, migration.name):
            raise SchemaMismatch(f"migration {migration} is not what was applied there: {version:04}_{name}")
        if checksum != migration.checksum:
            raise SchemaMismatch(f"migration {migration} was edited after it had been applied")
    return migrations[len(applied) :]


def migrate(connection: Connection, engine: Engine, migrations: Sequence[Migration]) -> int:
    """Apply what is pending and return the schema's version; raises MigrationFailed with everything undone."""
    for migration in pending(connection, migrations):
        _apply(connection, engine, migration)
    return len(migrations)


def _apply(connection: Connection, engine: Engine, migration: Migration) -> None:
    statement = ""
    connection.execute("BEGIN IMMEDIATE")
    try:
        connection.execute(_CREATE_RECORD)
        for statement in split_statements(migration.up, engine):
            _refuse_transaction_control(statement)
            connection.execute(statement)
        now_ms = time.time_ns() // 1_000_000
        connection.execute(_RECORD, (migration.version, migration.name, migration.checksum, now_ms))
        connection.execute("COMMIT")
    except (engine.error_class, SchemaMismatch) as exc:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise MigrationFailed(f"migration {migration} was undone: {exc}; at: {statement.strip()}") from exc


def _refuse_transaction_control(statement: str) -> None:
    if _TRANSACTION_CONTROL.match(_without_comments(statement)):
        raise SchemaMismatch("a migration is one transaction, and not its own to begin or end")


def split_statements(script: str, engine: Engine) -> Iterator[str]:
    """The statements of a script, one by one; triggers, strings and comments may contain semicolons."""
    statement = ""
    for part in re.split(r"(?<=;)", script):
        statement += part
        if statement.strip() and engine.complete_statement(statement):
            yield statement
            statement = ""
    if _without_comments(statement):
        raise SchemaMismatch(f"a statement is not ended by a semicolon: {statement.strip()[:80]}")


def _without_comments(text: str) -> str:
    return re.sub(r"--[^\n]*|/\*.*?\*/", "", text, flags=re.DOTALL).strip()
