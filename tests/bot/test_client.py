"""What the client does by itself: commands, presence, the end."""

import asyncio
from pathlib import Path

import discord
import pytest

from bot import permissions
from bot.client import Rollcall
from bot.config import BotConfig, Config
from bot.exits import StartFailure
from db import Mode
from tests.bot.conftest import FakeDatabase
from tests.sandbox.people import People


async def presence(bot: Rollcall, status: discord.Status) -> list[str | None]:
    me = bot.guilds[0].me
    async with asyncio.timeout(5):
        while me.status is not status:
            await asyncio.sleep(0.01)
    return [activity.name for activity in me.activities]


async def test_the_presence_shows_the_mode_and_that_it_is_over(bot: Rollcall, database: FakeDatabase):
    database.change(Mode.READ_ONLY)
    assert await presence(bot, discord.Status.idle) == ["read-only: nothing can be changed now"]
    database.change(Mode.READ_WRITE)
    assert await presence(bot, discord.Status.online) == []


async def test_no_listener_is_left_at_the_database(bot: Rollcall, database: FakeDatabase):
    assert len(database.listeners) == 1
    await bot.close()
    assert database.listeners == []


@pytest.mark.usefixtures("sandbox")
async def test_a_feature_that_does_not_load_ends_the_start(socket: Path, database: FakeDatabase):
    config = Config(bot=BotConfig(cogs=("nowhere",)))
    async with Rollcall(config, database, discord_socket=socket) as bot:
        with pytest.raises(StartFailure, match="the cog nowhere does not load") as failure:
            await bot.start("sandbox")
    assert failure.value.exit_code == 70


@pytest.mark.usefixtures("sandbox", "probe")
async def test_a_command_without_a_permission_ends_the_start(
    socket: Path, database: FakeDatabase, config: Config, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(permissions.FEATURES, "probe", {"plain": permissions.Level.PLAYER})
    async with Rollcall(config, database, discord_socket=socket) as bot:
        with pytest.raises(StartFailure, match="/crash has no row in the permission matrix"):
            await bot.start("sandbox")


async def test_commands_belong_to_servers_alone_and_nothing_pings(bot: Rollcall, people: People):
    _, state = await people.ask("GET", "/api/state")
    assert {tuple(command["contexts"]) for command in state["commands"]} == {(0,)}
    assert bot.allowed_mentions.to_dict() == {"parse": []}
