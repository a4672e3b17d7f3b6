"""`rollcall version`."""

import platform
from importlib import metadata

import typer

from db.engine import load_engine


def version() -> None:
    """Print the versions of Rollcall and of what it stands on."""
    engine = load_engine("auto")
    parts = [
        f"Python {platform.python_version()}",
        f"discord.py {metadata.version('discord.py')}",
        f"SQLite {engine.version} ({engine.name})",
    ]
    typer.echo(f"rollcall {metadata.version('rollcall')} ({', '.join(parts)})")
