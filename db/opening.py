"""The way in: a locked data directory, and the manager of its database for as long as a block lasts."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from db.background import to_its_end
from db.engine import load_engine
from db.errors import BadDataDirectory
from db.layout import Layout
from db.lock import DirectoryLock
from db.manager import DatabaseManager
from db.mounts import network_file_system
from db.settings import DatabaseSettings


@asynccontextmanager
async def open_database(settings: DatabaseSettings, migrations: Path) -> AsyncGenerator[DatabaseManager]:
    """Lock the data directory, open its database and keep it until the block ends.

    Raises StartupError where this process must not run on it. A database that is missing though there was one,
    cannot be read or is damaged opens OFFLINE instead: commands without database go on working.
    """
    engine = load_engine(settings.engine)
    layout = Layout(settings.directory)
    layout.prepare()
    if (kind := network_file_system(settings.directory)) and not settings.allow_network_file_system:
        raise BadDataDirectory(
            f"{settings.directory} is on a network file system ({kind}), which cannot keep a database"
        )
    lock = DirectoryLock(layout.lock)
    lock.acquire()
    manager = DatabaseManager(settings, migrations, engine)
    try:
        await manager.start()
        yield manager
    finally:
        try:
            await to_its_end(manager.close())
        finally:
            lock.release()
