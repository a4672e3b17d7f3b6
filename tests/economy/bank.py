"""A guild's economy for tests of the rules: operations without a loop or a bot, on real SQLite."""

from typing import Any

import pytest

from cogs.economy import store
from cogs.economy.store import Receipt
from cogs.settings import store as settings
from db import Rejected, WriteResult

ADMIN = 1
ANN, BOB, CAT = 11, 12, 13


class Bank:
    """One guild. Each call is an operation of its own, with an id of its own unless one is given."""

    def __init__(self, scratch: Any, guild: int = 500) -> None:
        self.scratch = scratch
        self.guild = guild

    def run(self, operation: Any, *, actor: int = ADMIN, operation_id: str = "", **params: Any) -> Any:
        """What the operation returned; raises its Rejected again where it was refused."""
        result = self.attempt(operation, actor=actor, operation_id=operation_id, **params)
        if not result.ok:
            raise Rejected(result.reason, **result.details)
        return result.value

    def attempt(self, operation: Any, **params: Any) -> WriteResult[Any]:
        return self.scratch.run(operation, guild=self.guild, **params)

    def open_with(self, cents: int) -> None:
        unchanged = dict.fromkeys(
            ("announcements_channel", "admins_channel", "admin_role", "currency_symbol", "currency_name")
        )
        self.run(settings.configure, opening_balance_cents=cents, confirm_above_cents=None, **unchanged)

    def pay(self, sender: int, recipient: int, cents: int, memo: str = "", **more: Any) -> Receipt:
        params = {"sender": sender, "recipient": recipient, "amount_cents": cents, "memo": memo}
        return self.run(store.transfer, actor=sender, **params, **more)

    def grant(self, recipient: int, cents: int, memo: str = "") -> Receipt:
        return self.run(store.grant, recipient=recipient, amount_cents=cents, memo=memo)

    def reverse(self, payment: int, reason: str = "") -> Receipt:
        return self.run(store.reverse, payment=payment, reason=reason)

    def balance(self, user: int) -> int:
        return self.scratch.ask(store.balance, guild=self.guild, user=user).balance_cents

    def history(self, user: int, before: int = store.TOP, limit: int = 10) -> store.HistoryPage:
        return self.scratch.ask(store.history, guild=self.guild, user=user, before=before, limit=limit)

    def leaderboard(self, limit: int = 10, **below: int) -> list[store.Holding]:
        return self.scratch.ask(store.leaderboard, guild=self.guild, limit=limit, **below)

    def close(self, user: int) -> None:
        sql = "UPDATE account SET deleted_at_ms = 1 WHERE guild_id = ? AND user_id = ?"
        self.scratch.rows(sql, self.guild, user)

    def rows(self, table: str) -> list[tuple[Any, ...]]:
        sql = {
            "account": "SELECT * FROM account WHERE guild_id = ? ORDER BY id",
            "payment": "SELECT * FROM payment WHERE guild_id = ? ORDER BY id",
            "ledger_entry": "SELECT * FROM ledger_entry WHERE guild_id = ? ORDER BY payment_id, account_id",
        }[table]
        return self.scratch.rows(sql, self.guild)

    def everything(self) -> list[list[tuple[Any, ...]]]:
        return [self.rows(table) for table in ("account", "payment", "ledger_entry")]


def refused(reason: str):
    """Expect a refusal for exactly this reason."""
    return pytest.raises(Rejected, match=f"^{reason}$")
