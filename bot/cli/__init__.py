"""The command line, `rollcall`: one module a group, every failure one line and a sysexits code."""

import os
import sys
from typing import NoReturn

import typer
from loguru import logger

from bot.cli import config, database, run, version
from bot.config import LoggingConfig
from bot.exits import StartFailure
from bot.logs import set_up_logs
from db import StartupError

app = typer.Typer(
    name="rollcall",
    help="The Discord bot of Model US servers.",
    no_args_is_help=True,
    add_completion=False,
    # A traceback with the values of variables would show a token.
    pretty_exceptions_enable=False,
)
app.command("run")(run.run)
app.command("version")(version.version)
app.add_typer(config.app, name="config")
app.add_typer(database.app, name="db")


def main() -> None:
    """What the `rollcall` command calls."""
    # Whatever this process writes is its owner's alone.
    os.umask(0o077)
    set_up_logs(LoggingConfig(level="WARNING"))
    try:
        app()
    except (StartFailure, StartupError) as error:
        _fail(error)
    except Exception:  # noqa: BLE001 - a bug of ours: the log has its traceback, without values
        logger.exception("this should not happen")
        sys.exit(os.EX_SOFTWARE)


def _fail(error: StartFailure | StartupError) -> NoReturn:
    line = " ".join(str(error).split())
    typer.echo(f"rollcall: {line}", err=True)
    sys.exit(error.exit_code)
