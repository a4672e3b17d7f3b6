"""Ranks for a list that is seen page by page."""

from collections.abc import Iterable
from dataclasses import dataclass

from cogs.economy.store import Holding


@dataclass(frozen=True, slots=True)
class Standing:
    """One line of the leaderboard: the line's number, and the rank, which equals share."""

    holding: Holding
    line: int
    rank: int


def rank(holdings: Iterable[Holding], after: Standing | None = None) -> list[Standing]:
    """Standings of `holdings`, richest first, going on from `after`: 1, 2, 2, 4, ..."""
    standings: list[Standing] = []
    for holding in holdings:
        line = after.line + 1 if after else 1
        is_equal = after is not None and after.holding.balance_cents == holding.balance_cents
        after = Standing(holding, line, after.rank if after and is_equal else line)
        standings.append(after)
    return standings
