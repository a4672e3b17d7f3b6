"""What really stands in the SQLite file, read beside the bot.

With the library that the bot uses: two different ones in one process would drop each other's locks.
"""

from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from db.engine import load_engine
from db.layout import Layout
from tests.conftest import ENGINE


@dataclass(frozen=True, slots=True)
class Books:
    directory: Path

    @property
    def file(self) -> Path:
        return Layout(self.directory).database

    def rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        connection = load_engine(ENGINE).connect(self.file, mode="ro", busy_timeout_s=5)
        with closing(connection):
            return connection.execute(sql, values).fetchall()

    def balance(self, guild: int, user: int) -> int | None:
        """In cents; None where no wallet was ever opened."""
        found = self.rows("SELECT balance_cents FROM account WHERE guild_id = ? AND user_id = ?", guild, user)
        return found[0][0] if found else None

    def payments(self, guild: int, kind: str = "payment") -> list[tuple[int, int, str]]:
        """Number, who did it, and memo; oldest first."""
        return self.rows(
            "SELECT id, actor_id, memo FROM payment WHERE guild_id = ? AND kind = ? ORDER BY id", guild, kind
        )

    def count(self) -> int:
        """Of payments between players, on all servers."""
        return self.rows("SELECT COUNT(*) FROM payment WHERE kind = 'payment'")[0][0]

    def journal(self, interaction: str) -> list[tuple[str, str]]:
        """Operation and outcome of what an interaction had written."""
        return self.rows("SELECT name, outcome FROM journal WHERE operation_id LIKE ? || ':%'", interaction)

    def touched(self, guild: int) -> list[tuple[Any, ...]]:
        """Everything that a server's money is made of, to see that nothing has changed."""
        return [
            *self.rows("SELECT id, balance_cents, version FROM account WHERE guild_id = ? ORDER BY id", guild),
            *self.rows("SELECT id, operation_id, memo FROM payment WHERE guild_id = ? ORDER BY id", guild),
        ]

    def faults(self) -> list[tuple[Any, ...]]:
        """Payments and servers whose books do not balance, accounts that are not the sum of their entries."""
        return [row for sql in _BALANCED for row in self.rows(sql)]


_BALANCED = (
    "SELECT 'payment', payment_id FROM ledger_entry GROUP BY payment_id HAVING SUM(amount_cents) <> 0",
    "SELECT 'guild', guild_id FROM account GROUP BY guild_id HAVING SUM(balance_cents) <> 0",
    """SELECT 'account', id FROM account WHERE balance_cents <>
       (SELECT COALESCE(SUM(amount_cents), 0) FROM ledger_entry WHERE account_id = account.id)""",
    "SELECT 'empty payment', id FROM payment WHERE id NOT IN (SELECT payment_id FROM ledger_entry)",
)
