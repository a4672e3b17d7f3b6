"""Opening a database: look, create if there is none, migrate, settle what the last process left, then use it."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from loguru import logger

from db import verification
from db.background import in_thread
from db.breaker import Breaker
from db.connection import ConnectionManager
from db.engine import Connection, Engine, PragmaRefused, checkpoint, prepare_new_file, prepare_writer
from db.errors import DatabaseError, ForeignDatabase, Phase, translate
from db.events import Events
from db.inspection import State, examine
from db.layout import Layout
from db.migrations import Migration, load_migrations, migrate
from db.readers import ReaderPool
from db.settings import DatabaseSettings
from db.transaction import TransactionManager
from db.verification import JournalReport, Note
from db.writer import Writer

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Problem:
    """Why there is no database to work with; the bot runs without."""

    sentence: str


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenStore:
    """One open generation and what works on it."""

    path: Path
    generation: int | None
    schema_version: int
    connections: ConnectionManager
    writer: Writer
    readers: ReaderPool
    engine: Engine
    settings: DatabaseSettings

    def database_bytes(self) -> int | None:
        return _size(self.path)

    def wal_bytes(self) -> int:
        return wal_bytes(self.path)

    async def verify_journal(self, notes: Sequence[Note] = ()) -> JournalReport:
        """Follow the journal's whole chain and compare it with what was noted; raises DatabaseError."""
        return await self.look(lambda connection: verification.verify(connection, notes))

    async def look(self, function: Callable[[Connection], T]) -> T:
        """Run something that reads much, on a connection and a thread of its own: nobody should wait behind it.

        Raises DatabaseError for SQLite's errors.
        """
        return await in_thread(self._look, function)

    def _look(self, function: Callable[[Connection], T]) -> T:
        try:
            connection = self.engine.connect(self.path, mode="ro", busy_timeout_s=self.settings.busy_timeout_s)
            try:
                return function(connection)
            finally:
                connection.close()
        except self.engine.error_class as exc:
            raise translate(exc, Phase.READ) from exc

    async def close(self) -> None:
        await self.writer.close()
        await self.readers.close()
        await self.connections.close(stuck=self.writer.stuck)


async def open_store(
    layout: Layout,
    migrations_directory: Path,
    engine: Engine,
    settings: DatabaseSettings,
    writing: Breaker,
    reading: Breaker,
    events: Events,
) -> OpenStore | Problem:
    """Open the current generation. Raises StartupError for a foreign or newer database; whatever else keeps it from
    being used is a Problem.
    """
    try:
        migrations = load_migrations(migrations_directory)
        schema_version = await in_thread(_make_ready, layout, engine, settings, migrations)
        if isinstance(schema_version, Problem):
            return schema_version
        path = layout.database
        connections = ConnectionManager(path, engine, settings, events)
        await connections.open()
    except OSError as exc:
        return Problem(f"{exc.filename}: {exc.strerror}")
    except DatabaseError as exc:
        logger.error("{} the database could not be opened: {}", exc.error_id, exc)
        return Problem(str(exc))
    writer = Writer(
        connections,
        TransactionManager(engine),
        engine,
        settings,
        writing,
        wal_bytes=partial(wal_bytes, str(path)),
    )
    try:
        await writer.settle()
    except DatabaseError as exc:
        # What cannot be written can still be read: the breaker's probe goes on trying.
        writing.trip(str(exc))
    except BaseException:
        await connections.close()  # their threads would keep the process from ending
        raise
    return OpenStore(
        path=path,
        generation=layout.generation,
        schema_version=schema_version,
        connections=connections,
        writer=writer,
        readers=ReaderPool(connections, engine, settings, reading),
        engine=engine,
        settings=settings,
    )


def _make_ready(
    layout: Layout, engine: Engine, settings: DatabaseSettings, migrations: Sequence[Migration]
) -> int | Problem:
    """See that there is a database of ours with the newest schema; returns the schema's version."""
    try:
        found = examine(layout, engine)
        if found.state is State.NEW:
            layout.create_first(lambda path: _build(path, engine, migrations))
            found = examine(layout, engine)  # a generation that was there already is taken as it is, and looked at too
        if found.state is State.FOREIGN:
            raise ForeignDatabase(found.detail)
        if found.state is not State.SOUND:
            return Problem(found.detail)
        layout.remember(layout.generation or 1)
        connection = engine.connect(layout.database, mode="rw", busy_timeout_s=settings.busy_timeout_s)
        try:
            prepare_writer(connection)
            return migrate(connection, engine, migrations)
        finally:
            connection.close()
    except engine.error_class as exc:
        raise translate(exc, Phase.OPEN) from exc
    except PragmaRefused as exc:
        return Problem(f"{layout.database}: {exc}")


def _build(path: Path, engine: Engine, migrations: Sequence[Migration]) -> None:
    connection = engine.connect(path, mode="rwc", busy_timeout_s=0)
    try:
        path.chmod(0o600)  # before the -wal and -shm, which take its mode
        prepare_new_file(connection)
        prepare_writer(connection)
        migrate(connection, engine, migrations)
        checkpoint(connection)
    finally:
        connection.close()


def wal_bytes(path: Path | str) -> int:
    """The size of the WAL beside a database file; its frames are always live, for checkpoints cut it to nothing."""
    return _size(f"{path}-wal") or 0


def _size(path: Path | str) -> int | None:
    try:
        return os.stat(path).st_size  # noqa: PTH116 - asked after every commit
    except OSError:
        return None
