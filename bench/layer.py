"""The same work through the layer: journal, hash chain, idempotency, modes and breakers included."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from bench.baseline import GIVE, READ, RECORD, TAKE
from bench.flight import in_flight
from bench.schema import SCHEMA, WALLETS
from db import (
    Context,
    DatabaseManager,
    DatabaseSettings,
    Rejected,
    Snapshot,
    Transaction,
    open_database,
    operation,
    query,
)

_MIGRATIONS = Path(__file__).parent.parent / "migrations"


@operation("bench.transfer")
def transfer(tx: Transaction, *, sender: int, recipient: int, amount: int) -> int:
    """Move `amount` and return it."""
    if not tx.execute(TAKE, amount, sender, amount):
        raise Rejected("INSUFFICIENT_FUNDS")
    tx.execute(GIVE, amount, recipient)
    tx.execute(RECORD, sender, recipient, amount)
    return amount


@query("bench.balance")
def balance(snapshot: Snapshot, *, wallet: int) -> int:
    row = snapshot.fetch_one(READ, wallet)
    return row[0] if row else 0


class Layer:
    """Work on an open database."""

    def __init__(self, db: DatabaseManager) -> None:
        self._db = db
        self._ids = itertools.count(1)

    async def transfer(self) -> None:
        sender, recipient = random.sample(range(1, WALLETS + 1), 2)
        context = Context(operation_id=f"{next(self._ids)}:transfer", actor=sender, guild=1)
        result = await self._db.write(transfer, context, sender=sender, recipient=recipient, amount=1)
        if not result.ok:
            raise RuntimeError(result.reason)

    async def read(self) -> None:
        await self._db.read(balance, wallet=random.randint(1, WALLETS))

    def transfers(self, width: int) -> Callable[[int], Awaitable[None]]:
        return lambda count: in_flight(self.transfer, count, width)

    def reads(self, width: int) -> Callable[[int], Awaitable[None]]:
        return lambda count: in_flight(self.read, count, width)


@asynccontextmanager
async def open_layer(directory: Path) -> AsyncGenerator[Layer]:
    """A new database with the project's migrations and one more for the benchmark's tables."""
    migrations = directory.with_name("migrations")
    shutil.copytree(_MIGRATIONS, migrations)
    number = len(list(migrations.glob("*.sql"))) + 1
    (migrations / f"{number:04}_bench.sql").write_text(f"-- migrate:up\n{SCHEMA}\n-- migrate:down\n")
    async with open_database(DatabaseSettings(directory=directory), migrations) as db:
        yield Layer(db)
