"""`rollcall config …`: the configuration before it is used."""

import typer

from bot.cli.options import DEFAULT_FILE, ConfigFile
from bot.config import load_config
from bot.config_errors import ConfigError
from bot.credentials import read_token

app = typer.Typer(help="Look at the configuration.", no_args_is_help=True)


@app.callback()
def _group() -> None:
    """Keeps `check` a command of its own while it is the only one."""


@app.command()
def check(config: ConfigFile = DEFAULT_FILE) -> None:
    """Say what is wrong with the configuration, every problem on a line, or that nothing is."""
    try:
        load_config(config)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(f"rollcall: {problem}", err=True)
        raise typer.Exit(error.exit_code) from None
    token = "there is a token" if read_token() else "no token: `rollcall run` starts the sandbox"
    found = config if config.exists() else f"{config} is missing, the defaults hold"
    typer.echo(f"{found}: sound; {token}")
