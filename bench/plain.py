"""What a careful bot author writes without a layer: one aiosqlite connection and a lock around transactions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import aiosqlite

from bench.schema import BEGIN, GIVE, READ, RECORD, SCHEMA, TAKE, WALLETS
from db.engine import load_engine


class Plain:
    """The same SQLite library, WAL and synchronous=FULL as the layer has."""

    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection
        self._lock = asyncio.Lock()

    async def transfer(self) -> None:
        sender, recipient = random.sample(range(1, WALLETS + 1), 2)
        async with self._lock:
            await self._connection.execute(BEGIN)
            await self._connection.execute(TAKE, (1, sender, 1))
            await self._connection.execute(GIVE, (1, recipient))
            await self._connection.execute(RECORD, (sender, recipient, 1))
            await self._connection.execute("COMMIT")

    async def read(self) -> None:
        await self._connection.execute_fetchall(READ, (random.randint(1, WALLETS),))


@asynccontextmanager
async def open_plain(directory: Path) -> AsyncGenerator[Plain]:
    engine = load_engine()
    path = directory / "plain.db"
    async with aiosqlite.Connection(lambda: engine.connect(path, mode="rwc", busy_timeout_s=5), 64) as connection:
        await connection.execute_fetchall("PRAGMA journal_mode = WAL")
        await connection.execute_fetchall("PRAGMA synchronous = FULL")
        await connection.executescript(SCHEMA)
        yield Plain(connection)
