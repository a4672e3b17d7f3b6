"""What /setup stores."""

import itertools
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as examples
from hypothesis import strategies as st

from cogs.settings import store
from cogs.settings.money import MAX_CENTS
from cogs.settings.store import NOTHING, AdminRole, GuildSettings
from db import WriteResult

GUILD = 500
UNCHANGED: dict[str, Any] = {
    "announcements_channel": None,
    "admins_channel": None,
    "admin_role": None,
    "currency_symbol": None,
    "currency_name": None,
    "opening_balance_cents": None,
    "confirm_above_cents": None,
}


def attempt(scratch: Any, guild: int = GUILD, **changes: Any) -> WriteResult[GuildSettings]:
    return scratch.run(store.configure, guild=guild, **(UNCHANGED | changes))


def configure(scratch: Any, guild: int = GUILD, **changes: Any) -> GuildSettings:
    return attempt(scratch, guild, **changes).value


def test_a_guild_that_set_nothing_up_has_the_defaults_and_no_row(scratch: Any):
    assert scratch.ask(store.get, guild=GUILD) == GuildSettings()
    assert scratch.rows("SELECT * FROM guild_settings") == []


def test_only_what_is_given_changes(scratch: Any):
    configure(scratch, currency_symbol="€", currency_name="euros", admin_role=7)
    configure(scratch, opening_balance_cents=5_00, announcements_channel=8)
    assert scratch.ask(store.get, guild=GUILD) == GuildSettings(
        announcements_channel_id=8,
        admin_role_id=7,
        currency_symbol="€",
        currency_name="euros",
        opening_balance_cents=5_00,
        version=2,
    )


def test_channels_and_the_role_can_be_taken_away_again(scratch: Any):
    configure(scratch, announcements_channel=8, admins_channel=9, admin_role=7)
    cleared = configure(scratch, announcements_channel=NOTHING, admins_channel=NOTHING, admin_role=NOTHING)
    assert cleared == GuildSettings(version=2)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"currency_symbol": "dollars"}, "BAD_SYMBOL"),
        ({"currency_symbol": ""}, "BAD_SYMBOL"),
        ({"currency_name": "<@&1>"}, "BAD_NAME"),
        ({"opening_balance_cents": -1}, "BAD_AMOUNT"),
        ({"confirm_above_cents": MAX_CENTS + 1}, "BAD_AMOUNT"),
        ({"admin_role": GUILD}, "EVERYONE_IS_NO_ADMIN"),
    ],
)
def test_a_bad_value_refuses_the_whole_change(scratch: Any, changes: dict[str, Any], reason: str):
    assert attempt(scratch, **({"announcements_channel": 8} | changes)).reason == reason
    assert scratch.ask(store.get, guild=GUILD) == GuildSettings()


def test_admin_roles_are_listed_page_by_page_where_there_is_one(scratch: Any):
    for guild in (3, 1, 2, 4):
        configure(scratch, guild, admin_role=guild * 10 if guild != 2 else None)
    first = scratch.ask(store.admin_roles, after_guild=0, limit=2)
    assert first == [AdminRole(guild_id=1, role_id=10), AdminRole(guild_id=3, role_id=30)]
    assert scratch.ask(store.admin_roles, after_guild=3, limit=2) == [AdminRole(guild_id=4, role_id=40)]


GUILDS = itertools.count(10_000)
CHANGES = st.fixed_dictionaries(
    {},
    optional={
        "announcements_channel": st.integers(0, 3),
        "admins_channel": st.integers(0, 3),
        "admin_role": st.integers(0, 3),
        "currency_symbol": st.sampled_from(["$", "kr"]),
        "currency_name": st.sampled_from(["dollars", "kroner"]),
        "opening_balance_cents": st.integers(0, 3),
        "confirm_above_cents": st.integers(0, 3),
    },
)


@examples(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(history=st.lists(CHANGES, max_size=6))
def test_the_settings_are_the_sum_of_their_changes(scratch: Any, history: list[dict[str, Any]]):
    """Each setting is what was last said about it, and the version counts the changes."""
    guild = next(GUILDS)
    said: dict[str, Any] = {}
    for changes in history:
        configure(scratch, guild, **changes)
        said |= changes
    found = scratch.ask(store.get, guild=guild)
    assert found.version == len(history)
    assert found.currency_symbol == said.get("currency_symbol", "$")
    assert found.currency_name == said.get("currency_name", "dollars")
    assert found.opening_balance_cents == said.get("opening_balance_cents", 1_000_00)
    assert found.confirm_above_cents == said.get("confirm_above_cents", 1_000_00)
    assert found.announcements_channel_id == (said.get("announcements_channel") or None)
    assert found.admins_channel_id == (said.get("admins_channel") or None)
    assert found.admin_role_id == (said.get("admin_role") or None)
