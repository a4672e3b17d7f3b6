"""Without a token: a loopback Discord and the bot on it, as two child processes that live and end together."""

import asyncio
import json
import os
import re
import signal
import socket
import sys
import urllib.request
from collections.abc import Awaitable
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Any, Final, TypeVar

from bot.children import Child
from bot.config import Config
from bot.exits import StartFailure
from db.lock import DirectoryLock

T = TypeVar("T")

TOKEN: Final = "sandbox"  # noqa: S105 - the loopback Discord's own, worth nothing anywhere else
HOST: Final = "127.0.0.1"

_START_S: Final = 20.0
_POLL_S: Final = 0.02
# Together under 5 s: the bot finishes first, then the sandbox it talks to.
_BOT_CLOSES_WITHIN_S: Final = 3.5
_SANDBOX_CLOSES_WITHIN_S: Final = 1.0

_READY_LINE: Final = re.compile(r"sandbox ready (http://\S+)")
_LONGEST_SOCKET_PATH: Final = 107  # sun_path in unix(7), without its final zero


def launch(config: Config, config_file: Path) -> int:
    """Run both until SIGINT or SIGTERM, or until one ends; the exit code says how that was."""
    directory = _directory(config.database.path / "sandbox")
    lock = DirectoryLock(directory / "launcher.lock")
    lock.acquire()
    try:
        _require_free_port(config.sandbox.port)
        return asyncio.run(_launch(config, config_file, directory))
    finally:
        lock.release()


def _directory(path: Path) -> Path:
    try:
        for each in (path.parent, path):
            each.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise StartFailure(f"{error.filename} cannot be made a directory: {error.strerror}", os.EX_CANTCREAT) from None
    return path.resolve()


def _require_free_port(port: int) -> None:
    with closing(socket.socket()) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError as error:
            remedy = "set ROLLCALL_SANDBOX__PORT to another one (0 picks a free one)"
            raise StartFailure(f"port {port} cannot be used: {error.strerror}; {remedy}", os.EX_UNAVAILABLE) from None


async def _launch(config: Config, config_file: Path, directory: Path) -> int:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    path = _socket(directory)
    serve = ["sandbox", "--socket", path, "--port", str(config.sandbox.port), "--token", TOKEN]
    run = ["bot", "run", "--config", str(config_file), "--discord-socket", path]
    async with AsyncExitStack() as stack:
        sandbox = await Child.start("the sandbox", serve, _clean({}), announces=_READY_LINE)
        stack.push_async_callback(sandbox.close, _SANDBOX_CLOSES_WITHIN_S)
        url = await _first(_address(sandbox), stop, sandbox)
        state = url and await _first(_state(url), stop, sandbox)
        if not (url and state):
            return _report(stop, sandbox)
        bot = await Child.start("the bot", run, _environment(config, directory, state))
        stack.push_async_callback(bot.close, _BOT_CLOSES_WITHIN_S)
        if await _first(_ready(url), stop, bot, sandbox):
            print(f"Rollcall is ready: {url}", flush=True)  # noqa: T201 - what the command is for
            await _first(asyncio.Event().wait(), stop, bot, sandbox)
        return _report(stop, bot, sandbox)


def _socket(directory: Path) -> str:
    """The shorter of the two ways to name it: the kernel takes few characters."""
    path = directory / "discord.sock"
    shortest = min(str(path), os.path.relpath(path), key=lambda name: len(os.fsencode(name)))
    if len(os.fsencode(shortest)) > _LONGEST_SOCKET_PATH:
        raise StartFailure(f"{path}: too long for a socket; use a shorter database.path", os.EX_CONFIG)
    return shortest


def _environment(config: Config, directory: Path, state: dict[str, Any]) -> dict[str, str]:
    """Whatever the configuration says, nothing is written beside production's data, and the page has an operator."""
    operators = [*config.bot.operators, *(user["id"] for user in state["users"] if "admin" in user["name"].lower())]
    overrides = {
        "DISCORD_TOKEN": TOKEN,
        "ROLLCALL_DATABASE__PATH": str(directory),
        "ROLLCALL_BOT__OPERATORS": ",".join(str(operator) for operator in operators),
        "ROLLCALL_BOT__GUILDS": "",
    }
    if config.logging.file:
        overrides["ROLLCALL_LOGGING__FILE"] = str(directory / "rollcall.log")
    return _clean(overrides)


def _clean(overrides: dict[str, str]) -> dict[str, str]:
    """Our environment with these values, without any other spelling of their names, and without a real token."""
    hidden = overrides.keys() | {"DISCORD_TOKEN", "DISCORD_TOKEN_FILE"}
    return {name: value for name, value in os.environ.items() if name.upper() not in hidden} | overrides


async def _first(wanted: Awaitable[T], stop: asyncio.Event, *children: Child) -> T | None:
    """What `wanted` gives; None where the signal, or the end of a child, came before."""
    task = asyncio.ensure_future(wanted)
    others = [asyncio.ensure_future(stop.wait()), *(asyncio.ensure_future(child.wait()) for child in children)]
    try:
        await asyncio.wait([task, *others], return_when=asyncio.FIRST_COMPLETED)
        return task.result() if task.done() else None
    finally:
        for each in (task, *others):
            each.cancel()


async def _address(sandbox: Child) -> str:
    try:
        return await asyncio.wait_for(asyncio.shield(sandbox.announced), _START_S)
    except TimeoutError:
        raise StartFailure(f"the sandbox did not start within {_START_S:g} s", os.EX_UNAVAILABLE) from None


async def _ready(url: str) -> bool:
    """True once the bot has connected and its commands are known."""
    while not (await _state(url))["bot"]["ready"]:  # noqa: ASYNC110 - another process
        await asyncio.sleep(_POLL_S)
    return True


async def _state(url: str) -> dict[str, Any]:
    """What the sandbox says of itself; asked until it answers, for whoever waits watches the child as well."""

    def ask() -> dict[str, Any]:
        with urllib.request.urlopen(f"{url}/api/state", timeout=_START_S) as answer:  # noqa: S310 - our own page
            return json.load(answer)

    while True:
        try:
            return await asyncio.to_thread(ask)
        except OSError:
            await asyncio.sleep(_POLL_S)


def _report(stop: asyncio.Event, *children: Child) -> int:
    """The exit code, and a line about a child that ended by itself, unless it has said why in its last one."""
    if stop.is_set():
        return os.EX_OK
    for child in children:
        if child.code is not None:
            if not child.last_line.startswith("rollcall: "):
                print(f"rollcall: {child.obituary()}", file=sys.stderr)  # noqa: T201 - the log is the children's
            return child.code if child.code > 0 else os.EX_SOFTWARE
    return os.EX_SOFTWARE
