"""A database that goes away and comes back, writes that may wait for it, and what their authors are told."""

import json
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from db import JSON, Context, DatabaseManager, Mode, Priority, Rejected, Snapshot, Transaction, operation, query
from tests.db.feature import MIGRATIONS, eventually


@operation("outage.give", queue=Priority.HIGH)
def give(tx: Transaction, *, owner: int, cents: int) -> int:
    """Puts money into a purse, as often as it is run: nothing but the journal keeps it from happening twice."""
    if cents < 0:
        raise Rejected("NEGATIVE", cents=cents)
    tx.execute(
        "INSERT INTO purse (owner, cents) VALUES (?, ?)"
        " ON CONFLICT (owner) DO UPDATE SET cents = purse.cents + excluded.cents",
        owner,
        cents,
    )
    return cents


@operation("outage.say", queue=Priority.MEDIUM)
def say(tx: Transaction, *, text: str) -> int:
    """Notes who said what, in the order in which it is carried out."""
    return _say(tx, text)


@operation("outage.mumble", queue=Priority.LOW)
def mumble(tx: Transaction, *, text: str) -> int:
    return _say(tx, text)


@operation("outage.shout", queue=Priority.HIGH)
def shout(tx: Transaction, *, text: str) -> int:
    return _say(tx, text)


@operation("outage.urgent")
def urgent(tx: Transaction, *, text: str) -> int:
    """May not wait."""
    return _say(tx, text)


@operation("outage.break", queue=Priority.HIGH)
def break_down(tx: Transaction, *, while_poor: int) -> int:
    """Fails for a reason of its own until that purse has something in it."""
    row = tx.fetch_one("SELECT cents FROM purse WHERE owner = ?", while_poor)
    if row is None:
        raise LookupError("nobody has foreseen this")
    return row[0]


def _say(tx: Transaction, text: str) -> int:
    row = tx.fetch_one("INSERT INTO note (owner, text) VALUES (?, ?) RETURNING id", tx.actor, text)
    assert row is not None
    return row[0]


@asynccontextmanager
async def away(db: DatabaseManager) -> AsyncIterator[None]:
    """Inside, the database's file has another name, and the layer has noticed."""
    file = db.status().path
    hidden = take_away(file)
    await eventually(lambda: db.mode is not Mode.READ_WRITE)
    yield
    hidden.rename(file)


def take_away(file: Path) -> Path:
    return file.rename(file.with_suffix(".away"))


def with_announcements(migrations: Path) -> Path:
    """The same migrations, and the one that lets authors be told."""
    shutil.copy(MIGRATIONS / "0004_announcement.sql", migrations / "0003_announcement.sql")
    return migrations


@query("outage.announced")
def announced(snapshot: Snapshot) -> list[tuple[str, str, str]]:
    """Operation id, outcome and reason of what authors are told, in order."""
    rows = snapshot.fetch_all("SELECT body FROM announcement WHERE kind = 'waiting.ended' ORDER BY id")
    bodies = [json.loads(body) for (body,) in rows]
    return [(body["operation_id"], body["outcome"], body["reason"]) for body in bodies]


def reachable(operation_id: str, *, actor: int = 1) -> Context:
    target: dict[str, JSON] = {"application_id": 1, "token": f"canary-{operation_id}", "until_ms": 1, "channel": 3}
    return Context(operation_id=operation_id, actor=actor, guild=7, reply_to=target)


async def replayed(db: DatabaseManager) -> None:
    """The database is back, and nothing waits any more."""
    await eventually(lambda: db.mode is Mode.READ_WRITE and not db.waiting(), within_s=10)
