"""What people type by mistake or out of malice: a clear answer, to them alone, and nothing stored."""

import re

import pytest

from tests.e2e.control import Message, Player, Refused, eventually
from tests.e2e.stage import Town
from tests.e2e.world import OTHER_BOT, STRANGER, user_id

pytestmark = pytest.mark.asyncio(loop_scope="module")

AMOUNTS = {
    "-5": "cannot be negative",
    "$-5": "cannot be negative",
    "\N{MINUS SIGN}5": "cannot be negative",
    "0": "more than zero",
    "0.00": "more than zero",
    "1.234": "at most two decimals",
    "1e3": "without an exponent",
    "9" * 19: "too large",
    "9" * 5000: "too",
    "92233720368547758.08": "too large",
    "1000000000000000.01": "too large",
    "ten dollars": "not an amount",
    "NaN": "not an amount",
    "inf": "not an amount",
    "1,23.4": "Commas group thousands",
    "1.234,56": "Commas group thousands",
    "\u0661\u0662\u0663": "digits 0 to 9",
    "\uff11\uff12": "digits 0 to 9",
    "1\u00b2": "digits 0 to 9",
    " ": "Say how much",
    "$": "not an amount",
    "1; DROP TABLE payment": "not an amount",
    "0x10": "not an amount",
}

HOSTILE = (
    f"@everyone @here <@{user_id('bob')}> <@&1300000000000001012> <#1300000000000001001> "
    "**bold** [bank](https://example.org) `code` ||spoiler|| \u202etxet\u202c \u2066x\u2069 a\u200bb </pay:1>"
)


@pytest.fixture
def alice(town: Town) -> Player:
    return town.player("alice")


async def refusal(player: Player, command: str, says: str, **options: object) -> Message:
    """The answer, which is a plain sentence for the caller alone."""
    answer = await player.run(command, **options)
    assert says in answer.text
    assert "Error E-" not in answer.text
    assert answer.message.ephemeral
    assert not answer.message.pings
    return answer.message


@pytest.mark.parametrize(("amount", "says"), AMOUNTS.items(), ids=lambda value: ascii(value)[:30])
async def test_an_amount_that_is_none_is_explained(town: Town, alice: Player, amount: str, says: str):
    await refusal(alice, "pay", says, user="bob", amount=amount)
    await refusal(town.admin, "grant", says, user="bob", amount=amount)
    assert town.touched() == []


@pytest.mark.parametrize(
    ("amount", "cents"), [("$1,000", 1_000_00), (" 7.5 ", 7_50), ("007", 7_00), ("0.01", 1), ("5$", 5_00)]
)
async def test_an_amount_may_be_written_in_several_ways(town: Town, alice: Player, amount: str, cents: int):
    await alice.run("pay", user="bob", amount=amount)
    assert town.balance("bob") == 1_000_00 + cents


async def test_nobody_pays_themselves(town: Town, alice: Player):
    await refusal(alice, "pay", "You cannot pay yourself.", user="alice", amount="1")
    assert town.touched() == []


@pytest.mark.parametrize("name", [OTHER_BOT, "rollcall"])
async def test_bots_have_no_wallets(town: Town, alice: Player, name: str):
    await refusal(alice, "pay", "Bots have no wallets.", user=name, amount="1")
    await refusal(alice, "wallet balance", "Bots have no wallets.", user=name)
    await refusal(town.admin, "grant", "Bots have no wallets.", user=name, amount="1")
    assert town.touched() == []


async def test_who_is_not_on_the_server_is_neither_paid_nor_granted_anything(town: Town, alice: Player):
    await refusal(alice, "pay", "not on this server", user=STRANGER, amount="1")
    await refusal(town.admin, "grant", "not on this server", user=STRANGER, amount="1")
    assert town.touched() == []


async def test_discord_itself_knows_no_such_user(alice: Player):
    with pytest.raises(Refused, match="there is no user"):
        await alice.run("pay", user="1299999999999999999", amount="1")


async def test_a_memo_has_at_most_two_hundred_characters(town: Town, alice: Player):
    with pytest.raises(Refused, match="at most 200"):
        await alice.run("pay", user="bob", amount="1", memo="x" * 201)
    assert town.touched() == []
    await alice.run("pay", user="bob", amount="1", memo="*" * 200)
    assert town.memos() == ["*" * 200]


async def test_an_empty_amount_is_not_sent_by_discord(alice: Player):
    with pytest.raises(Refused):
        await alice.run("pay", user="bob", amount="")


async def test_what_is_written_in_a_memo_pings_nobody_and_is_no_markdown(town: Town, alice: Player):
    paid = (await alice.run("pay", user="bob", amount="1", memo=HOSTILE)).message
    await eventually(town.player("bob").sees)
    [notice] = await town.player("bob").sees()
    history = (await alice.run("wallet history")).message
    for message in (paid, notice, history):
        assert_harmless(message)
    assert town.memos() == [HOSTILE]


def assert_harmless(message: Message) -> None:
    assert not message.pings
    assert message.raw["content"] == ""
    quoted = message.text.partition("\n> ")[2]
    effective = re.sub(r"\\.", "", quoted)
    assert not re.search(r"@everyone|@here|<@|<#|\*\*bold|\[bank|`|\|\||</", effective)
    assert not set(message.text) & set("\u202e\u202c\u2066\u2069")


@pytest.mark.parametrize("memo", ["\u202e\u200b", "\u0000", "\n\n", "> quote\n# Title", "a\u0000b"])
async def test_odd_memos_are_kept_on_one_line(town: Town, alice: Player, memo: str):
    answer = await alice.run("pay", user="bob", amount="1", memo=memo)
    assert answer.message.title == "Paid"
    [stored] = town.memos()
    assert "\n" not in stored
    assert "\0" not in stored
    assert "\n# " not in answer.text


async def test_the_name_of_the_currency_pings_nobody_either(town: Town):
    answer = await town.admin.run("setup", currency_name="@everyone **gold**")
    assert not answer.message.pings
    assert "@everyone **gold**" not in answer.text


@pytest.mark.parametrize("payment", [1, 2**53 - 1])
async def test_a_payment_that_never_was_cannot_be_reversed(town: Town, payment: int):
    await refusal(town.admin, "reverse", f"no payment #{payment} on this server", payment=payment)


@pytest.mark.parametrize("payment", [0, -1, 2**53, "one"])
async def test_discord_takes_only_possible_numbers_of_payments(town: Town, payment: object):
    with pytest.raises(Refused):
        await town.admin.run("reverse", payment=payment)


async def test_there_is_a_most_that_a_server_can_issue(town: Town):
    await town.admin.run("grant", user="bob", amount="999,999,999,999,000.00")
    before = town.touched()
    await refusal(town.admin, "grant", "can still be issued", user="bob", amount="1,000,000")
    assert town.touched() == before
