"""What can be stored as JSON and read back as it was: parameters, and the details of a refusal."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from typing import Any, Final, NoReturn, cast

JSON = None | bool | int | float | str | list["JSON"] | dict[str, "JSON"]

_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1
# The journal keeps parameters for good, and an operation's whole batch waits while they are written.
LARGEST_BYTES: Final = 256 * 1024
_DEEPEST: Final = 100  # what writes JSON goes no deeper than 254, and Python not much deeper
_HALF_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class ParameterError(TypeError):
    """A parameter that could not be stored and replayed: a mistake of the calling code, found before any I/O."""


def check_parameters(params: Mapping[str, Any]) -> None:
    """Raise ParameterError unless every value is JSON of 64-bit integers, finite floats and real text."""
    for name, value in params.items():
        _check(name, value)


def check_size(what: str, stored: bytes) -> None:
    """Raise ParameterError for JSON that is too large to be kept."""
    if len(stored) > LARGEST_BYTES:
        raise ParameterError(f"{what}: {len(stored):,} bytes as JSON, at most {LARGEST_BYTES:,} can be stored")


def _check(name: str, value: Any, depth: int = 0) -> None:
    match value:
        case None | bool():
            return
        case int() if _INT64_MIN <= value <= _INT64_MAX:
            return
        case float() if math.isfinite(value):
            return
        case str() if "\0" not in value and not _HALF_SURROGATE.search(value):
            return
        case list() | dict():
            _check_items(name, cast("list[Any] | dict[Any, Any]", value), depth)
        case _:
            _refuse(name, value)


def _check_items(name: str, value: list[Any] | dict[Any, Any], depth: int) -> None:
    if depth == _DEEPEST:
        raise ParameterError(f"{name:.80}: nested more than {_DEEPEST} deep")
    if isinstance(value, list):
        for number, item in enumerate(value):
            _check(f"{name}[{number}]", item, depth + 1)
        return
    for key, item in value.items():
        if not isinstance(key, str):
            _refuse(name, key)
        _check(f"{name}: the key {key!r}", key)
        _check(f"{name}.{key}", item, depth + 1)


def _refuse(name: str, value: object) -> NoReturn:
    raise ParameterError(
        f"{name}: {value!r:.80} cannot be stored: 64-bit integers, finite floats, text without NUL or half "
        "surrogates, booleans, None, and lists or dicts of these can"
    )
