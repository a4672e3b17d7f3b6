"""What must not be seen in a log or a report: parameters that an operation hides, and whatever looks like a secret."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final, cast

REDACTED: Final = "[redacted]"

_LONGEST: Final = 200  # of one value; a log is no place for a whole bill
_SECRET_NAME: Final = re.compile(r"token|secret|passw|api_?key|credential|authori[sz]ation", re.IGNORECASE)
_SECRET_TEXT: Final = re.compile(
    # Discord's bot tokens: three parts in base64url.
    r"[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}"
    # Tokens of interactions and webhooks, keys: long, and of small letters, capitals and digits at once.
    r"|(?<![\w-])(?=[\w-]*[a-z])(?=[\w-]*[A-Z])(?=[\w-]*\d)[\w-]{32,}"
)


def redacted(params: Mapping[str, Any], hidden: frozenset[str]) -> dict[str, Any]:
    """The parameters as a log may have them: by name, by what the name says, and by what the value looks like."""
    return {name: REDACTED if name in hidden else _clean(name, value) for name, value in params.items()}


def shown_values(values: Iterable[object], *, hide: bool) -> tuple[str, ...]:
    """The values bound to a statement, each as short text; all blank where the operation has something to hide.

    What an operation made of a hidden parameter before it was bound cannot be known.
    """
    return tuple(REDACTED if hide else shorten(repr(_clean("", value))) for value in values)


def without_secrets(text: str) -> str:
    return _SECRET_TEXT.sub(REDACTED, text)


def shorten(text: str, limit: int = _LONGEST) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def _clean(name: str, value: Any) -> Any:
    if _SECRET_NAME.search(name):
        return REDACTED
    match value:
        case str():
            return without_secrets(value)
        case list():
            return [_clean("", each) for each in cast("list[Any]", value)]
        case dict():
            return {key: _clean(key, each) for key, each in cast("dict[str, Any]", value).items()}
        case _:
            return value
