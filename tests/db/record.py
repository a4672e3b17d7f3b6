"""What was asked for and what was told, kept outside the database, so that it can be held against what is stored.

`? id sender recipient cents` is written before a payment is asked for, `! id outcome reason left` after it was
answered; each line by one write, so that a kill leaves whole lines.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from db import DatabaseManager, WriteResult
from tests.db.feature import by, pay

Told = tuple[str, str, int]


def as_told(result: WriteResult[Any]) -> Told:
    return str(result.outcome), result.reason, result.value.left_cents if result.ok else -1


class Notary:
    """Asks for payments, and writes down each question before and each answer after."""

    def __init__(self, path: Path, *, synced: bool = False) -> None:
        flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | (os.O_DSYNC if synced else 0)
        self._fd = os.open(path, flags, 0o600)

    async def pay(self, db: DatabaseManager, name: str, *, sender: int, recipient: int, cents: int) -> WriteResult[Any]:
        os.write(self._fd, f"? {name} {sender} {recipient} {cents}\n".encode())
        result = await db.write(pay, by(name), sender=sender, recipient=recipient, cents=cents)
        outcome, reason, left = as_told(result)
        os.write(self._fd, f"! {name} {outcome} {reason} {left}\n".encode())
        return result


@dataclass(slots=True)
class Record:
    """What was written down: the last answer to each id."""

    path: Path
    asked: dict[str, tuple[int, int, int]] = field(default_factory=dict)
    told: dict[str, Told] = field(default_factory=dict)

    def read(self) -> None:
        for line in self.path.read_text().splitlines():
            kind, name, *rest = line.split()
            if kind == "?":
                sender, recipient, cents = map(int, rest)
                self.asked[name] = sender, recipient, cents
            else:
                outcome, reason, left = rest
                self.told[name] = outcome, reason, int(left)

    def names(self, *outcomes: str) -> set[str]:
        """Whoever was told one of these."""
        return {name for name, (outcome, _, _) in self.told.items() if outcome in outcomes}

    async def retry(self, db: DatabaseManager, name: str) -> None:
        """The same id again: the same answer to whoever had a final one, and one from now on to whoever had not."""
        sender, recipient, cents = self.asked[name]
        result = await db.write(pay, by(name), sender=sender, recipient=recipient, cents=cents)
        if name in self.names("committed", "rejected"):
            assert result.repeated
            assert as_told(result) == self.told[name]
        self.told[name] = as_told(result)
