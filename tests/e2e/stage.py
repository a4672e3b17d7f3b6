"""The bot and its loopback Discord in this process: real discord.py over a unix socket, real SQLite."""

import asyncio
import shutil
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from loguru import logger

from bot.app import MIGRATIONS
from bot.client import Rollcall
from bot.config import BotConfig, Config, DatabaseConfig
from db import DatabaseManager, open_database
from sandbox.server import Sandbox
from tests.conftest import ENGINE
from tests.e2e import world
from tests.e2e.books import Books
from tests.e2e.control import Control, Player

TOKEN = "sandbox"
START_S = 20.0


@dataclass(frozen=True, slots=True)
class Town:
    """One server of its own for a test, with nobody's money in it yet."""

    guild: int
    channel: str
    control: Control
    books: Books

    def player(self, name: str) -> Player:
        return Player(name, self.channel, self.control)

    @property
    def admin(self) -> Player:
        return self.player(world.ADMIN)

    def balance(self, name: str) -> int | None:
        return self.books.balance(self.guild, world.user_id(name))

    def memos(self, kind: str = "payment") -> list[str]:
        return [memo for _, _, memo in self.books.payments(self.guild, kind)]

    def touched(self) -> list[tuple[Any, ...]]:
        return self.books.touched(self.guild)


@dataclass(frozen=True, slots=True)
class Discord:
    """A sandbox in this process, with the servers of world.py."""

    sandbox: Sandbox
    socket: Path
    control: Control
    numbers: Iterator[int] = field(default_factory=lambda: iter(range(1, world.SERVERS)))

    def town(self, books: Books) -> Town:
        server = next(self.numbers)
        guild = list(self.sandbox.world.guilds)[server]
        return Town(int(guild), world.channel_name(server), self.control, books)


@dataclass(frozen=True, slots=True)
class Stage:
    """All of it, running."""

    discord: Discord
    control: Control
    bot: Rollcall
    database: DatabaseManager
    books: Books
    log: list[str]

    def town(self) -> Town:
        return self.discord.town(self.books)


@asynccontextmanager
async def discord_here(token: str = TOKEN) -> AsyncGenerator[Discord]:
    with short_directory() as directory:
        socket = directory / "discord.sock"
        async with (
            Sandbox(socket=socket, world=world.build_world(), token=token) as sandbox,
            Control(sandbox.url) as control,
        ):
            yield Discord(sandbox, socket, control)


@asynccontextmanager
async def stage_in(directory: Path, **database: Any) -> AsyncGenerator[Stage]:
    """A bot on a database below `directory`; `database` are settings of the configuration's section."""
    config = Config(
        bot=BotConfig(operators=(world.user_id(world.OPERATOR),)),
        database=DatabaseConfig(path=directory, engine=ENGINE, **database),
    )
    # The file is looked after every second; a test need not wait that long to see it missed.
    settings = replace(config.database.settings(), file_check_interval_s=0.02)
    async with AsyncExitStack() as stack:
        log = stack.enter_context(captured_log())
        discord = await stack.enter_async_context(discord_here())
        manager = await stack.enter_async_context(open_database(settings, MIGRATIONS))
        bot = await stack.enter_async_context(connected(config, manager, discord.socket))
        yield Stage(discord, discord.control, bot, manager, Books(directory), log)


@asynccontextmanager
async def connected(config: Config, manager: DatabaseManager, socket: Path) -> AsyncGenerator[Rollcall]:
    async with Rollcall(config, manager, discord_socket=socket) as bot:
        connection = asyncio.create_task(bot.start(TOKEN))
        ready = asyncio.create_task(bot.connected.wait())
        await asyncio.wait({connection, ready}, timeout=START_S, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if connection.done():
            await connection
        yield bot
        await bot.close()
        await connection


@contextmanager
def captured_log() -> Iterator[list[str]]:
    """What is logged, a text a record, tracebacks included."""
    lines: list[str] = []
    sink = logger.add(lines.append, format="{level} {message}", level="DEBUG", diagnose=False)
    yield lines
    with suppress(ValueError):
        logger.remove(sink)


@contextmanager
def short_directory() -> Iterator[Path]:
    """The address of a unix socket has at most 107 bytes, and pytest's temporary paths are long."""
    path = Path(tempfile.mkdtemp(prefix="rc-", dir="/tmp"))
    try:
        yield path
    finally:
        shutil.rmtree(path)
