"""A sandbox in this process, driven as people do (HTTP) and as the bot does (unmodified discord.py)."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import aiohttp
import discord
import pytest
from discord.ext import commands

from sandbox.clock import ManualClock
from sandbox.server import Sandbox
from tests.sandbox.people import People

TOKEN = "sandbox"


class Bot(commands.Bot):
    """A bot as small as they get: `prepare` adds its commands before they are synced."""

    def __init__(
        self,
        socket: Path,
        *,
        prepare: Callable[["Bot"], object] = lambda _bot: None,
        intents: discord.Intents | None = None,
    ) -> None:
        super().__init__(
            command_prefix=(),
            help_command=None,
            intents=intents or discord.Intents.default(),
            connector=aiohttp.UnixConnector(str(socket), limit=0),
            guild_ready_timeout=0.01,
        )
        self._prepare = prepare
        self.errors: list[Exception] = []

    async def setup_hook(self) -> None:
        self._prepare(self)
        self.tree.error(self._note)
        await self.tree.sync()

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """discord.py would wait 5 s before it identifies anew."""

    async def _note(self, _interaction: discord.Interaction, error: Exception) -> None:
        self.errors.append(error)


@contextlib.asynccontextmanager
async def running(bot: commands.Bot, token: str = TOKEN) -> AsyncIterator[asyncio.Task[None]]:
    """The bot, connected and ready; the task is its `start`."""
    async with bot:
        task = asyncio.create_task(bot.start(token))
        ready = asyncio.create_task(bot.wait_until_ready())
        await asyncio.wait({task, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if task.done():
            await task
        yield task
        await bot.close()
        await asyncio.wait_for(task, 5)


@pytest.fixture
def socket() -> Iterator[Path]:
    """Below a short directory: the address of a unix socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="rc-", dir="/tmp") as directory:
        yield Path(directory) / "discord.sock"


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sandbox(socket: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(socket=socket) as sandbox:
        yield sandbox


@pytest.fixture
async def people(sandbox: Sandbox) -> AsyncIterator[People]:
    async with People(sandbox.url) as people:
        yield people


Connect = Callable[[Callable[[Bot], object]], contextlib.AbstractAsyncContextManager[Bot]]


@pytest.fixture
def connected(sandbox: Sandbox) -> Connect:
    """`async with connected(prepare) as bot:`: a ready bot with the commands that `prepare` adds."""

    @contextlib.asynccontextmanager
    async def connect(prepare: Callable[[Bot], object]) -> AsyncIterator[Bot]:
        bot = Bot(sandbox.socket, prepare=prepare)
        async with running(bot):
            yield bot

    return connect
