"""Options that several commands share."""

from pathlib import Path
from typing import Annotated, TypeAlias

import typer

from bot.config import DEFAULT_FILE

__all__ = ["DEFAULT_FILE", "ConfigFile"]

ConfigFile: TypeAlias = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration; where it is missing, the defaults hold.")
]
