"""A SQLite library whose next connections fail, with the error that the real one has where there is no file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import repeat
from pathlib import Path
from typing import Literal

from db import ConnectionLost, DatabaseManager
from db.connection import ConnectionManager, HopConnection
from db.engine import Connection, Engine


@dataclass(frozen=True, slots=True)
class Flaky(Engine):
    """Connects like the real one once `failing` is used up; `attempts` has the time of each."""

    failing: Iterator[None]
    attempts: list[float] = field(default_factory=list)

    def connect(self, path: Path, *, mode: Literal["rw", "ro", "rwc"], busy_timeout_s: float) -> Connection:
        self.attempts.append(time.monotonic())
        for _ in self.failing:
            path = path.with_name("no such file")
            break
        return Engine.connect(self, path, mode=mode, busy_timeout_s=busy_timeout_s)


def connections_of(db: DatabaseManager) -> ConnectionManager:
    assert db._store is not None
    return db._store.connections


@contextmanager
def failing_connections(db: DatabaseManager, failures: int | None) -> Iterator[Flaky]:
    """So many attempts to connect fail, or (None) all of them until the block ends."""
    connections = connections_of(db)
    real = connections._engine
    flaky = Flaky(real.name, real.module, repeat(None) if failures is None else repeat(None, failures))
    connections._engine = flaky
    try:
        yield flaky
    finally:
        connections._engine = real


async def lose(connection: HopConnection) -> None:
    """Whatever is asked of it fails from now on, as with a driver whose connection broke."""
    with suppress(ValueError, ConnectionLost):  # it is being replaced just now
        await connection.submit(connection.raw.close)
