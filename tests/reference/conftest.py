"""The bot with this feature alone, on a sandbox in this process, and with a database that can do nothing."""

import asyncio
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any, cast

import pytest

from bot.client import Rollcall
from bot.config import BotConfig, Config
from db import Mode
from sandbox.server import Sandbox
from tests.sandbox.people import People


class NoDatabase:
    """Says its mode to whoever asks; a read or a write would be an AttributeError."""

    mode = Mode.OFFLINE
    mode_reason = "the database is away"

    def subscribe(self, _listener: object):
        return lambda: None


@pytest.fixture
async def people() -> AsyncIterator[People]:
    # Below a short directory: the address of a unix socket has at most 107 bytes.
    with tempfile.TemporaryDirectory(prefix="rc-", dir="/tmp") as directory:
        socket = Path(directory) / "discord.sock"
        async with Sandbox(socket=socket) as sandbox, People(sandbox.url) as people:
            config = Config(bot=BotConfig(cogs=("reference",)))
            async with Rollcall(config, cast("Any", NoDatabase()), discord_socket=socket) as bot:
                connection = asyncio.create_task(bot.start("sandbox"))
                await asyncio.wait_for(bot.connected.wait(), 10)
                yield people
                await bot.close()
                await asyncio.wait_for(connection, 5)
            assert list(sandbox.problems) == []
