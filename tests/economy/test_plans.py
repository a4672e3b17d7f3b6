"""Every statement of the economy finds its rows by an index, however large the guild."""

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
