"""The sandbox as two sites: a unix socket for the bot, and a port on 127.0.0.1 for people and tests."""

from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from aiohttp import web

from sandbox.clock import Clock
from sandbox.control import control_app
from sandbox.default_world import default_world
from sandbox.hub import HEARTBEAT_S, Hub
from sandbox.problems import Problems
from sandbox.rest import discord_app
from sandbox.world import World

ADDRESS = "127.0.0.1"
# What is still being answered when the sandbox ends is not worth waiting for.
SHUTDOWN_S = 0.5


class Sandbox:
    """`async with Sandbox(socket=path) as sandbox:` serves until the block ends."""

    def __init__(
        self,
        *,
        socket: Path,
        port: int = 0,
        token: str = "sandbox",  # noqa: S107 - it opens nothing but this sandbox
        world: World | None = None,
        clock: Clock | None = None,
        privileged_intents: int = 0,
        heartbeat_s: float = HEARTBEAT_S,
    ) -> None:
        self._socket = socket
        self._port = port
        self._stack = AsyncExitStack()
        self.hub = Hub(
            world=world or default_world(),
            token=token,
            clock=clock or Clock(),
            privileged_intents=privileged_intents,
            heartbeat_s=heartbeat_s,
        )

    @property
    def world(self) -> World:
        return self.hub.world

    @property
    def problems(self) -> Problems:
        return self.hub.problems

    @property
    def socket(self) -> Path:
        return self._socket

    @property
    def port(self) -> int:
        return self._port

    @property
    def url(self) -> str:
        return f"http://{ADDRESS}:{self._port}"

    async def __aenter__(self) -> Self:
        async with AsyncExitStack() as stack:
            bot_side = await _runner(stack, discord_app(self.hub))
            await web.UnixSite(bot_side, str(self._socket)).start()
            self._socket.chmod(0o600)
            stack.callback(self._socket.unlink, missing_ok=True)
            people_side = await _runner(stack, control_app(self.hub, lambda: self._port))
            site = web.TCPSite(people_side, ADDRESS, self._port)
            await site.start()
            self._port = people_side.addresses[0][1]
            stack.callback(self.hub.close)
            self._stack = stack.pop_all()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()


async def _runner(stack: AsyncExitStack, app: web.Application) -> web.AppRunner:
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=SHUTDOWN_S)
    stack.push_async_callback(runner.cleanup)
    await runner.setup()
    return runner
