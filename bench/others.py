"""Other ways to use SQLite from asyncio, each as its own documentation shows it, on the standard library's SQLite."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asqlite
from sqlalchemy import event, text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from bench.schema import BEGIN, GIVE, READ, RECORD, SCHEMA, TAKE, WALLETS


class Asqlite:
    """A pool of connections; one of them, under a lock, writes."""

    def __init__(self, pool: asqlite.Pool) -> None:
        self._pool = pool
        self._lock = asyncio.Lock()

    async def transfer(self) -> None:
        sender, recipient = random.sample(range(1, WALLETS + 1), 2)
        async with self._lock, self._pool.acquire() as connection, connection.transaction():
            await connection.execute(TAKE, (1, sender, 1))
            await connection.execute(GIVE, (1, recipient))
            await connection.execute(RECORD, (sender, recipient, 1))

    async def read(self) -> None:
        async with self._pool.acquire() as connection:
            await connection.fetchone(READ, (random.randint(1, WALLETS),))


@asynccontextmanager
async def open_asqlite(directory: Path) -> AsyncGenerator[Asqlite]:
    async with asqlite.create_pool(str(directory / "asqlite.db"), init=_full) as pool:
        async with pool.acquire() as connection:
            await connection.executescript(SCHEMA)
        yield Asqlite(pool)


def _full(connection: Any) -> None:
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")


_TAKE = text("UPDATE bench_wallet SET balance = balance - :amount WHERE id = :id AND balance >= :amount")
_GIVE = text("UPDATE bench_wallet SET balance = balance + :amount WHERE id = :id")
_RECORD = text("INSERT INTO bench_transfer (sender, recipient, amount) VALUES (:sender, :recipient, :amount)")
_READ = text(READ.replace("?", ":id"))


class Alchemy:
    """SQLAlchemy's asyncio engine on aiosqlite, without its object mapper."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine
        self._lock = asyncio.Lock()

    async def transfer(self) -> None:
        sender, recipient = random.sample(range(1, WALLETS + 1), 2)
        async with self._lock, self._engine.connect() as connection, connection.begin():
            await connection.exec_driver_sql(BEGIN)
            await connection.execute(_TAKE, {"amount": 1, "id": sender})
            await connection.execute(_GIVE, {"amount": 1, "id": recipient})
            await connection.execute(_RECORD, {"sender": sender, "recipient": recipient, "amount": 1})

    async def read(self) -> None:
        async with self._engine.connect() as connection:
            (await connection.execute(_READ, {"id": random.randint(1, WALLETS)})).fetchone()


@asynccontextmanager
async def open_alchemy(directory: Path) -> AsyncGenerator[Alchemy]:
    engine = create_async_engine(f"sqlite+aiosqlite:///{directory / 'alchemy.db'}")

    @event.listens_for(engine.sync_engine, "connect")
    def prepare(connection: object, _record: object) -> None:
        connection.isolation_level = None  # type: ignore[attr-defined]  # BEGIN IMMEDIATE is ours to say
        cursor = connection.cursor()  # type: ignore[attr-defined]
        cursor.execute("PRAGMA journal_mode = WAL")
        cursor.execute("PRAGMA synchronous = FULL")
        cursor.close()

    try:
        async with engine.connect() as connection:
            for statement in SCHEMA.split(";\n"):
                if statement.strip():
                    await connection.exec_driver_sql(statement)
        yield Alchemy(engine)
    finally:
        await engine.dispose()
