"""The ledger's invariants, over histories that nobody would think of writing down."""

import itertools
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import Rejected
from tests.economy.bank import Bank

USERS = (21, 22, 23, 24)
GUILDS = itertools.count(10_000)

user = st.sampled_from(USERS)
cents = st.integers(-5, 60) | st.sampled_from([999, 10**17, 10**17 + 1, 2**63 - 1])
Step = Callable[[Bank], object]


def steps() -> st.SearchStrategy[Step]:
    return st.one_of(
        st.builds(lambda a, b, c: lambda bank: bank.pay(a, b, c), user, user, cents),
        st.builds(lambda a, c: lambda bank: bank.grant(a, c), user, cents),
        st.builds(lambda nth: lambda bank: bank.reverse(_payment(bank, nth)), st.integers(0, 20)),
        st.builds(lambda c: lambda bank: bank.open_with(c), st.integers(0, 100)),
        st.builds(lambda a: lambda bank: bank.close(a), user),
    )


def _payment(bank: Bank, nth: int) -> int:
    payments = bank.rows("payment")
    return payments[nth % len(payments)][0] if payments else 1


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(steps(), max_size=25))
def test_whatever_happens_the_books_balance(bank: Bank, history: list[Step]):
    """After each step: a payment sums to zero, a balance is its entries' sum, only issuance is below zero.

    A refused step changes nothing at all. Each history is a guild's own.
    """
    bank = Bank(bank.scratch, guild=next(GUILDS))
    for step in history:
        before = bank.everything()
        try:
            step(bank)
        except Rejected:
            assert bank.everything() == before
        _check_books(bank)


def _check_books(bank: Bank) -> None:
    by_payment = "SELECT payment_id, SUM(amount_cents), COUNT(*) FROM ledger_entry WHERE guild_id = ? GROUP BY 1"
    for _, total, entries in bank.scratch.rows(by_payment, bank.guild):
        assert (total, entries) == (0, 2)
    by_account = """
        SELECT a.kind, a.balance_cents, a.version, COALESCE(SUM(e.amount_cents), 0), COUNT(e.payment_id),
               (SELECT l.balance_after_cents FROM ledger_entry AS l
                WHERE l.account_id = a.id ORDER BY l.payment_id DESC LIMIT 1)
        FROM account AS a LEFT JOIN ledger_entry AS e ON e.account_id = a.id AND e.guild_id = a.guild_id
        WHERE a.guild_id = ? GROUP BY a.id
    """
    for kind, balance, version, total, entries, last in bank.scratch.rows(by_account, bank.guild):
        assert balance == total == (last or 0)
        assert version == 1 + entries
        assert balance >= 0 or kind == "issuance"
    assert len(bank.rows("payment")) == len({row[1] for row in bank.rows("ledger_entry")})
