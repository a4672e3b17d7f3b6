"""The bot knows who is an admin, even while the database is away."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest

from bot.permissions import AdminRoles
from cogs.settings import store
from cogs.settings.admin_roles import AdminRoleKeeper
from db import Context, DatabaseManager, DatabaseSettings, Mode, open_database

MIGRATIONS = Path(__file__).parents[2] / "migrations"
UNCHANGED: dict[str, Any] = dict.fromkeys(
    (
        "announcements_channel",
        "admins_channel",
        "currency_symbol",
        "currency_name",
        "opening_balance_cents",
        "confirm_above_cents",
    )
)


@pytest.fixture
async def database(settings: DatabaseSettings) -> AsyncIterator[DatabaseManager]:
    async with open_database(settings, MIGRATIONS) as opened:
        yield opened


async def name_role(database: DatabaseManager, guild: int, role: int) -> None:
    context = Context(operation_id=f"{guild}:{role}:setup", actor=1, guild=guild)
    assert (await database.write(store.configure, context, admin_role=role, **UNCHANGED)).ok


async def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        await asyncio.sleep(0.01)


async def test_the_roles_of_all_guilds_are_known_once_it_has_started(
    database: DatabaseManager, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("cogs.settings.admin_roles.PAGE", 2)
    for guild in (1, 2, 3, 4, 5):
        await name_role(database, guild, guild * 10)
    roles = AdminRoles()
    keeper = AdminRoleKeeper(database, roles)
    await keeper.start()
    await keeper.stop()
    assert [roles.get(guild) for guild in (1, 2, 3, 4, 5, 6)] == [10, 20, 30, 40, 50, None]


async def test_a_change_of_mode_is_a_reason_to_read_them_again(database: DatabaseManager):
    roles = AdminRoles()
    keeper = AdminRoleKeeper(database, roles)
    await keeper.start()
    await name_role(database, 1, 10)
    database.set_switch(degraded=True)
    await eventually(lambda: roles.get(1) == 10)
    await keeper.stop()


async def test_the_last_known_roles_hold_when_there_is_no_database(settings: DatabaseSettings):
    """The directory remembers a database that is gone: the bot starts without one."""
    async with open_database(settings, MIGRATIONS):
        pass
    for path in settings.directory.glob("gen-*/rollcall.db*"):
        path.unlink()
    roles = AdminRoles()
    roles.set(1, 10)
    async with open_database(settings, MIGRATIONS) as database:
        assert database.mode is Mode.OFFLINE
        keeper = AdminRoleKeeper(database, roles)
        await keeper.start()
        await keeper.stop()
    assert roles.get(1) == 10


async def test_stopping_twice_or_unstarted_is_harmless(database: DatabaseManager):
    keeper = AdminRoleKeeper(database, AdminRoles())
    await keeper.stop()
    await keeper.start()
    await keeper.stop()
    await keeper.stop()
