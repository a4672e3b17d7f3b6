"""The bot as a process of its own, which can be killed and asked to end."""

import asyncio
import os
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import pytest

from tests.conftest import ENGINE
from tests.e2e import world
from tests.e2e.stage import TOKEN, Discord

END_S = 10.0


class BotProcess:
    """A running `rollcall run`; `output` is what it wrote, once it has ended."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        assert process.stdout is not None
        # Read all the time: a process that writes into a full pipe stands still.
        self._reading = asyncio.create_task(process.stdout.read())
        self.output = ""

    @classmethod
    async def start(cls, directory: Path, socket: Path, *, token: str = TOKEN, **settings: str) -> Self:
        """`settings` are environment variables without their prefix, like DATABASE__DEGRADED="true"."""
        environment = os.environ | {
            "DISCORD_TOKEN": token,
            "ROLLCALL_DATABASE__PATH": str(directory),
            "ROLLCALL_DATABASE__ENGINE": ENGINE,
            "ROLLCALL_BOT__OPERATORS": str(world.user_id(world.OPERATOR)),
            **{f"ROLLCALL_{name}": value for name, value in settings.items()},
        }
        command = ("-m", "bot", "run", "--config", "no-such-file.toml", "--discord-socket", str(socket))
        output = asyncio.subprocess.PIPE
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, *command, env=environment, stdout=output, stderr=asyncio.subprocess.STDOUT
            )
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def running(self) -> bool:
        return self._process.returncode is None

    async def kill(self) -> None:
        self._process.kill()
        await self.ended()

    async def end(self) -> int:
        """The exit code after SIGTERM."""
        self._process.terminate()
        return await self.ended()

    async def ended(self) -> int:
        async with asyncio.timeout(END_S):
            self.output = (await asyncio.shield(self._reading)).decode()
            return await self._process.wait()


@asynccontextmanager
async def bot_process(
    discord: Discord, directory: Path, *, token: str = TOKEN, **settings: str
) -> AsyncGenerator[BotProcess]:
    """A bot that is ready; it is killed at the end unless it has ended before."""
    process = await BotProcess.start(directory, discord.socket, token=token, **settings)
    try:
        await until_ready(process, discord)
        yield process
    finally:
        if process.running:
            await process.kill()


async def until_ready(process: BotProcess, discord: Discord) -> None:
    ready = asyncio.create_task(discord.control.until_ready())
    ended = asyncio.create_task(process.ended())
    await asyncio.wait({ready, ended}, return_when=asyncio.FIRST_COMPLETED)
    if ended.done():
        ready.cancel()
        pytest.fail(f"the bot ended with {await ended}:\n{process.output}")
    ended.cancel()
    await ready
