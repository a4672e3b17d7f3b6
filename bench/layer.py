"""The same work through the layer: journal, hash chain, idempotency, metrics, modes and breakers included."""

from __future__ import annotations

import itertools
import random
import shutil
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.schema import GIVE, READ, RECORD, SCHEMA, TAKE, WALLETS
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
        self.db = db
        self._ids = itertools.count(1)

    async def transfer(self) -> None:
        sender, recipient = random.sample(range(1, WALLETS + 1), 2)
        context = Context(operation_id=f"{next(self._ids)}:transfer", actor=sender, guild=1)
        result = await self.db.write(transfer, context, sender=sender, recipient=recipient, amount=1)
        if not result.ok:
            raise RuntimeError(result.reason)

    async def read(self) -> None:
        await self.db.read(balance, wallet=random.randint(1, WALLETS))

    async def refused(self) -> None:
        """A write that the mode refuses."""
        result = await self.db.write(
            transfer, Context(operation_id="x", actor=1, guild=1), sender=1, recipient=2, amount=1
        )
        if result.ok:
            raise RuntimeError("it was to be refused")


@asynccontextmanager
async def open_layer(directory: Path) -> AsyncGenerator[Layer]:
    """A new database with the project's migrations and one more for the benchmark's tables."""
    migrations = directory / "migrations"
    shutil.copytree(_MIGRATIONS, migrations)
    number = len(list(migrations.glob("*.sql"))) + 1
    (migrations / f"{number:04}_bench.sql").write_text(f"-- migrate:up\n{SCHEMA}\n-- migrate:down\n")
    async with open_database(DatabaseSettings(directory=directory / "data"), migrations) as db:
        yield Layer(db)
