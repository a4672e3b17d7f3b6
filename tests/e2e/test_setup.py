"""/setup: what a server's managers choose is stored, shown, and from then on the rule."""

import pytest

from tests.e2e.control import Refused
from tests.e2e.stage import Town
from tests.e2e.world import TREASURER, TREASURER_ROLE

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHOSEN = "SELECT currency_symbol, currency_name, opening_balance_cents, confirm_above_cents FROM guild_settings"


def settings_of(town: Town) -> list[tuple[object, ...]]:
    return town.books.rows(f"{CHOSEN} WHERE guild_id = ?", town.guild)


async def test_setup_without_options_shows_the_defaults_and_stores_nothing(town: Town):
    answer = await town.admin.run("setup")
    assert "Nothing has been set up yet" in answer.text
    assert answer.message.field("Opening balance") == "$1,000.00"
    assert answer.message.ephemeral
    assert settings_of(town) == []


async def test_what_is_chosen_is_stored_shown_and_in_force_at_once(town: Town):
    answer = await town.admin.run(
        "setup",
        currency_symbol="kr",
        currency_name="kroner",
        opening_balance="250",
        confirm_above="kr50.00",
        announcements=town.channel,
    )
    assert answer.message.title == "Saved"
    assert answer.message.field("Currency") == "kr · kroner"
    assert settings_of(town) == [("kr", "kroner", 250_00, 50_00)]
    assert town.books.journal(answer.interaction) == [("settings.configure", "committed")]

    alice = town.player("alice")
    assert "kr250.00" in (await alice.run("wallet balance")).text
    assert (await alice.run("pay", user="bob", amount="50.01")).message.title == "Pay this?"
    assert (await alice.run("pay", user="bob", amount="50")).message.field("Left in your wallet") == "kr200.00"


async def test_one_change_leaves_the_rest_as_it_was(town: Town):
    await town.admin.run("setup", currency_symbol="£", currency_name="pounds")
    await town.admin.run("setup", opening_balance="0")
    assert settings_of(town) == [("£", "pounds", 0, 1_000_00)]
    assert "**£0.00**" in (await town.player("alice").run("wallet balance")).text


async def test_the_holders_of_the_admin_role_are_admins_until_it_is_taken_away(town: Town):
    theodore = town.player(TREASURER)
    assert "Only this server's admins" in (await theodore.run("grant", user="alice", amount="1")).text

    await town.admin.run("setup", admin_role=TREASURER_ROLE)
    assert (await theodore.run("grant", user="alice", amount="1")).message.title == "Granted"
    assert "/grant" in (await theodore.run("help")).text

    await town.admin.run("setup", clear="admin_role")
    assert "Only this server's admins" in (await theodore.run("grant", user="alice", amount="1")).text
    assert len(town.memos("grant")) == 1


async def test_the_admin_role_does_not_open_the_settings_themselves(town: Town):
    await town.admin.run("setup", admin_role=TREASURER_ROLE)
    with pytest.raises(Refused, match="may not use /setup"):
        await town.player(TREASURER).run("setup")


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"opening_balance": "-1"}, "cannot be negative"),
        ({"opening_balance": "plenty"}, "not an amount"),
        ({"confirm_above": "1.234"}, "at most two decimals"),
        ({"currency_symbol": "5"}, "symbol"),
        ({"currency_name": "\u202e\u200b"}, "name"),
        ({"admin_role": TREASURER_ROLE, "clear": "admin_role"}, "not both at once"),
    ],
)
async def test_a_choice_that_cannot_be_is_explained_and_not_stored(town: Town, options: dict[str, str], says: str):
    answer = await town.admin.run("setup", **options)
    assert says in answer.text
    assert "Error E-" not in answer.text
    assert answer.message.ephemeral
    assert settings_of(town) == []
