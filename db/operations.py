"""What a feature declares: operations that write, queries that read, and who asks for them."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, NoReturn, ParamSpec, TypeVar, cast, get_type_hints

from pydantic import TypeAdapter

if TYPE_CHECKING:
    from db.snapshot import Snapshot
    from db.transaction import Transaction

P = ParamSpec("P")
T = TypeVar("T")

_INT64_MIN: Final = -(2**63)
_INT64_MAX: Final = 2**63 - 1
_ID_LENGTH: Final = 200
_HALF_SURROGATE: Final = re.compile("[\ud800-\udfff]")


class ParameterError(TypeError):
    """A parameter that could not be stored and replayed: a mistake of the calling code, found before any I/O."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Who writes, for which guild (0: the whole process), and the id under which it happens once."""

    operation_id: str
    actor: int
    guild: int

    def __post_init__(self) -> None:
        if not 0 < len(self.operation_id) <= _ID_LENGTH or not self.operation_id.isprintable():
            raise ParameterError(f"operation id {self.operation_id!r}: 1 to {_ID_LENGTH} printable characters")
        check_parameters({"actor": self.actor, "guild": self.guild})


def check_parameters(params: dict[str, Any]) -> None:
    """Raise ParameterError unless every value is JSON of 64-bit integers, finite floats and real text."""
    for name, value in params.items():
        _check(name, value)


def _check(name: str, value: Any) -> None:
    match value:
        case None | bool():
            return
        case int() if _INT64_MIN <= value <= _INT64_MAX:
            return
        case float() if math.isfinite(value):
            return
        case str() if "\0" not in value and not _HALF_SURROGATE.search(value):
            return
        case list():
            for number, item in enumerate(cast("list[Any]", value)):
                _check(f"{name}[{number}]", item)
        case dict():
            for key, item in cast("dict[Any, Any]", value).items():
                if not isinstance(key, str):
                    _refuse(name, key)
                _check(f"{name}: the key {key!r}", key)
                _check(f"{name}.{key}", item)
        case _:
            _refuse(name, value)


def _refuse(name: str, value: object) -> NoReturn:
    raise ParameterError(
        f"{name}: {value!r:.80} cannot be stored: 64-bit integers, finite floats, text without NUL or half "
        "surrogates, booleans, None, and lists or dicts of these can"
    )


class Operation(Generic[P, T]):
    """A synchronous function that runs whole on the writer's thread. Calling it joins the caller's transaction.

    It must be deterministic: time is `tx.now`, randomness comes from a seed among its parameters, and those and
    its return value can be written as JSON.
    """

    def __init__(self, name: str, function: Callable[Concatenate[Transaction, P], T], redact: frozenset[str]) -> None:
        self.name = name
        self.redact = redact
        self._function = function
        update_wrapper(self, function)

    def __call__(self, tx: Transaction, /, *args: P.args, **params: P.kwargs) -> T:
        return self._function(tx, *args, **params)

    @cached_property
    def answers(self) -> TypeAdapter[T]:
        """Reads a recorded answer back as the type that the function returns."""
        return TypeAdapter(get_type_hints(self._function)["return"])


class Query(Generic[P, T]):
    """A synchronous function that reads from one snapshot on a reader's thread."""

    def __init__(self, name: str, function: Callable[Concatenate[Snapshot, P], T]) -> None:
        self.name = name
        self._function = function
        update_wrapper(self, function)

    def __call__(self, snapshot: Snapshot, /, *args: P.args, **params: P.kwargs) -> T:
        return self._function(snapshot, *args, **params)


def operation(
    name: str, *, redact: frozenset[str] = frozenset()
) -> Callable[[Callable[Concatenate[Transaction, P], T]], Operation[P, T]]:
    """Declare a write. `name` is stored for good; the parameters named in `redact` stay out of the journal."""
    return lambda function: Operation(name, function, redact)


def query(name: str) -> Callable[[Callable[Concatenate[Snapshot, P], T]], Query[P, T]]:
    """Declare a read."""
    return lambda function: Query(name, function)
