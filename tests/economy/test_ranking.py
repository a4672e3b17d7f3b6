"""Ranks across pages."""

from hypothesis import given
from hypothesis import strategies as st

from cogs.economy.ranking import rank
from cogs.economy.store import Holding


def holdings(*balances: int) -> list[Holding]:
    return [
        Holding(account_id=number, user_id=number, balance_cents=cents)
        for number, cents in enumerate(balances, start=1)
    ]


def test_equals_share_a_rank_and_the_next_ones_are_left_out():
    assert [standing.rank for standing in rank(holdings(9, 8, 8, 8, 7, 7, 1))] == [1, 2, 2, 2, 5, 5, 7]


@given(balances=st.lists(st.integers(0, 5), max_size=20), cut=st.integers(0, 20))
def test_pages_have_the_ranks_of_the_whole_list(balances: list[int], cut: int):
    richest_first = holdings(*sorted(balances, reverse=True))
    first = rank(richest_first[:cut])
    second = rank(richest_first[cut:], first[-1] if first else None)
    assert first + second == rank(richest_first)
