"""The bot's token: only ever from the environment, and shown to nobody."""

import os
import re
from pathlib import Path
from typing import Final

from pydantic import SecretStr

from bot.exits import StartFailure

VARIABLE: Final = "DISCORD_TOKEN"
FILE_VARIABLE: Final = "DISCORD_TOKEN_FILE"

# It goes into an HTTP header: a line break in it would surface in an error message, token and all.
_WELL_FORMED: Final = re.compile(r"[!-~]+")


def read_token() -> SecretStr | None:
    """The token from DISCORD_TOKEN, or from the file that it or DISCORD_TOKEN_FILE names; None without either."""
    direct = os.environ.get(VARIABLE, "").strip()
    file = os.environ.get(FILE_VARIABLE, "").strip()
    if direct and file:
        raise StartFailure(f"{VARIABLE} and {FILE_VARIABLE} are both set: unset one of them", os.EX_CONFIG)
    source = FILE_VARIABLE if file else VARIABLE
    # No token has a slash in it, and a path can always be written with one.
    token = _from_file(Path(file or direct), source) if file or "/" in direct else direct
    if token and not _WELL_FORMED.fullmatch(token):
        raise StartFailure(f"{source} holds no token: there are blanks or foreign characters in it", os.EX_CONFIG)
    return SecretStr(token) if token else None


def _from_file(path: Path, source: str) -> str:
    try:
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise StartFailure(f"{source}: {path}: {error.strerror}", os.EX_CONFIG) from None
    except UnicodeDecodeError:
        # Without the cause: it carries the bytes that were read.
        raise StartFailure(f"{source}: {path} is not UTF-8", os.EX_CONFIG) from None
    if not token:
        raise StartFailure(f"{source}: {path} is empty", os.EX_CONFIG)
    return token
