"""Last known answers: what was read before, shown at once while nothing can have changed, and with its age when
reading fails.

Only one process writes, through one connection. A number that the writer changes whenever it is given to somebody
therefore says whether an answer still holds: it does if the number is the one it was before the read. While the writer
is at work there is no such number, and nothing counts as fresh.
"""

from __future__ import annotations

import pickle
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Generic, TypeVar

import orjson
from loguru import logger

from db.errors import DatabaseError
from db.operations import Query
from db.values import check_parameters

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

_MAX_ENTRIES: Final = 5_000
_MAX_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Known(Generic[T_co]):
    """An answer. `age_s` is None where it holds now; else reading fails, and it held that many seconds ago."""

    value: T_co
    age_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Entry:
    pickled: bytes  # a copy for each who asks: an answer may hold a list, and somebody may change his
    asked_at_s: float
    version: int | None


class LastKnown:
    """Bounded by number and by bytes; what was not asked for the longest goes first."""

    def __init__(
        self,
        *,
        max_entries: int = _MAX_ENTRIES,
        max_bytes: int = _MAX_BYTES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_entries = max_entries
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[bytes, _Entry] = OrderedDict()
        self._bytes = 0

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def size_bytes(self) -> int:
        return self._bytes

    async def ask(
        self,
        query: Query[..., T],
        params: Mapping[str, Any],
        read: Callable[[], Awaitable[T]],
        version: Callable[[], int | None],
    ) -> Known[T]:
        """The answer, read or known to be the same; the last known one where `read` raises DatabaseError and there is
        one. `version` asks for the writer's number.
        """
        if not query.remember:
            raise TypeError(f"{query.name} is not declared with remember=True")
        check_parameters(params)
        key = _key_of(query.name, params)
        asked_at_s, before = self._clock(), version()
        if (held := self.fresh(key, before)) is not None:
            return held
        try:
            value = await read()
        except DatabaseError as exc:
            if (held := self.last(key)) is None:
                raise
            logger.info("{} is answered from {:.0f} s ago: {} {}", query.name, held.age_s, exc.error_id, exc)
            return held
        self.keep(key, value, asked_at_s=asked_at_s, version=before if before == version() else None)
        return Known(value)

    def fresh(self, key: bytes, version: int | None) -> Known[Any] | None:
        """What was read while the writer's number was `version`; None is no number."""
        entry = self._entries.get(key)
        if entry is None or version is None or entry.version != version:
            return None
        self._entries.move_to_end(key)
        return Known(_value(entry))

    def last(self, key: bytes) -> Known[Any] | None:
        """Whatever was read last, with its age."""
        entry = self._entries.get(key)
        return None if entry is None else Known(_value(entry), self._clock() - entry.asked_at_s)

    def keep(self, key: bytes, value: object, *, asked_at_s: float, version: int | None) -> None:
        """Remember an answer. `version` is the writer's number if it was the same before and after the read; without
        one the answer is kept for when reading fails, and never called fresh.
        """
        known = self._entries.get(key)
        if known is not None and known.asked_at_s > asked_at_s:
            return  # two reads of the same: the one asked for later has arrived already
        self._drop(key)
        entry = _Entry(pickle.dumps(value, protocol=5), asked_at_s, version)
        self._entries[key] = entry
        self._bytes += _size(key, entry)
        while len(self._entries) > self._max_entries or self._bytes > self._max_bytes:
            self._drop(next(iter(self._entries)))

    def make_stale(self) -> None:
        """The writer's numbers begin anew: none of those held means anything any more."""
        for key, entry in self._entries.items():
            self._entries[key] = _Entry(entry.pickled, entry.asked_at_s, None)

    def _drop(self, key: bytes) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= _size(key, entry)


def _key_of(query: str, params: Mapping[str, Any]) -> bytes:
    """The same for the same question, however its parameters are ordered."""
    return orjson.dumps([query, params], option=orjson.OPT_SORT_KEYS)


def _value(entry: _Entry) -> Any:
    return pickle.loads(entry.pickled)  # noqa: S301 - written by this process, in its own memory


def _size(key: bytes, entry: _Entry) -> int:
    return len(key) + len(entry.pickled)
