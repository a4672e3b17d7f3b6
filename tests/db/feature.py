"""A small feature for the layer's own tests: purses that cannot be overdrawn."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db import Context, Rejected, Snapshot, Transaction, operation, query

MIGRATIONS = Path(__file__).parents[2] / "migrations"
PURSES = """
-- migrate:up
CREATE TABLE purse (
    owner INTEGER PRIMARY KEY,
    cents INTEGER NOT NULL,
    CONSTRAINT purse_not_overdrawn CHECK (cents >= 0)
) STRICT;
CREATE TABLE note (
    id INTEGER PRIMARY KEY,
    owner INTEGER NOT NULL REFERENCES purse (owner) DEFERRABLE INITIALLY DEFERRED,
    text TEXT NOT NULL,
    CONSTRAINT note_text_is_unique UNIQUE (text)
) STRICT;

-- migrate:down
DROP TABLE note;
DROP TABLE purse;
"""


def write_migrations(directory: Path) -> Path:
    """The journal's own migrations, as one, and the purses'."""
    directory.mkdir()
    (directory / "0001_journal.sql").write_text(_joined("0001_journal.sql", "0005_journal_anchor.sql"))
    (directory / "0002_purses.sql").write_text(PURSES)
    return directory


def _joined(*names: str) -> str:
    ups, downs = "", ""
    for name in names:
        up, _, down = (MIGRATIONS / name).read_text().partition("-- migrate:down")
        ups, downs = ups + up.partition("-- migrate:up")[2], down + downs
    return f"-- migrate:up{ups}-- migrate:down{downs}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    sender: int
    recipient: int
    left_cents: int


@operation("test.fill")
def fill(tx: Transaction, *, owner: int, cents: int) -> int:
    tx.execute(
        "INSERT INTO purse (owner, cents) VALUES (?, ?)"
        " ON CONFLICT (owner) DO UPDATE SET cents = purse.cents + excluded.cents",
        owner,
        cents,
    )
    return cents


@operation("test.pay")
def pay(tx: Transaction, *, sender: int, recipient: int, cents: int) -> Receipt:
    left = tx.fetch_one(
        "UPDATE purse SET cents = cents - ? WHERE owner = ? AND cents >= ? RETURNING cents", cents, sender, cents
    )
    if left is None:
        found = tx.fetch_one("SELECT cents FROM purse WHERE owner = ?", sender)
        raise Rejected("INSUFFICIENT_FUNDS", available=found[0] if found else 0)
    if not tx.execute("UPDATE purse SET cents = cents + ? WHERE owner = ?", cents, recipient):
        raise Rejected("NO_SUCH_PURSE", owner=recipient)
    return Receipt(sender=sender, recipient=recipient, left_cents=left[0])


@operation("test.note")
def note(tx: Transaction, *, text: str, owner: int = 1) -> None:
    tx.execute("INSERT INTO note (owner, text) VALUES (?, ?)", owner, text)


@operation("test.slow")
def count_for_ever(tx: Transaction) -> None:
    tx.fetch_all("WITH RECURSIVE n (i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n) SELECT max(i) FROM n")


@query("test.cents")
def cents_of(snapshot: Snapshot, *, owner: int) -> int | None:
    row = snapshot.fetch_one("SELECT cents FROM purse WHERE owner = ?", owner)
    return None if row is None else row[0]


@query("test.total")
def total(snapshot: Snapshot) -> int:
    row = snapshot.fetch_one("SELECT coalesce(sum(cents), 0) FROM purse")
    assert row is not None
    return row[0]


@query("test.journal")
def journaled(snapshot: Snapshot) -> list[tuple[Any, ...]]:
    return snapshot.fetch_all("SELECT operation_id, outcome FROM journal WHERE outcome <> 'event' ORDER BY seq")


def by(operation_id: str, *, actor: int = 1, guild: int = 7) -> Context:
    return Context(operation_id=operation_id, actor=actor, guild=guild)


async def eventually(condition: Callable[[], object], *, within_s: float = 5.0) -> None:
    """Wait until it holds; fail if it does not come to that."""
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        await asyncio.sleep(0.002)
