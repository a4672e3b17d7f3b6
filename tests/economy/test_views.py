"""What players see of money, whatever they wrote."""

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ui import embeds
from cogs.economy import reasons, views
from cogs.economy.ranking import rank
from cogs.economy.store import HistoryEntry, Holding, Receipt, Wallet
from cogs.settings.money import MAX_CENTS

ROLE_OR_CHANNEL = re.compile(r"<(@&|#)[0-9]+>")

CENTS = st.integers(1, MAX_CENTS)
USERS = st.integers(1, 2**63 - 1)
MEMOS = st.text(max_size=200) | st.sampled_from(["*" * 200, "@everyone <@&1> <#2>", "\N{RIGHT-TO-LEFT OVERRIDE}x"])

RECEIPTS = st.builds(
    Receipt,
    payment_id=USERS,
    amount_cents=CENTS,
    payer=st.none() | USERS,
    payee=st.none() | USERS,
    payer_balance_cents=CENTS,
    payee_balance_cents=CENTS,
    memo=MEMOS,
)
ENTRIES = st.builds(
    HistoryEntry,
    payment_id=USERS,
    kind=st.sampled_from(["opening", "payment", "grant", "reversal"]),
    amount_cents=CENTS | CENTS.map(lambda cents: -cents),
    balance_after_cents=CENTS,
    other_user_id=st.none() | USERS,
    memo=MEMOS,
    reverses=st.none() | USERS,
    reversed_by=st.none() | USERS,
    at_ms=st.integers(0, 4_000_000_000_000),
)


@given(receipt=RECEIPTS, entries=st.lists(ENTRIES, min_size=1, max_size=2).map(lambda few: (few * 10)[:10]))
def test_any_memo_fits_and_neither_pings_nor_reorders(receipt: Receipt, entries: list[HistoryEntry]):
    """A full page of the longest memos in the longest amounts is still one embed."""
    made = [
        views.paid(receipt, "USD$"),
        views.granted(receipt, "USD$"),
        views.reversed_(receipt, 1, "USD$"),
        views.notice(receipt, "USD$"),
        views.question(1, receipt.amount_cents, receipt.memo, "USD$"),
        views.history(1, entries, "USD$", own=False),
    ]
    for embed in made:
        text = embed.description or ""
        assert len(text) < embeds.MAX_TEXT, "a page may have lost its end"
        assert "@everyone" not in text
        assert not ROLE_OR_CHANNEL.search(text)
        assert "\N{RIGHT-TO-LEFT OVERRIDE}" not in text


@pytest.mark.parametrize(
    ("state", "text"),
    [
        ({"is_opened": True, "is_closed": False}, "**$5.00**"),
        (
            {"is_opened": False, "is_closed": False},
            "Not opened yet: it will open with **$5.00** at its first payment.",
        ),
        ({"is_opened": True, "is_closed": True}, "This wallet is closed. It holds **$5.00**."),
    ],
)
def test_a_wallet_says_its_balance_and_its_state(state: dict[str, bool], text: str):
    wallet = Wallet(user_id=9, balance_cents=500, **state)
    assert views.wallet(wallet, "$", own=True).description == text
    assert views.wallet(wallet, "$", own=False).description == f"<@9>\n{text}"


def test_an_empty_list_says_so():
    assert views.leaderboard([], "$").description == "Nobody has a wallet yet."
    assert views.history(1, [], "$", own=True).description == "Nothing has come or gone yet."


def test_a_leaderboard_line_has_rank_owner_and_balance():
    standings = rank([Holding(account_id=1, user_id=9, balance_cents=123_456)])
    assert views.leaderboard(standings, "€").description == "**1.** <@9> · €1,234.56"


def test_every_refusal_of_the_store_has_its_words():
    details = {"user": 9, "left_cents": 1, "available_cents": 1, "payment": 2, "reversal": 3}
    worded = reasons.reversal_reasons("$")
    assert _refusals() <= worded.keys()
    for reason in worded:
        assert worded[reason](details).endswith(".")


def _refusals() -> set[str]:
    """Every reason that the feature's source raises."""
    found: set[str] = set()
    for path in Path(views.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Rejected":
                assert isinstance(node.args[0], ast.Constant)
                found.add(str(node.args[0].value))
    return found
