"""What money does, and what it refuses to do."""

import pytest

from cogs.economy import store
from cogs.economy.store import Wallet
from cogs.settings.money import MAX_CENTS
from tests.economy.bank import ADMIN, ANN, BOB, CAT, Bank, refused


def test_a_payment_moves_the_amount_and_both_balances_are_told(bank: Bank):
    receipt = bank.pay(ANN, BOB, 250_00, "rent")
    assert (receipt.payer, receipt.payee, receipt.amount_cents, receipt.memo) == (ANN, BOB, 250_00, "rent")
    assert (receipt.payer_balance_cents, receipt.payee_balance_cents) == (750_00, 1_250_00)
    assert (bank.balance(ANN), bank.balance(BOB)) == (750_00, 1_250_00)


def test_a_wallet_opens_on_first_use_with_the_guilds_opening_balance(bank: Bank):
    bank.open_with(40_00)
    assert bank.scratch.ask(store.balance, guild=bank.guild, user=ANN) == Wallet(
        user_id=ANN, balance_cents=40_00, is_opened=False, is_closed=False
    )
    bank.pay(ANN, BOB, 1_00)
    assert bank.scratch.ask(store.balance, guild=bank.guild, user=ANN) == Wallet(
        user_id=ANN, balance_cents=39_00, is_opened=True, is_closed=False
    )


def test_a_wallet_may_open_empty(bank: Bank):
    bank.open_with(0)
    bank.grant(ANN, 5_00)
    assert bank.balance(ANN) == 5_00
    assert [entry.kind for entry in bank.history(ANN).entries] == ["grant"]


def test_a_later_opening_balance_does_not_touch_open_wallets(bank: Bank):
    bank.pay(ANN, BOB, 1_00)
    bank.open_with(9_999_00)
    assert (bank.balance(ANN), bank.balance(BOB)) == (999_00, 1_001_00)


def test_looking_at_a_wallet_opens_none(bank: Bank):
    bank.balance(ANN)
    bank.history(ANN)
    bank.leaderboard()
    assert bank.everything() == [[], [], []]


def test_the_whole_balance_can_be_paid_and_not_a_cent_more(bank: Bank):
    with refused("INSUFFICIENT_FUNDS") as refusal:
        bank.pay(ANN, BOB, 1_000_01)
    assert refusal.value.details == {"user": ANN, "available_cents": 1_000_00}
    bank.pay(ANN, BOB, 1_000_00)
    assert bank.balance(ANN) == 0


def test_a_refused_payment_leaves_no_trace(bank: Bank):
    with refused("INSUFFICIENT_FUNDS"):
        bank.pay(ANN, BOB, 1_000_01)
    assert bank.everything() == [[], [], []]


def test_paying_oneself_is_refused(bank: Bank):
    with refused("SELF_PAYMENT"):
        bank.pay(ANN, ANN, 1_00)


@pytest.mark.parametrize("cents", [0, -1, -(10**15)])
def test_nobody_pays_or_grants_nothing_or_less(bank: Bank, cents: int):
    with refused("BAD_AMOUNT"):
        bank.pay(ANN, BOB, cents)
    with refused("BAD_AMOUNT"):
        bank.grant(ANN, cents)


@pytest.mark.parametrize("cents", [MAX_CENTS + 1, 2**63 - 1])
def test_an_amount_beyond_all_money_is_refused(bank: Bank, cents: int):
    with refused("TOO_LARGE"):
        bank.pay(ANN, BOB, cents)
    with refused("TOO_LARGE"):
        bank.grant(ANN, cents)


def test_a_guild_can_issue_everything_once_and_then_nothing(bank: Bank):
    """The bound on issuance is what keeps every balance far from overflow."""
    bank.open_with(0)
    bank.grant(ANN, MAX_CENTS)
    with refused("TOO_LARGE") as refusal:
        bank.grant(BOB, 1)
    assert refusal.value.details == {"left_cents": 0}
    bank.pay(ANN, BOB, MAX_CENTS)
    assert bank.balance(BOB) == MAX_CENTS


def test_a_memo_is_kept_as_it_was_written_up_to_its_length(bank: Bank):
    memo = "**@everyone** \N{RIGHT-TO-LEFT OVERRIDE}<@1> 🗽".ljust(200, "x")
    assert bank.pay(ANN, BOB, 1, memo).memo == memo
    assert bank.history(ANN).entries[0].memo == memo
    with refused("MEMO_TOO_LONG"):
        bank.pay(ANN, BOB, 1, "x" * 201)


def test_a_closed_wallet_neither_pays_nor_gets_paid(bank: Bank):
    bank.pay(ANN, BOB, 1_00)
    bank.close(BOB)
    for attempt in (lambda: bank.pay(ANN, BOB, 1), lambda: bank.pay(BOB, ANN, 1), lambda: bank.grant(BOB, 1)):
        with refused("WALLET_CLOSED") as refusal:
            attempt()
        assert refusal.value.details == {"user": BOB}
    assert bank.scratch.ask(store.balance, guild=bank.guild, user=BOB).is_closed


def test_one_operation_delivered_twice_is_one_payment_with_the_same_answer(bank: Bank):
    first = bank.pay(ANN, BOB, 1_00, "tip", operation_id="77:pay")
    before = bank.everything()
    assert bank.pay(ANN, BOB, 1_00, "tip", operation_id="77:pay") == first
    assert bank.everything() == before


def test_a_refusal_stays_a_refusal_even_when_the_money_is_there_by_now(bank: Bank):
    with refused("INSUFFICIENT_FUNDS") as first:
        bank.pay(ANN, BOB, 1_500_00, operation_id="77:pay")
    bank.grant(ANN, 1_000_00)
    with refused("INSUFFICIENT_FUNDS") as second:
        bank.pay(ANN, BOB, 1_500_00, operation_id="77:pay")
    assert second.value.details == first.value.details
    assert bank.balance(ANN) == 2_000_00


def test_guilds_know_nothing_of_each_other(bank: Bank):
    other = Bank(bank.scratch, guild=501)
    receipt = bank.pay(ANN, BOB, 1_00)
    assert (other.balance(ANN), other.history(ANN).entries, other.leaderboard()) == (1_000_00, [], [])
    with refused("PAYMENT_NOT_FOUND"):
        other.reverse(receipt.payment_id)


def test_a_reversal_moves_the_money_back_and_both_payments_stay(bank: Bank):
    paid = bank.pay(ANN, BOB, 30_00, "typo")
    back = bank.reverse(paid.payment_id, "was a typo")
    assert (back.payer, back.payee, back.amount_cents) == (BOB, ANN, 30_00)
    assert (bank.balance(ANN), bank.balance(BOB)) == (1_000_00, 1_000_00)
    newest, older, _ = bank.history(ANN).entries
    assert (newest.kind, newest.reverses, newest.memo) == ("reversal", paid.payment_id, "was a typo")
    assert (older.payment_id, older.reversed_by) == (paid.payment_id, back.payment_id)


def test_a_reversed_grant_returns_to_where_it_came_from(bank: Bank):
    granted = bank.grant(ANN, 30_00)
    back = bank.reverse(granted.payment_id)
    assert (back.payer, back.payee) == (ANN, None)
    assert bank.balance(ANN) == 1_000_00


def test_a_payment_is_reversed_once(bank: Bank):
    paid = bank.pay(ANN, BOB, 30_00)
    back = bank.reverse(paid.payment_id)
    with refused("ALREADY_REVERSED") as refusal:
        bank.reverse(paid.payment_id)
    assert refusal.value.details == {"payment": paid.payment_id, "reversal": back.payment_id}


def test_neither_a_reversal_nor_an_opening_can_be_reversed(bank: Bank):
    paid = bank.pay(ANN, BOB, 30_00)
    back = bank.reverse(paid.payment_id)
    opening = bank.history(ANN).entries[-1]
    for payment in (back.payment_id, opening.payment_id):
        with refused("NOT_REVERSIBLE"):
            bank.reverse(payment)


@pytest.mark.parametrize("payment", [0, -1, 999, 2**63 - 1])
def test_a_payment_that_is_not_there_cannot_be_reversed(bank: Bank, payment: int):
    with refused("PAYMENT_NOT_FOUND"):
        bank.reverse(payment)


def test_what_the_recipient_has_spent_cannot_be_reversed(bank: Bank):
    paid = bank.pay(ANN, BOB, 1_000_00)
    bank.pay(BOB, CAT, 1_500_00)
    with refused("INSUFFICIENT_FUNDS") as refusal:
        bank.reverse(paid.payment_id)
    assert refusal.value.details == {"user": BOB, "available_cents": 500_00}
    assert (bank.balance(ANN), bank.balance(BOB), bank.balance(CAT)) == (0, 500_00, 2_500_00)


def test_history_is_newest_first_and_says_who_and_how_much_was_left(bank: Bank):
    bank.grant(ANN, 50_00, "prize")
    bank.pay(ANN, BOB, 20_00, "rent")
    seen = [
        (entry.kind, entry.amount_cents, entry.balance_after_cents, entry.other_user_id, entry.memo)
        for entry in bank.history(ANN).entries
    ]
    assert seen == [
        ("payment", -20_00, 1_030_00, BOB, "rent"),
        ("grant", 50_00, 1_050_00, None, "prize"),
        ("opening", 1_000_00, 1_000_00, None, ""),
    ]


@pytest.mark.parametrize("payments", [0, 1, 3, 4, 5, 8])
def test_pages_of_history_join_up_without_gap_or_overlap(bank: Bank, payments: int):
    for cents in range(1, payments + 1):
        bank.pay(ANN, BOB, cents)
    seen, before = [], store.TOP
    while True:
        page = bank.history(ANN, before, limit=4)
        seen += [entry.amount_cents for entry in page.entries]
        if page.before is None:
            break
        assert len(page.entries) == 4
        before = page.before
    assert seen == [-cents for cents in range(payments, 0, -1)] + [1_000_00] * (payments > 0)


def test_what_is_paid_between_two_pages_shifts_nothing(bank: Bank):
    for cents in (1, 2, 3, 4):
        bank.pay(ANN, BOB, cents)
    first = bank.history(ANN, limit=2)
    bank.pay(ANN, BOB, 5)
    second = bank.history(ANN, first.before, limit=2)
    assert [entry.amount_cents for entry in second.entries] == [-2, -1]


def test_the_leaderboard_has_the_richest_first_and_its_pages_join_up(bank: Bank):
    bank.open_with(0)
    for user, cents in ((21, 10), (22, 30), (23, 20), (24, 20), (25, 20), (26, 5)):
        bank.grant(user, cents)
    whole = bank.leaderboard()
    assert [holding.balance_cents for holding in whole] == [30, 20, 20, 20, 10, 5]
    assert {holding.user_id for holding in whole} == {21, 22, 23, 24, 25, 26}
    for cut in range(1, 7):
        last = whole[cut - 1]
        rest = bank.leaderboard(below_cents=last.balance_cents, below_account=last.account_id)
        assert rest == whole[cut:]


def test_closed_wallets_are_not_on_the_leaderboard(bank: Bank):
    bank.pay(ANN, BOB, 1_00)
    bank.close(ANN)
    assert [standing.user_id for standing in bank.leaderboard()] == [BOB]


def test_the_actor_of_a_payment_is_recorded(bank: Bank):
    bank.grant(ANN, 1_00)
    assert {row[4] for row in bank.rows("payment")} == {ADMIN}
