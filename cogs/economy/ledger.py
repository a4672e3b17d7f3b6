"""The guild's accounts, and the one way in which money moves between them.

All that other features do with money goes through `post`: it changes each balance by one conditional update,
and writes the payment and its entries, which sum to zero. Nobody reads a balance in order to write it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from cogs.settings import store as settings
from cogs.settings.money import MAX_CENTS
from db import Rejected, Snapshot, Transaction

Kind = Literal["opening", "payment", "grant", "reversal"]

LONGEST_MEMO = 200

WALLET = """
    SELECT id, kind, user_id, balance_cents, deleted_at_ms FROM account
    WHERE guild_id = ? AND user_id = ?
"""
ISSUANCE = """
    SELECT id, kind, user_id, balance_cents, deleted_at_ms FROM account
    WHERE guild_id = ? AND kind = 'issuance' AND user_id IS NULL
"""
ACCOUNT = """
    SELECT id, kind, user_id, balance_cents, deleted_at_ms FROM account WHERE id = ? AND guild_id = ?
"""
OPEN_ACCOUNT = """
    INSERT INTO account (guild_id, kind, user_id, balance_cents, version, opened_at_ms)
    VALUES (?, ?, ?, 0, 1, ?)
    RETURNING id, kind, user_id, balance_cents, deleted_at_ms
"""
CHANGE_BALANCE = """
    UPDATE account SET balance_cents = balance_cents + ?, version = version + 1
    WHERE id = ? AND guild_id = ? AND deleted_at_ms IS NULL AND balance_cents >= ?
    RETURNING balance_cents
"""
INSERT_PAYMENT = """
    INSERT INTO payment (guild_id, operation_id, kind, actor_id, memo, reverses_id, at_ms)
    VALUES (?, ?, ?, ?, ?, ?, ?)
    RETURNING id
"""
INSERT_ENTRY = """
    INSERT INTO ledger_entry (account_id, payment_id, guild_id, amount_cents, balance_after_cents, at_ms)
    VALUES (?, ?, ?, ?, ?, ?)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    id: int
    kind: str
    user_id: int | None
    balance_cents: int
    deleted_at_ms: int | None

    @property
    def lowest_cents(self) -> int:
        """How far the balance may fall: money comes from issuance alone, up to a bound."""
        return -MAX_CENTS if self.kind == "issuance" else 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Move:
    """What one account gains (or loses, below zero) in a payment."""

    account: Account
    amount_cents: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Posted:
    """A payment that was written: its number, and each account's balance after it, in the moves' order."""

    payment_id: int
    balances_after_cents: list[int]


def find_wallet(tx: Snapshot, guild: int, user: int) -> Account | None:
    """The user's wallet, open or closed; None where there never was one."""
    return _account(tx.fetch_one(WALLET, guild, user))


def find_account(tx: Snapshot, guild: int, account: int) -> Account | None:
    return _account(tx.fetch_one(ACCOUNT, account, guild))


def wallet(tx: Transaction, user: int) -> Account:
    """The user's wallet, opened with the guild's opening balance on first use."""
    return find_wallet(tx, tx.guild, user) or _open_wallet(tx, user)


def issuance(tx: Transaction) -> Account:
    """Where the guild's money comes from, opened on first use."""
    return _account(tx.fetch_one(ISSUANCE, tx.guild)) or _open_account(tx, "issuance", None)


def post(
    tx: Transaction,
    kind: Kind,
    moves: Sequence[Move],
    *,
    operation_id: str,
    memo: str = "",
    reverses: int | None = None,
) -> Posted:
    """Move money between accounts by `moves`, which sum to zero and name each account once.

    Raises Rejected with WALLET_CLOSED, INSUFFICIENT_FUNDS, TOO_LARGE (more than a guild may issue) or
    MEMO_TOO_LONG.
    """
    if sum(move.amount_cents for move in moves) != 0:
        raise ValueError(f"the moves of {operation_id} do not sum to zero")
    if len(memo) > LONGEST_MEMO:
        raise Rejected("MEMO_TOO_LONG", longest=LONGEST_MEMO)
    balances = [_change_balance(tx, move) for move in moves]
    row = tx.fetch_one(INSERT_PAYMENT, tx.guild, operation_id, kind, tx.actor, memo, reverses, tx.now)
    assert row is not None
    for move, balance in zip(moves, balances, strict=True):
        tx.execute(INSERT_ENTRY, move.account.id, row[0], tx.guild, move.amount_cents, balance, tx.now)
    return Posted(payment_id=row[0], balances_after_cents=balances)


def _change_balance(tx: Transaction, move: Move) -> int:
    """The balance afterwards. The condition is part of the update, so no two payments can share a cent."""
    needed = move.account.lowest_cents - move.amount_cents
    row = tx.fetch_one(CHANGE_BALANCE, move.amount_cents, move.account.id, tx.guild, needed)
    if row is None:
        raise _refusal(tx, move.account)
    return row[0]


def _refusal(tx: Transaction, account: Account) -> Rejected:
    account = find_account(tx, tx.guild, account.id) or account
    if account.deleted_at_ms is not None:
        return Rejected("WALLET_CLOSED", user=account.user_id)
    if account.kind == "issuance":
        return Rejected("TOO_LARGE", left_cents=account.balance_cents - account.lowest_cents)
    return Rejected("INSUFFICIENT_FUNDS", user=account.user_id, available_cents=account.balance_cents)


def _open_wallet(tx: Transaction, user: int) -> Account:
    opening_cents = settings.get(tx, guild=tx.guild).opening_balance_cents
    opened = _open_account(tx, "wallet", user)
    if opening_cents == 0:
        return opened
    moves = [
        Move(account=issuance(tx), amount_cents=-opening_cents),
        Move(account=opened, amount_cents=opening_cents),
    ]
    # Not the operation's own id, which may open two wallets: a wallet is opened once for all time.
    post(tx, "opening", moves, operation_id=f"opening:{tx.guild}:{user}")
    reread = find_wallet(tx, tx.guild, user)
    assert reread is not None
    return reread


def _open_account(tx: Transaction, kind: str, user: int | None) -> Account:
    opened = _account(tx.fetch_one(OPEN_ACCOUNT, tx.guild, kind, user, tx.now))
    assert opened is not None
    return opened


def _account(row: tuple[int, str, int | None, int, int | None] | None) -> Account | None:
    if row is None:
        return None
    return Account(id=row[0], kind=row[1], user_id=row[2], balance_cents=row[3], deleted_at_ms=row[4])
