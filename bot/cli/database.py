"""`rollcall db …`: the database as it lies on the disk."""

import os
from typing import Final

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bot.cli.options import DEFAULT_FILE, ConfigFile
from bot.config import load_config
from db import Inspection, inspect_database
from db.inspection import State

app = typer.Typer(help="Look at the database.", no_args_is_help=True)

_EXIT_CODES: Final = {
    State.SOUND: os.EX_OK,
    State.NEW: os.EX_NOINPUT,
    State.ABSENT: os.EX_NOINPUT,
    State.UNREADABLE: os.EX_NOINPUT,
    State.DAMAGED: os.EX_DATAERR,
    State.FOREIGN: os.EX_DATAERR,
}

_UNBROKEN: Final = 10_000


@app.callback()
def _group() -> None:
    """Keeps `status` a command of its own while it is the only one."""


@app.command()
def status(config: ConfigFile = DEFAULT_FILE) -> None:
    """Say what state the database is in. Changes nothing, and may be asked while a bot is running."""
    settings = load_config(config).database
    found = inspect_database(settings.path, settings.engine)
    console = Console(highlight=False)
    if not console.is_terminal:
        # For a program that reads it: a line is a line, whatever its length.
        console.width = _UNBROKEN
    console.print(_table(found))
    raise typer.Exit(_EXIT_CODES[found.state])


def _table(found: Inspection) -> Table:
    table = Table(box=None, show_header=False, pad_edge=False)
    rows = {
        "state": f"{found.state}: {found.detail}" if found.detail else str(found.state),
        "path": str(found.path),
        "generation": found.generation,
        "schema version": found.schema_version,
        "journal rows": found.journal_rows,
        "in use by": found.held_by or "nobody",
    }
    for name, value in rows.items():
        # As text: a path may hold brackets, which rich would take for its markup.
        table.add_row(name, Text("-" if value is None else str(value), overflow="fold"))
    return table
