"""What a network does: connections drop, replies get lost, the same thing arrives twice."""

import asyncio

import pytest

from tests.e2e.control import Player, eventually
from tests.e2e.stage import Stage, Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

SERIES = 40
# A little longer than the bot takes for what it does a second time.
SETTLED_S = 0.1


@pytest.fixture
def alice(town: Town) -> Player:
    return town.player("alice")


async def test_a_gateway_that_drops_in_a_series_of_payments_is_resumed_and_loses_nothing(
    stage: Stage, town: Town, alice: Player
):
    resumed = stage.bot.wait_for("resumed", timeout=5)
    begun = []
    for number in range(SERIES):
        begun.append(asyncio.create_task(alice.run("pay", user="bob", amount="1", memo=str(number))))
        await asyncio.sleep(0.001)
        if number == SERIES // 2:
            await town.control.fault("drop_gateway")
    answers = await asyncio.gather(*begun)
    await resumed
    assert {answer.message.title for answer in answers} == {"Paid"}
    assert sorted(town.memos(), key=int) == [str(number) for number in range(SERIES)]
    assert town.balance("alice") == 1_000_00 - SERIES * 1_00


async def test_a_session_that_cannot_be_resumed_is_begun_anew(
    stage: Stage, town: Town, alice: Player, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stage.bot, "before_identify_hook", at_once)
    ready = stage.bot.wait_for("ready", timeout=5)
    await town.control.fault("drop_gateway", resumable=False)
    await ready
    assert (await alice.run("pay", user="bob", amount="1")).message.title == "Paid"
    assert len(town.memos()) == 1


async def at_once(_shard: int | None, *, initial: bool = False) -> None:
    """Discord allows one IDENTIFY every 5 s, which discord.py waits for; the sandbox does not mind."""
    assert not initial


async def test_an_answer_whose_reply_got_lost_is_shown_once(stage: Stage, town: Town, alice: Player):
    await town.control.fault("lose_reply", route="POST /api/v10/interactions")
    answer = await alice.run("ping")
    await asyncio.sleep(SETTLED_S)
    assert [message.title for message in answer.messages] == ["Pong"]
    assert len(await alice.sees()) == 1
    assert not errors_in(stage)


async def test_a_payment_whose_acknowledgement_got_lost_is_made_once(stage: Stage, town: Town, alice: Player):
    await town.control.fault("lose_reply", route="POST /api/v10/interactions")
    answer = await alice.run("pay", user="bob", amount="5")
    assert answer.message.title == "Paid"
    assert len(town.memos()) == 1
    assert not errors_in(stage)


async def test_a_payment_whose_answer_got_lost_is_made_once(stage: Stage, town: Town, alice: Player):
    await town.control.fault("lose_reply", route="PATCH /api/v10/webhooks")
    answer = await alice.run("pay", user="bob", amount="5")
    assert answer.message.title == "Paid"
    await asyncio.sleep(SETTLED_S)
    assert len(town.memos()) == 1
    assert [message.title for message in await alice.sees()] == ["Paid", "Payment"]
    assert not errors_in(stage)


async def test_a_payment_whose_notice_got_lost_is_made_once_and_called_no_error(
    stage: Stage, town: Town, alice: Player
):
    await town.control.fault("lose_reply", route="POST /api/v10/webhooks")
    answer = await alice.run("pay", user="bob", amount="5")
    assert answer.message.title == "Paid"
    await asyncio.sleep(SETTLED_S)
    assert len(town.memos()) == 1
    assert (await alice.again(answer.message)).title == "Paid"
    assert not errors_in(stage)


async def test_a_short_failure_of_discord_is_waited_out(town: Town, alice: Player):
    await town.control.fault("status", status=502, route="PATCH /api/v10/webhooks")
    answer = await alice.run("pay", user="bob", amount="5")
    assert answer.message.title == "Paid"
    assert len(town.memos()) == 1


async def test_a_rate_limit_is_waited_for(town: Town, alice: Player):
    await town.control.fault("status", status=429, retry_after=0.05, route="PATCH /api/v10/webhooks")
    assert (await alice.run("pay", user="bob", amount="5")).message.title == "Paid"
    assert len(town.memos()) == 1


async def test_an_interaction_that_is_delivered_twice_pays_once_with_one_answer(
    stage: Stage, town: Town, alice: Player
):
    await town.control.fault("deliver_twice")
    first = await alice.run("pay", user="bob", amount="5", memo="twice")
    await asyncio.sleep(SETTLED_S)
    assert first.message.title == "Paid"
    assert (await alice.again(first.message)).text == first.text
    assert [message.title for message in await alice.sees()] == ["Paid", "Payment"]
    assert town.memos() == ["twice"]
    assert town.books.journal(first.interaction) == [("economy.transfer", "committed")]
    assert not errors_in(stage)


async def test_a_refusal_that_is_delivered_twice_is_the_same_refusal(stage: Stage, town: Town, alice: Player):
    await town.control.fault("deliver_twice")
    first = await alice.run("pay", user="bob", amount="1,000", memo="all")
    assert first.message.title == "Paid"
    await town.control.fault("deliver_twice")
    refused = await alice.run("pay", user="bob", amount="1")
    await asyncio.sleep(SETTLED_S)
    assert "You have only **$0.00**" in refused.text
    assert (await alice.again(refused.message)).text == refused.text
    assert town.books.journal(refused.interaction) == [("economy.transfer", "rejected")]
    assert town.memos() == ["all"]
    assert not errors_in(stage)


@pytest.mark.parametrize("command", ["grant", "pay", "reverse", "setup"])
async def test_no_command_that_writes_does_so_twice(stage: Stage, town: Town, command: str):
    paid = await town.admin.run("pay", user="bob", amount="1")
    options = {
        "grant": {"user": "bob", "amount": "7"},
        "pay": {"user": "bob", "amount": "7"},
        "reverse": {"payment": int(paid.message.field("Payment").removeprefix("#"))},
        "setup": {"currency_symbol": "¤"},
    }
    await eventually(lambda: has_said(town, 2))
    await town.control.fault("deliver_twice")
    answer = await town.admin.run(command, **options[command])
    await asyncio.sleep(SETTLED_S)
    assert len(town.books.journal(answer.interaction)) == 1
    assert town.books.journal(answer.interaction)[0][1] == "committed"
    assert (await town.admin.again(answer.message)).text == answer.text
    assert not errors_in(stage)


async def has_said(town: Town, messages: int) -> bool:
    return len(await town.admin.sees()) == messages


def errors_in(stage: Stage) -> list[str]:
    return [record for record in stage.log if record.startswith(("ERROR", "CRITICAL"))]
