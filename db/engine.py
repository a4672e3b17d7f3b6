"""Which SQLite library this process uses, and how its connections are set up.

No other module imports one: two SQLite libraries in one process drop each other's POSIX locks on the
same file, after which a foreign process may write in the middle of our transaction.
"""

from __future__ import annotations

import importlib
import sqlite3  # noqa: TID251 - this is the one place; the types are the same for both libraries
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final, Literal
from urllib.parse import quote

if TYPE_CHECKING:
    from types import ModuleType

Connection = sqlite3.Connection
Choice = Literal["auto", "bundled", "system"]

APPLICATION_ID: Final = 0x526F6C6C  # "Roll"; in the file's header, so that a foreign database is recognised
PAGE_SIZE_BYTES: Final = 4096

# The WAL-reset bug (two connections that write or checkpoint at once can corrupt the file) was fixed here.
_FIXED_VERSIONS: Final = ((3, 51, 3), (3, 50, 7), (3, 44, 6))


class EngineError(Exception):
    """The wished-for SQLite library is not there, or the process already uses the other one."""


class PragmaRefused(Exception):
    """SQLite did not take a setting that the promises of this layer rest on."""


@dataclass(frozen=True, slots=True)
class Engine:
    """One SQLite library: where connections, exceptions and the version come from."""

    name: Literal["bundled", "system"]
    module: ModuleType

    @property
    def version(self) -> str:
        return self.module.sqlite_version

    @property
    def error_class(self) -> type[sqlite3.Error]:
        """What this library raises; the other library's exceptions are of another family."""
        return self.module.Error

    @property
    def has_wal_reset_bug(self) -> bool:
        found = tuple(int(part) for part in self.version.split("."))
        return not any(found >= fixed and found[:2] == fixed[:2] for fixed in _FIXED_VERSIONS) and (
            found < max(_FIXED_VERSIONS)
        )

    def connect(self, path: Path, *, mode: Literal["rw", "ro", "rwc"], busy_timeout_s: float) -> Connection:
        """A raw connection in autocommit; transactions are begun and ended by hand.

        Never creates a file unless `mode` is `rwc`: a deleted database must not be answered by an empty one.
        """
        return self.module.connect(
            f"file:{quote(str(path))}?mode={mode}",
            uri=True,
            timeout=busy_timeout_s,
            isolation_level=None,
            check_same_thread=False,
            cached_statements=512,
        )

    def complete_statement(self, sql: str) -> bool:
        return self.module.complete_statement(sql)


_loaded: list[Engine] = []


def load_engine(choice: Choice = "auto") -> Engine:
    """The SQLite library of this process; the first call decides.

    `bundled` is the pysqlite3 wheel, `system` the standard library's, `auto` the first that can be imported.
    """
    if _loaded:
        if choice not in ("auto", _loaded[0].name):
            raise EngineError(f"this process already uses the {_loaded[0].name} SQLite, not the {choice} one")
        return _loaded[0]
    _loaded.append(_import_engine(choice))
    return _loaded[0]


def _import_engine(choice: Choice) -> Engine:
    if choice == "system":
        return Engine("system", sqlite3)
    try:
        return Engine("bundled", importlib.import_module("pysqlite3"))
    except ImportError as exc:
        if choice == "bundled":
            raise EngineError("the bundled SQLite (pysqlite3) is not installed on this platform") from exc
        return Engine("system", sqlite3)


# Each setting, and what SQLite answers when asked whether it took it.
_COMMON: Final = {
    "foreign_keys": ("ON", 1),
    "trusted_schema": ("OFF", 0),
    "synchronous": ("FULL", 2),
    "wal_autocheckpoint": ("0", 0),
}


def prepare_writer(connection: Connection) -> None:
    """Set up the one connection that writes and checkpoints; raises PragmaRefused."""
    _apply(connection, _COMMON)
    connection.execute("PRAGMA journal_mode = WAL").fetchall()  # in case somebody's tool has changed it
    _expect(connection, "journal_mode", "wal")


def prepare_reader(connection: Connection) -> None:
    """Set up a connection that only reads; raises PragmaRefused."""
    _apply(connection, _COMMON | {"query_only": ("ON", 1)})
    _expect(connection, "journal_mode", "wal")


def prepare_new_file(connection: Connection) -> None:
    """Give an empty database what can only be chosen before its first table."""
    connection.execute(f"PRAGMA page_size = {PAGE_SIZE_BYTES}")
    connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("PRAGMA journal_mode = WAL").fetchall()
    _expect(connection, "application_id", APPLICATION_ID)
    _expect(connection, "auto_vacuum", 2)


def _apply(connection: Connection, settings: dict[str, tuple[str, int]]) -> None:
    for name, (value, expected) in settings.items():
        connection.execute(f"PRAGMA {name} = {value}").fetchall()
        _expect(connection, name, expected)


def _expect(connection: Connection, pragma: str, expected: str | int) -> None:
    found = connection.execute(f"PRAGMA {pragma}").fetchone()[0]
    if found != expected:
        raise PragmaRefused(f"PRAGMA {pragma} is {found!r}, must be {expected!r}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """What `PRAGMA wal_checkpoint` answered: whether it was kept from finishing, and the frames."""

    busy: bool
    wal_frames: int
    moved_frames: int

    @property
    def settled(self) -> bool:
        """Every frame of the WAL is in the database file, though a reader may have kept the WAL from being cut."""
        return self.wal_frames == self.moved_frames

    @property
    def complete(self) -> bool:
        """All is settled, and the WAL is empty."""
        return self.settled and not self.busy


def checkpoint(connection: Connection) -> Checkpoint:
    """Move the WAL into the database file and cut it to nothing; only the writer may call this.

    Does not wait for readers: all writes would wait as well. What they hold back is left for the next time.
    """
    (patience_ms,) = connection.execute("PRAGMA busy_timeout").fetchone()
    connection.execute("PRAGMA busy_timeout = 0").fetchall()
    try:
        busy, wal_frames, moved_frames = connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        connection.execute(f"PRAGMA busy_timeout = {patience_ms}").fetchall()
    return Checkpoint(bool(busy), wal_frames, moved_frames)


def take_write_lock(connection: Connection) -> None:
    """Take the lock that a write needs, and give it back: shows that writing can begin, and changes nothing."""
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("ROLLBACK")


# Rows looked at for each index: enough for the planner, and milliseconds whatever the size of the table.
_ANALYSIS_LIMIT: Final = 1000


def analyse(connection: Connection) -> None:
    """Renew what SQLite knows about the tables when it chooses an index."""
    connection.execute(f"PRAGMA analysis_limit = {_ANALYSIS_LIMIT}").fetchall()
    connection.execute("ANALYZE")


_PAGES_AT_ONCE: Final = 500


def give_back_pages(connection: Connection) -> int:
    """Take some unused pages off the end of the file, at its next checkpoint; how many are left."""
    connection.execute(f"PRAGMA incremental_vacuum({_PAGES_AT_ONCE})").fetchall()
    return connection.execute("PRAGMA freelist_count").fetchone()[0]
