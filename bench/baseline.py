"""What a careful bot author writes without this layer: one aiosqlite connection and a lock around transactions."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Self

import aiosqlite

from bench.flight import in_flight
from bench.schema import SCHEMA, WALLETS
from db.engine import load_engine

BEGIN = "BEGIN IMMEDIATE"
TAKE = "UPDATE bench_wallet SET balance = balance - ? WHERE id = ? AND balance >= ?"
GIVE = "UPDATE bench_wallet SET balance = balance + ? WHERE id = ?"
RECORD = "INSERT INTO bench_transfer (sender, recipient, amount) VALUES (?, ?, ?)"
READ = "SELECT balance FROM bench_wallet WHERE id = ?"


class Baseline:
    """The same SQLite library, WAL and synchronous=FULL, as the layer has."""

    def __init__(self, path: Path) -> None:
        engine = load_engine()
        self._connection = aiosqlite.Connection(lambda: engine.connect(path, mode="rwc", busy_timeout_s=5), 64)
        self._lock = asyncio.Lock()

    async def __aenter__(self) -> Self:
        await self._connection
        await self._connection.execute_fetchall("PRAGMA journal_mode = WAL")
        await self._connection.execute_fetchall("PRAGMA synchronous = FULL")
        await self._connection.executescript(SCHEMA)
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._connection.close()

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

    def transfers(self, width: int) -> Callable[[int], Awaitable[None]]:
        return lambda count: in_flight(self.transfer, count, width)

    def reads(self, width: int) -> Callable[[int], Awaitable[None]]:
        return lambda count: in_flight(self.read, count, width)
