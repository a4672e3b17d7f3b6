"""What players and admins do with money: pay, grant, reverse; and what they look at."""

from dataclasses import dataclass

from cogs.economy import ledger
from cogs.economy.ledger import Move
from cogs.settings import store as settings
from cogs.settings.money import MAX_CENTS
from db import Priority, Rejected, Snapshot, Transaction, operation, query

# These two rest on each payment having two entries. Something that pays many at once will need its own.
PAYMENT = """
    SELECT p.kind, r.id, gave.account_id, got.account_id, got.amount_cents
    FROM payment AS p
    JOIN ledger_entry AS gave ON gave.payment_id = p.id AND gave.amount_cents < 0
    JOIN ledger_entry AS got ON got.payment_id = p.id AND got.amount_cents > 0
    LEFT JOIN payment AS r ON r.reverses_id = p.id
    WHERE p.id = ? AND p.guild_id = ?
"""
HISTORY = """
    SELECT p.id, p.kind, e.amount_cents, e.balance_after_cents, other.user_id, p.memo, p.reverses_id, r.id,
           p.at_ms
    FROM ledger_entry AS e
    JOIN payment AS p ON p.id = e.payment_id
    JOIN ledger_entry AS o ON o.payment_id = e.payment_id AND o.account_id <> e.account_id
    JOIN account AS other ON other.id = o.account_id
    LEFT JOIN payment AS r ON r.reverses_id = p.id
    WHERE e.account_id = ? AND e.payment_id < ?
    ORDER BY e.payment_id DESC LIMIT ?
"""
RICHEST = """
    SELECT id, user_id, balance_cents FROM account
    WHERE guild_id = ? AND user_id IS NOT NULL AND deleted_at_ms IS NULL AND (balance_cents, id) < (?, ?)
    ORDER BY balance_cents DESC, id DESC LIMIT ?
"""
# Above every id and every balance: where a list that goes downwards begins.
TOP = 2**63 - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """A payment that was made."""

    payment_id: int
    amount_cents: int
    # Whose wallet gave and got it; None is the guild itself.
    payer: int | None
    payee: int | None
    payer_balance_cents: int
    payee_balance_cents: int
    memo: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Wallet:
    user_id: int
    # Where it is not opened yet: what it will open with.
    balance_cents: int
    is_opened: bool
    is_closed: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryEntry:
    payment_id: int
    kind: str
    amount_cents: int
    balance_after_cents: int
    # Whose wallet the other side is; None is the guild itself.
    other_user_id: int | None
    memo: str
    reverses: int | None
    reversed_by: int | None
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryPage:
    entries: list[HistoryEntry]
    # Where the next page begins; None on the last.
    before: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """What an open wallet holds."""

    account_id: int
    user_id: int
    balance_cents: int


@operation("economy.transfer", queue=Priority.HIGH)
def transfer(tx: Transaction, *, sender: int, recipient: int, amount_cents: int, memo: str = "") -> Receipt:
    """Pay from wallet to wallet, opening either on first use.

    Raises Rejected with SELF_PAYMENT, BAD_AMOUNT, TOO_LARGE, INSUFFICIENT_FUNDS, WALLET_CLOSED or
    MEMO_TOO_LONG.
    """
    if sender == recipient:
        raise Rejected("SELF_PAYMENT")
    _check_amount(amount_cents)
    payer, payee = ledger.wallet(tx, sender), ledger.wallet(tx, recipient)
    return _pay(tx, payer, payee, amount_cents, kind="payment", memo=memo)


@operation("economy.grant", queue=Priority.MEDIUM)
def grant(tx: Transaction, *, recipient: int, amount_cents: int, memo: str = "") -> Receipt:
    """Pay newly issued money into a wallet.

    Raises Rejected with BAD_AMOUNT, TOO_LARGE, WALLET_CLOSED or MEMO_TOO_LONG.
    """
    _check_amount(amount_cents)
    payee = ledger.wallet(tx, recipient)
    return _pay(tx, ledger.issuance(tx), payee, amount_cents, kind="grant", memo=memo)


@operation("economy.reverse")
def reverse(tx: Transaction, *, payment: int, reason: str = "") -> Receipt:
    """Move a payment's or a grant's money back, by a new payment; the old one stays as it is.

    Raises Rejected with PAYMENT_NOT_FOUND (in this guild), NOT_REVERSIBLE, ALREADY_REVERSED,
    INSUFFICIENT_FUNDS (it was spent), WALLET_CLOSED or MEMO_TOO_LONG.
    """
    row = tx.fetch_one(PAYMENT, payment, tx.guild)
    if row is None:
        raise Rejected("PAYMENT_NOT_FOUND", payment=payment)
    kind, reversal, gave, got, amount_cents = row
    if kind not in ("payment", "grant"):
        raise Rejected("NOT_REVERSIBLE", payment=payment, kind=kind)
    if reversal is not None:
        raise Rejected("ALREADY_REVERSED", payment=payment, reversal=reversal)
    payer, payee = _existing(tx, got), _existing(tx, gave)
    return _pay(tx, payer, payee, amount_cents, kind="reversal", memo=reason, reverses=payment)


@query("economy.balance", remember=True)
def balance(tx: Snapshot, *, guild: int, user: int) -> Wallet:
    """The user's wallet; before it is opened, what it will open with."""
    found = ledger.find_wallet(tx, guild, user)
    return Wallet(
        user_id=user,
        balance_cents=(settings.get(tx, guild=guild).opening_balance_cents if found is None else found.balance_cents),
        is_opened=found is not None,
        is_closed=found is not None and found.deleted_at_ms is not None,
    )


@query("economy.history")
def history(tx: Snapshot, *, guild: int, user: int, before: int = TOP, limit: int) -> HistoryPage:
    """Up to `limit` movements of the user's wallet, newest first, older than the payment `before`."""
    found = ledger.find_wallet(tx, guild, user)
    if found is None:
        return HistoryPage(entries=[], before=None)
    rows = tx.fetch_all(HISTORY, found.id, before, limit + 1)
    entries = [
        HistoryEntry(
            payment_id=row[0],
            kind=row[1],
            amount_cents=row[2],
            balance_after_cents=row[3],
            other_user_id=row[4],
            memo=row[5],
            reverses=row[6],
            reversed_by=row[7],
            at_ms=row[8],
        )
        for row in rows[:limit]
    ]
    return HistoryPage(entries=entries, before=entries[-1].payment_id if len(rows) > limit else None)


@query("economy.leaderboard", remember=True)
def leaderboard(
    tx: Snapshot, *, guild: int, below_cents: int = TOP, below_account: int = TOP, limit: int
) -> list[Holding]:
    """Up to `limit` open wallets, richest first, from the one behind that balance and account."""
    rows = tx.fetch_all(RICHEST, guild, below_cents, below_account, limit)
    return [Holding(account_id=account, user_id=user, balance_cents=cents) for account, user, cents in rows]


def _check_amount(amount_cents: int) -> None:
    if amount_cents <= 0:
        raise Rejected("BAD_AMOUNT")
    if amount_cents > MAX_CENTS:
        raise Rejected("TOO_LARGE", left_cents=MAX_CENTS)


def _existing(tx: Transaction, account: int) -> ledger.Account:
    found = ledger.find_account(tx, tx.guild, account)
    assert found is not None
    return found


def _pay(
    tx: Transaction,
    payer: ledger.Account,
    payee: ledger.Account,
    amount_cents: int,
    *,
    kind: ledger.Kind,
    memo: str,
    reverses: int | None = None,
) -> Receipt:
    moves = [
        Move(account=payer, amount_cents=-amount_cents),
        Move(account=payee, amount_cents=amount_cents),
    ]
    posted = ledger.post(tx, kind, moves, operation_id=tx.operation_id, memo=memo, reverses=reverses)
    payer_balance, payee_balance = posted.balances_after_cents
    return Receipt(
        payment_id=posted.payment_id,
        amount_cents=amount_cents,
        payer=payer.user_id,
        payee=payee.user_id,
        payer_balance_cents=payer_balance,
        payee_balance_cents=payee_balance,
        memo=memo,
    )
