"""/wallet, /pay, /grant, /reverse and /leaderboard: what is answered is what stands in the database."""

import re

import pytest

from tests.e2e.control import Answer, Player, eventually
from tests.e2e.stage import Stage, Town
from tests.e2e.world import PAYERS, user_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

OPENING_CENTS = 1_000_00


@pytest.fixture
def alice(town: Town) -> Player:
    return town.player("alice")


@pytest.fixture
def bob(town: Town) -> Player:
    return town.player("bob")


def number_of(answer: Answer) -> int:
    return int(answer.message.field("Payment").removeprefix("#"))


async def test_a_wallet_that_was_never_used_is_shown_and_not_opened(town: Town, alice: Player):
    answer = await alice.run("wallet balance")
    assert "Not opened yet" in answer.text
    assert "$1,000.00" in answer.text
    assert answer.message.ephemeral
    assert town.touched() == []


async def test_a_payment_moves_the_money_and_says_where_it_is_now(town: Town, alice: Player, bob: Player):
    answer = await alice.run("pay", user="bob", amount="$12.50", memo="for the printing of handbills")
    assert answer.message.title == "Paid"
    assert f"**$12.50** to <@{user_id('bob')}>" in answer.text
    assert "> for the printing of handbills" in answer.text
    assert answer.message.field("Left in your wallet") == "$987.50"
    assert answer.message.ephemeral

    stored = town.books.payments(town.guild)
    assert stored == [(number_of(answer), user_id("alice"), "for the printing of handbills")]
    assert (town.balance("alice"), town.balance("bob")) == (OPENING_CENTS - 12_50, OPENING_CENTS + 12_50)
    assert town.books.journal(answer.interaction) == [("economy.transfer", "committed")]

    assert "$987.50" in (await alice.run("wallet balance")).text
    assert "$1,012.50" in (await alice.run("wallet balance", user="bob")).text
    assert "$1,012.50" in (await bob.run("wallet balance")).text


async def test_a_payment_is_shown_in_the_channel_without_pinging_anybody(alice: Player, bob: Player):
    await alice.run("pay", user="bob", amount="1")
    await eventually(bob.sees)
    [notice] = await bob.sees()
    assert notice.title == "Payment"
    assert f"<@{user_id('alice')}> paid **$1.00** to <@{user_id('bob')}>" in notice.text
    assert not notice.pings


async def test_all_of_a_wallet_can_be_paid_and_not_a_cent_more(town: Town, alice: Player):
    await alice.run("pay", user="bob", amount="999.99")
    refused = await alice.run("pay", user="bob", amount="0.02")
    assert "You have only **$0.01**. Nothing was paid." in refused.text
    assert refused.message.ephemeral
    assert town.books.journal(refused.interaction) == [("economy.transfer", "rejected")]
    assert (await alice.run("pay", user="bob", amount="0.01")).message.field("Left in your wallet") == "$0.00"
    assert town.balance("alice") == 0


async def test_money_of_one_server_is_not_seen_on_another(stage: Stage, town: Town, alice: Player):
    await alice.run("pay", user="bob", amount="100")
    elsewhere = stage.town()
    assert "Not opened yet" in (await elsewhere.player("bob").run("wallet balance")).text
    assert elsewhere.touched() == []
    assert town.balance("bob") == OPENING_CENTS + 100_00


async def test_the_history_tells_each_movement_newest_first(town: Town, alice: Player, bob: Player):
    await alice.run("pay", user="bob", amount="5", memo="ink")
    await bob.run("pay", user="alice", amount="2", memo="change")
    text = (await alice.run("wallet history")).text
    change, ink, opening = text.split("\n<t:")[1:] if text.startswith("Your") else text.split("<t:")[1:]
    assert "+$2.00** from" in change
    assert "> change" in change
    assert "leaves $997.00" in change
    assert "-$5.00** to" in ink
    assert "opening balance" in opening
    assert "Nothing has come or gone yet" in (await town.player("carol").run("wallet history")).text


async def test_a_long_history_is_paged_with_nothing_left_out_or_shown_twice(alice: Player):
    paid = [number_of(await alice.run("pay", user="bob", amount="1", memo=f"no {n}")) for n in range(24)]
    page = (await alice.run("wallet history")).message
    shown = re.findall(r"· #(\d+)", page.text)
    while not page.buttons["▶"].get("disabled"):
        page = (await alice.click(page, "▶")).message
        shown += re.findall(r"· #(\d+)", page.text)
    assert len(shown) == 25
    assert shown[:24] == [str(number) for number in reversed(paid)]

    back = (await alice.click(page, "◀")).message
    assert re.findall(r"· #(\d+)", back.text) == shown[10:20]


async def test_a_history_is_private_to_its_owner_and_the_admins(town: Town, alice: Player, bob: Player):
    await alice.run("pay", user="bob", amount="5", memo="secret ballot paper")
    assert "Only admins may look" in (await bob.run("wallet history", user="alice")).text
    assert "secret ballot paper" in (await town.admin.run("wallet history", user="alice")).text


async def test_an_admin_grants_new_money_and_the_books_still_balance(town: Town, alice: Player):
    answer = await town.admin.run("grant", user="alice", amount="2,500.00", memo="stipend")
    assert answer.message.title == "Granted"
    assert answer.message.field("In their wallet now") == "$3,500.00"
    assert town.balance("alice") == OPENING_CENTS + 2_500_00
    assert town.memos("grant") == ["stipend"]
    assert town.books.journal(answer.interaction) == [("economy.grant", "committed")]
    await eventually(alice.sees)
    assert [message.title for message in await alice.sees()] == ["Grant"]


async def test_a_payment_is_reversed_once_and_stays_in_the_history(town: Town, alice: Player):
    number = number_of(await alice.run("pay", user="bob", amount="40"))
    answer = await town.admin.run("reverse", payment=number, reason="paid in error")
    assert answer.message.title == f"Payment #{number} reversed"
    assert (town.balance("alice"), town.balance("bob")) == (OPENING_CENTS, OPENING_CENTS)

    again = await town.admin.run("reverse", payment=number)
    assert f"#{number} has been reversed already" in again.text
    assert town.books.journal(again.interaction) == [("economy.reverse", "rejected")]
    assert town.memos("reversal") == ["paid in error"]
    assert f"reversed by {answer.message.field('By payment')}" in (await alice.run("wallet history")).text


async def test_what_was_spent_cannot_be_reversed(town: Town, alice: Player, bob: Player):
    number = number_of(await alice.run("pay", user="bob", amount="600"))
    await bob.run("pay", user="carol", amount="1,000")
    await bob.run("pay", user="carol", amount="500")
    before = town.touched()
    answer = await town.admin.run("reverse", payment=number)
    assert f"<@{user_id('bob')}> has only **$100.00** left" in answer.text
    assert town.touched() == before


async def test_payments_of_elsewhere_and_reversals_cannot_be_reversed(stage: Stage, town: Town):
    elsewhere = stage.town()
    number = number_of(await elsewhere.player("alice").run("pay", user="bob", amount="1"))
    assert f"no payment #{number} on this server" in (await town.admin.run("reverse", payment=number)).text
    reversal = await elsewhere.admin.run("reverse", payment=number)
    number = int(reversal.message.field("By payment").removeprefix("#"))
    assert "only those can be reversed" in (await elsewhere.admin.run("reverse", payment=number)).text
    assert town.touched() == []


async def test_the_leaderboard_ranks_the_whole_server_page_by_page(town: Town, alice: Player, bob: Player):
    assert "Nobody has a wallet yet." in (await alice.run("leaderboard")).text
    for place, name in enumerate(PAYERS[:12]):
        await town.admin.run("grant", user=name, amount=str(100 * (12 - place)))
    board = (await alice.run("leaderboard")).message
    assert not board.ephemeral
    pages = board.text
    refused = await bob.click(board, "▶")
    assert "belong to the one who ran the command" in refused.text
    pages += "\n" + (await alice.click(board, "▶")).text
    ranked = re.findall(r"\*\*(\d+)\.\*\* <@(\d+)> · \$([\d,]+)\.00", pages)
    assert [int(place) for place, _, _ in ranked] == list(range(1, 13))
    assert [int(user) for _, user, _ in ranked] == [user_id(name) for name in PAYERS[:12]]
    assert ranked[0][2] == "2,200"
    assert ranked[11][2] == "1,100"
