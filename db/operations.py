"""What a feature declares: operations that write, queries that read, and who asks for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, update_wrapper
from typing import TYPE_CHECKING, Concatenate, Final, Generic, ParamSpec, TypeVar, get_type_hints

from pydantic import TypeAdapter

from db.values import ParameterError, check_parameters

if TYPE_CHECKING:
    from db.snapshot import Snapshot
    from db.transaction import Transaction

P = ParamSpec("P")
T = TypeVar("T")

_ID_LENGTH: Final = 200


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


class Operation(Generic[P, T]):
    """A synchronous function that runs whole on the writer's thread. Calling it joins the caller's transaction.

    It must be deterministic: time is `tx.now`, randomness comes from a seed among its parameters, and those and
    its return value can be written as JSON.
    """

    def __init__(self, name: str, function: Callable[Concatenate[Transaction, P], T], redact: frozenset[str]) -> None:
        if "return" not in function.__annotations__:
            raise TypeError(f"operation {name!r} must say what it returns: its recorded answer is read back as that")
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
