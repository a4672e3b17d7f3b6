"""A payment above the threshold is asked about first, and is then made once or not at all."""

import asyncio

import pytest

from bot.ui.confirm import Confirm
from tests.e2e.control import Message, Player, Refused, eventually
from tests.e2e.stage import Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

RICH_CENTS = 51_000_00


@pytest.fixture
def alice(town: Town) -> Player:
    return town.player("alice")


async def asked(town: Town) -> Message:
    """The question whether to pay $5,000.00 to Bob, for a purpose that looks like markdown."""
    await town.admin.run("grant", user="alice", amount="50,000")
    question = (await town.player("alice").run("pay", user="bob", amount="5,000", memo="a *house*")).message
    assert question.title == "Pay this?"
    assert "**$5,000.00**" in question.text
    assert "a \\*house\\*" in question.text
    assert question.ephemeral
    assert town.memos() == []
    return question


async def test_at_the_threshold_nobody_is_asked_and_a_cent_above_everybody_is(town: Town, alice: Player):
    assert (await alice.run("pay", user="bob", amount="1,000.00")).message.title == "Paid"
    await town.admin.run("grant", user="alice", amount="2,000")
    assert (await alice.run("pay", user="bob", amount="1,000.01")).message.title == "Pay this?"
    assert len(town.memos()) == 1


async def test_a_confirmed_payment_is_made_and_the_question_becomes_its_receipt(town: Town, alice: Player):
    question = await asked(town)
    answer = await alice.click(question, "Pay")
    assert answer.message.id == question.id
    assert answer.message.title == "Paid"
    assert answer.message.buttons == {}
    assert town.memos() == ["a *house*"]
    assert town.balance("alice") == RICH_CENTS - 5_000_00


async def test_the_payment_bears_the_id_of_the_command_and_not_of_the_click(town: Town, alice: Player):
    question = await asked(town)
    click = await alice.click(question, "Pay")
    assert town.books.journal(click.interaction) == []
    assert town.books.journal(question.raw["interaction"]) == [("economy.transfer", "committed")]


async def test_a_second_click_finds_no_button_any_more(town: Town, alice: Player):
    question = await asked(town)
    await alice.click(question, "Pay")
    with pytest.raises(Refused, match="no component"):
        await alice.click(question, "Pay")
    assert len(town.memos()) == 1


async def test_clicks_at_the_same_time_pay_once(town: Town, alice: Player):
    question = await asked(town)
    await asyncio.gather(*(alice.press(question, "Pay") for _ in range(5)))
    await eventually(lambda: is_decided(alice, question))
    assert town.memos() == ["a *house*"]
    assert (await alice.again(question)).title == "Paid"
    assert town.balance("alice") == RICH_CENTS - 5_000_00


async def test_paying_and_cancelling_at_the_same_time_is_one_of_the_two(town: Town, alice: Player):
    question = await asked(town)
    await asyncio.gather(alice.press(question, "Cancel"), alice.press(question, "Pay"))
    await eventually(lambda: is_decided(alice, question))
    title = (await alice.again(question)).title
    assert len(town.memos()) == {"Paid": 1, "Cancelled": 0}[title]


async def is_decided(player: Player, question: Message) -> bool:
    return (await player.again(question)).buttons == {}


async def test_a_click_that_is_delivered_twice_pays_once(town: Town, alice: Player):
    question = await asked(town)
    await town.control.fault("deliver_twice")
    answer = await alice.click(question, "Pay")
    assert answer.message.title == "Paid"
    assert len(town.memos()) == 1
    await asyncio.sleep(0.05)
    assert (await alice.again(question)).title == "Paid"
    assert len(town.memos()) == 1


async def test_a_cancelled_payment_is_not_made(town: Town, alice: Player):
    question = await asked(town)
    before = town.touched()
    answer = await alice.click(question, "Cancel")
    assert answer.message.title == "Cancelled"
    assert "Nothing was changed" in answer.text
    with pytest.raises(Refused, match="no component"):
        await alice.click(question, "Pay")
    assert town.touched() == before


async def test_nobody_else_even_sees_the_question(town: Town):
    question = await asked(town)
    with pytest.raises(Refused, match="sees no message"):
        await town.player("bob").click(question, "Pay")
    assert town.memos() == []


async def test_a_question_left_alone_loses_its_buttons_and_nothing_was_paid(
    town: Town, alice: Player, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(Confirm.__init__.__kwdefaults__, "timeout", 0.05)
    question = await asked(town)
    await eventually(lambda: is_disabled(alice, question, "Pay"))
    with pytest.raises(Refused, match="is disabled"):
        await alice.click(question, "Pay")
    assert town.memos() == []


async def is_disabled(player: Player, question: Message, label: str) -> bool:
    return (await player.again(question)).buttons[label].get("disabled", False)


async def test_money_that_was_spent_meanwhile_is_not_paid_by_the_confirmation(town: Town, alice: Player):
    first = await asked(town)
    rest = f"{RICH_CENTS // 100}"
    second = (await alice.run("pay", user="carol", amount=rest)).message
    await alice.click(second, "Pay")
    answer = await alice.click(first, "Pay")
    assert "You have only **$0.00**. Nothing was paid." in answer.text
    assert town.balance("bob") is None
    assert len(town.memos()) == 1
