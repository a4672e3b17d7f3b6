"""The composition root: opens everything in order, runs until it is told to stop, closes it in reverse."""

import asyncio
import os
import signal
import threading
from collections.abc import Generator
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path
from typing import Final

import aiohttp
import discord
from loguru import logger
from pydantic import SecretStr

from bot import launcher
from bot.client import Rollcall
from bot.config import Config
from bot.exits import StartFailure
from bot.logs import set_up_logs
from db import open_database

MIGRATIONS: Final = Path(__file__).parent.parent / "migrations"

# Everything is to be closed within 5 s of the signal; a thread stuck in the kernel must not prevent the end.
_CLOSE_WITHIN_S: Final = 4.5
# Of these, what commands still under way get to finish and to answer.
_DRAIN_S: Final = 1.5


def serve(config: Config, token: SecretStr, *, discord_socket: Path | None = None) -> None:
    """Run the bot until SIGINT or SIGTERM. Raises StartFailure, or db's StartupError, where it cannot run."""
    # The sandbox's token is a plain word and no secret: blanked, it would make holes in paths.
    secrets = [token.get_secret_value()]
    set_up_logs(config.logging, secrets if secrets != [launcher.TOKEN] else ())
    asyncio.run(_serve(config, token, discord_socket))


async def _serve(config: Config, token: SecretStr, discord_socket: Path | None) -> None:
    with _signals() as stop:
        settings = config.database.settings(log_operations=config.logging.shows_operations)
        async with AsyncExitStack() as stack:
            database = await stack.enter_async_context(open_database(settings, MIGRATIONS))
            bot = await stack.enter_async_context(Rollcall(config, database, discord_socket=discord_socket))
            try:
                await _run(bot, token, stop)
            finally:
                _end_within(_CLOSE_WITHIN_S)
            logger.info("closing")
            await bot.drain(_DRAIN_S)
        logger.info("closed")


async def _run(bot: Rollcall, token: SecretStr, stop: asyncio.Event) -> None:
    """Until `stop`, or until the connection to Discord ends for good."""
    connection = asyncio.create_task(bot.start(token.get_secret_value()), name="discord")
    stopped = asyncio.create_task(stop.wait(), name="stop")
    connected = asyncio.create_task(bot.connected.wait(), name="connected")
    try:
        limit = bot.config.bot.start_timeout_s
        done, _ = await asyncio.wait({connection, stopped, connected}, timeout=limit, return_when="FIRST_COMPLETED")
        if not done:
            raise StartFailure(f"Discord did not let the bot in within {limit:g} s", os.EX_UNAVAILABLE)
        if done == {connected}:
            done, _ = await asyncio.wait({connection, stopped}, return_when="FIRST_COMPLETED")
        if connection in done:
            _raise_ending(connection)
    finally:
        # The connection itself is closed with the bot, once the commands under way have been answered.
        stopped.cancel()
        connected.cancel()


def _raise_ending(connection: asyncio.Task[None]) -> None:
    error = connection.exception()
    if error is None:
        raise StartFailure("Discord closed the connection", os.EX_UNAVAILABLE)
    if failure := _failure(error):
        raise failure from error
    raise error


def _failure(error: BaseException) -> StartFailure | None:
    """What an operator can do about an error of the connection; None where it is none of these."""
    match error:
        case discord.LoginFailure():
            return StartFailure("Discord refuses the token: check DISCORD_TOKEN", os.EX_CONFIG)
        case discord.PrivilegedIntentsRequired():
            text = "Discord refuses an intent: enable it for the application in its developer portal"
            return StartFailure(text, os.EX_CONFIG)
        case discord.ConnectionClosed():
            text = f"Discord's gateway refuses the bot (code {error.code} {error.reason})".replace(" )", ")")
            return StartFailure(text, os.EX_UNAVAILABLE)
        case discord.HTTPException():
            return StartFailure(f"Discord answers {error.status} at start: {error.text}", os.EX_UNAVAILABLE)
        case aiohttp.ClientError() | discord.GatewayNotFound() | OSError():
            return StartFailure(f"Discord cannot be reached: {error}", os.EX_UNAVAILABLE)
        case _:
            return None


@contextmanager
def _signals() -> Generator[asyncio.Event]:
    """An event that the first SIGINT or SIGTERM sets; the clock for closing runs from there. A second one kills."""
    loop, stop = asyncio.get_running_loop(), asyncio.Event()

    def restore() -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.remove_signal_handler(number)

    def on_signal() -> None:
        restore()
        _end_within(_CLOSE_WITHIN_S)
        stop.set()

    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, on_signal)
    try:
        yield stop
    finally:
        restore()


def _end_within(seconds: float) -> None:
    """End the process by then, come what may. A daemon thread: it does not keep one alive that ends before."""

    def give_up() -> None:
        logger.critical("not closed after {} s, giving up; what was acknowledged is stored", seconds)
        os._exit(os.EX_SOFTWARE)

    watchdog = threading.Timer(seconds, give_up)
    watchdog.daemon = True
    watchdog.start()
