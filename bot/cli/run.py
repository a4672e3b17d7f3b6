"""`rollcall run`: the bot with a token, the launcher without one."""

import os
from pathlib import Path
from typing import Annotated

import typer

from bot import launcher
from bot.cli.options import DEFAULT_FILE, ConfigFile
from bot.config import load_config
from bot.credentials import VARIABLE, read_token
from bot.exits import StartFailure


def run(
    config: ConfigFile = DEFAULT_FILE,
    discord_socket: Annotated[Path | None, typer.Option(hidden=True)] = None,
) -> None:
    """Run the bot. Without a token in DISCORD_TOKEN: on a loopback Discord, with a page to play on."""
    settings = load_config(config)
    token = read_token()
    if token is None:
        if not settings.sandbox.enabled or _is_service():
            raise StartFailure(f"{VARIABLE} is not set, and a service starts no sandbox", os.EX_CONFIG)
        raise typer.Exit(launcher.launch(settings, config))
    from bot.app import serve  # noqa: PLC0415 - the launcher starts without discord.py

    serve(settings, token, discord_socket=discord_socket)


def _is_service() -> bool:
    """A sandbox is for somebody at a keyboard; a service that lacks its token made a mistake.

    The main process of a container is number 1, so that `make run` inside one, by hand, is still a person's.
    A terminal of some desktops inherits systemd's INVOCATION_ID, but then there is a terminal.
    """
    return os.getpid() == 1 or ("INVOCATION_ID" in os.environ and not os.isatty(0))
