"""The bot in this process, on a sandbox in this process, with a feature made for the tests."""

import asyncio
import os
import tempfile
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
from loguru import logger

import cogs
from bot import permissions
from bot.client import Rollcall
from bot.config import BotConfig, Config
from bot.permissions import Level
from db import Event, EventKind, Mode
from sandbox.server import Sandbox
from tests.sandbox.people import People

_FOR_PLAYERS = "plain refuse crash mute database late overanswer press form ask leaf complete"
PROBE = {
    **dict.fromkeys(_FOR_PLAYERS.split(), Level.PLAYER),
    "secret": Level.ADMIN,
    "machine": Level.OPERATOR,
}


class FakeDatabase:
    """What the client itself asks of the database: the mode, to hear of its changes, and what is to be announced."""

    def __init__(self) -> None:
        self.mode = Mode.READ_WRITE
        self.mode_reason = ""
        self.version = 1
        self.listeners = []
        self.recorded: list[tuple[object, ...]] = []

    def subscribe(self, listener: Callable[[Event], None]):
        self.listeners.append(listener)
        return lambda: self.listeners.remove(listener)

    async def read(self, *_arguments: object, **_options: object) -> list[object]:
        return []

    async def record_event(self, *event: object) -> None:
        self.recorded.append(event)

    def change(self, mode: Mode) -> None:
        self.mode = mode
        for listener in self.listeners:
            listener(Event(EventKind.MODE_CHANGED, str(mode)))


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """A developer's own settings have no say in the tests."""
    for name in os.environ:
        if name.upper().startswith(("ROLLCALL_", "DISCORD_TOKEN", "INVOCATION_ID")):
            monkeypatch.delenv(name)


@pytest.fixture
def socket() -> Iterator[Path]:
    """Below a short directory: the address of a unix socket has at most 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="rc-", dir="/tmp") as directory:
        yield Path(directory) / "discord.sock"


@pytest.fixture
async def sandbox(socket: Path) -> AsyncIterator[Sandbox]:
    async with Sandbox(socket=socket) as sandbox:
        yield sandbox


@pytest.fixture
async def people(sandbox: Sandbox) -> AsyncIterator[People]:
    async with People(sandbox.url) as people:
        yield people


@pytest.fixture
def probe(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes `cogs.probe` a feature, with its rows in the permission matrix."""
    monkeypatch.setattr(cogs, "__path__", [*cogs.__path__, str(Path(__file__).parent / "features")])
    monkeypatch.setitem(permissions.FEATURES, "probe", PROBE)
    for command, level in PROBE.items():
        monkeypatch.setitem(permissions.MATRIX, command, level)


@pytest.fixture
def database() -> FakeDatabase:
    return FakeDatabase()


@pytest.fixture
def config() -> Config:
    return Config(bot=BotConfig(cogs=("probe",)))


@pytest.fixture
async def bot(
    config: Config,
    socket: Path,
    database: FakeDatabase,
    sandbox: Sandbox,  # noqa: ARG001 - Discord must be there first
    probe: None,  # noqa: ARG001 - and so must the feature
) -> AsyncIterator[Rollcall]:
    async with Rollcall(config, database, discord_socket=socket) as bot:
        connection = asyncio.create_task(bot.start("sandbox"))
        ready = asyncio.create_task(bot.connected.wait())
        done, _ = await asyncio.wait({connection, ready}, return_when=asyncio.FIRST_COMPLETED)
        ready.cancel()
        if connection in done:
            await connection
        yield bot
        await bot.close()
        await asyncio.wait_for(connection, 5)


@pytest.fixture
def log() -> Iterator[list[str]]:
    """What is logged while the test runs, a text a record, tracebacks included."""
    lines: list[str] = []
    sink = logger.add(lines.append, format="{level} {message}", level="DEBUG", diagnose=False)
    yield lines
    logger.remove(sink)
