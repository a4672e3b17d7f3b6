"""Every statement of the economy finds its rows by an index, however large the guild."""

from collections.abc import Callable

import pytest

from cogs.economy import ledger, store
from tests.economy.bank import Bank

SQL = {
    name: sql
    for module in (ledger, store)
    for name, sql in vars(module).items()
    if name.isupper() and isinstance(sql, str)
}


@pytest.mark.parametrize("name", sorted(SQL))
def test_no_statement_scans_or_sorts(bank: Bank, name: str):
    sql = SQL[name]
    plan = bank.scratch.rows(f"EXPLAIN QUERY PLAN {sql}", *[1] * sql.count("?"))
    steps = [step for _, _, _, step in plan]
    assert not [step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step], steps


def test_a_history_page_is_one_range_of_the_wallets_own_entries(bank: Bank):
    plan = bank.scratch.rows(f"EXPLAIN QUERY PLAN {store.HISTORY}", 1, 1, 1)
    assert plan[0][3] == "SEARCH e USING PRIMARY KEY (account_id=? AND payment_id<?)"


@pytest.mark.parametrize("payments", [1, 30])
def test_a_page_takes_as_many_statements_however_much_it_shows(bank: Bank, payments: int):
    for user in range(100, 100 + payments):
        bank.pay(1, user, 1)
    assert _statements(bank, lambda: bank.history(1, limit=50)) == 2
    assert _statements(bank, lambda: bank.leaderboard(limit=50)) == 1


def _statements(bank: Bank, action: Callable[[], object]) -> int:
    seen: list[str] = []
    bank.scratch.connection.set_trace_callback(seen.append)
    action()
    bank.scratch.connection.set_trace_callback(None)
    return sum("SELECT" in statement for statement in seen)
