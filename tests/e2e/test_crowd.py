"""Many people at once: nobody's money is made or lost on the way."""

import asyncio
import random

import pytest

from tests.e2e.control import Answer
from tests.e2e.stage import Stage, Town
from tests.e2e.world import PAYERS, user_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

PAYMENTS_EACH = 6
OPENING_CENTS = 1_000_00


async def test_sixty_four_people_pay_each_other_at_once_and_the_sum_stays_what_it_was(stage: Stage, town: Town):
    chance = random.Random(64)

    async def pay_around(name: str) -> list[Answer]:
        player = town.player(name)
        return [
            await player.run(
                "pay",
                user=chance.choice([other for other in PAYERS if other != name]),
                amount=f"{chance.randint(1, 400_00) / 100:.2f}",
                memo=f"{name} {number}",
            )
            for number in range(PAYMENTS_EACH)
        ]

    answers = [answer for each in await asyncio.gather(*map(pay_around, PAYERS)) for answer in each]

    paid = {answer.interaction for answer in answers if answer.message.title == "Paid"}
    refused = {answer.interaction for answer in answers if "You have only" in answer.text}
    assert len(paid | refused) == len(PAYERS) * PAYMENTS_EACH
    assert len(town.memos()) == len(paid)

    wallets = town.books.rows(
        "SELECT user_id, balance_cents FROM account WHERE guild_id = ? AND kind = 'wallet'", town.guild
    )
    assert {user for user, _ in wallets} == {user_id(name) for name in PAYERS}
    assert min(cents for _, cents in wallets) >= 0
    assert sum(cents for _, cents in wallets) == len(PAYERS) * OPENING_CENTS
    assert stage.books.faults() == []


async def test_of_many_payments_at_once_only_as_many_are_made_as_there_is_money_for(town: Town):
    alice = town.player("alice")
    answers = await asyncio.gather(*(alice.run("pay", user=name, amount="100") for name in PAYERS))
    titles = [answer.message.title for answer in answers]
    assert titles.count("Paid") == 10
    assert town.balance("alice") == 0
    assert len(town.memos()) == 10
