"""What a feature declares: operations that write, queries that read, and who asks for them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import IntEnum
from functools import cached_property, update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, Final, Generic, ParamSpec, TypeVar, cast, get_type_hints

from pydantic import TypeAdapter

from db.values import JSON, ParameterError, check_parameters

if TYPE_CHECKING:
    from db.snapshot import Snapshot
    from db.transaction import Transaction

P = ParamSpec("P")
T = TypeVar("T")

_ID_LENGTH: Final = 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """Who writes, for which guild (0: the whole process), and the id under which it happens once.

    `reply_to` says how to reach the author later, for a write that has to wait. It may hold secrets, is kept in the
    queue's file alone, and is no part of what makes two calls the same.
    """

    operation_id: str
    actor: int
    guild: int
    reply_to: dict[str, JSON] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not 0 < len(self.operation_id) <= _ID_LENGTH or not self.operation_id.isprintable():
            raise ParameterError(f"operation id {self.operation_id!r}: 1 to {_ID_LENGTH} printable characters")
        check_parameters({"actor": self.actor, "guild": self.guild, "reply_to": self.reply_to})


class Priority(IntEnum):
    """In which order writes that waited are carried out."""

    HIGH = 0
    MEDIUM = 1
    LOW = 2


class Operation(Generic[P, T]):
    """A synchronous function that runs whole on the writer's thread.

    Calling it inside another operation joins that one's transaction: it is kept with it or undone with it, and when it
    raises, what it had done is undone even if the caller goes on.

    It must be deterministic: time is `tx.now`, randomness comes from a seed among its parameters, and those and
    its return value can be written as JSON.
    """

    def __init__(
        self,
        name: str,
        function: Callable[Concatenate[Transaction, P], T],
        redact: frozenset[str],
        queue: Priority | None = None,
        *,
        event: bool = False,
    ) -> None:
        if "return" not in function.__annotations__:
            raise TypeError(f"operation {name!r} must say what it returns: its recorded answer is read back as that")
        self.name = name
        self.redact = redact
        self.queue = queue
        self.event = event  # journaled as something that happened, not as what somebody asked for
        self._function = function
        update_wrapper(self, function)

    def __call__(self, tx: Transaction, /, *args: P.args, **params: P.kwargs) -> T:
        return tx.join(lambda: self._function(tx, *args, **params))

    def perform(self, tx: Transaction, params: dict[str, Any]) -> T:
        """Run it as what the transaction is about; its savepoint is the caller's."""
        return cast("Callable[..., T]", self._function)(tx, **params)

    @property
    def origin(self) -> tuple[str, str]:
        """Where the function is defined, the same again when its module is reloaded."""
        return self._function.__module__, self._function.__qualname__

    @cached_property
    def answers(self) -> TypeAdapter[T]:
        """Reads a recorded answer back as the type that the function returns."""
        return TypeAdapter(get_type_hints(self._function)["return"])


class Query(Generic[P, T]):
    """A synchronous function that reads from one snapshot on a reader's thread."""

    def __init__(self, name: str, function: Callable[Concatenate[Snapshot, P], T], *, remember: bool = False) -> None:
        self.name = name
        self.remember = remember
        self._function = function
        update_wrapper(self, function)

    def __call__(self, snapshot: Snapshot, /, *args: P.args, **params: P.kwargs) -> T:
        return self._function(snapshot, *args, **params)


# Every operation that was declared, by name: what waits in the queue's file has nothing but that.
_DECLARED: Final[dict[str, Operation[..., Any]]] = {}


def find_operation(name: str) -> Operation[..., Any] | None:
    """The operation of that name, also when its feature is disabled by now; None if it was never imported."""
    return _DECLARED.get(name)


def operation(
    name: str, *, queue: Priority | None = None, redact: frozenset[str] = frozenset()
) -> Callable[[Callable[Concatenate[Transaction, P], T]], Operation[P, T]]:
    """Declare a write. `name` is stored for good; the parameters named in `redact` stay out of the journal.

    With `queue`, it may wait for a database that is away. Raises TypeError if another function has the name.
    """

    def declare(function: Callable[Concatenate[Transaction, P], T]) -> Operation[P, T]:
        declared = Operation(name, function, redact, queue)
        before = _DECLARED.setdefault(name, declared)
        if before.origin != declared.origin:
            raise TypeError(f"{name!r} is the name of {'.'.join(before.origin)} and of {'.'.join(declared.origin)}")
        _DECLARED[name] = declared  # a module that was reloaded has the newer function
        return declared

    return declare


def query(name: str, *, remember: bool = False) -> Callable[[Callable[Concatenate[Snapshot, P], T]], Query[P, T]]:
    """Declare a read. With `remember` its answers are kept for `read_known`: they must be picklable."""
    return lambda function: Query(name, function, remember=remember)
