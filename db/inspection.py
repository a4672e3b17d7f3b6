"""A look at a database that changes nothing: is it there, is it ours, does it hold together?"""

from __future__ import annotations

import stat
import struct
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Final

from db.appendlog import DamagedLog, read_log
from db.engine import APPLICATION_ID, Choice, Connection, Engine, load_engine
from db.errors import CorruptionDetected, Phase, translate
from db.layout import Layout
from db.lock import is_held, read_holder

if TYPE_CHECKING:
    from collections.abc import Callable

_HEADER_BYTES: Final = 100
_MAGIC: Final = b"SQLite format 3\x00"
_APPLICATION_ID_OFFSET: Final = 68  # https://sqlite.org/fileformat.html, "Database Header Format"
_CHECK_BUDGET_S: Final = 2.0  # of a start-up of 3 s; what it leaves unchecked is not called damaged


class State(StrEnum):
    NEW = "new"
    SOUND = "sound"
    ABSENT = "absent"
    UNREADABLE = "unreadable"
    DAMAGED = "damaged"
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True, kw_only=True)
class Inspection:
    """What was found, `detail` in one sentence. Numbers are None where they could not be read."""

    state: State
    path: Path
    detail: str = ""
    generation: int | None = None
    schema_version: int | None = None
    journal_rows: int | None = None
    held_by: str | None = None


def inspect_database(directory: Path, engine: Choice = "auto") -> Inspection:
    """Look at the database of a data directory, also while a bot is running on it. Never raises OSError or SQLite's."""
    layout = Layout(directory)
    found = examine(layout, load_engine(engine))
    return replace(found, held_by=read_holder(layout.lock) if is_held(layout.lock) else None)


def examine(layout: Layout, engine: Engine) -> Inspection:
    """Look at the database below `layout`.

    No connection to it may be open in this process: reading the header by hand would drop SQLite's locks.
    """
    path = layout.directory
    try:
        if path.exists() and not path.is_dir():
            return Inspection(state=State.UNREADABLE, path=path, detail=f"{path} is no directory")
        if layout.is_new():
            return Inspection(state=State.NEW, path=path, detail="there is no database yet")
        path = layout.database
        read_log(layout.manifest)
        problem = _problem_of_file(path)
    except DamagedLog as exc:
        problem = (State.DAMAGED, str(exc))
    except OSError as exc:
        problem = (State.UNREADABLE, f"{exc.filename or path}: {exc.strerror}")
    if problem is not None:
        return Inspection(state=problem[0], path=path, detail=problem[1])
    found = _look_inside(path, engine)
    return replace(found, generation=layout.generation)


def _problem_of_file(path: Path) -> tuple[State, str] | None:
    try:
        kind = path.stat().st_mode
    except FileNotFoundError:
        return State.ABSENT, f"{path} is gone, and there was a database before"
    except NotADirectoryError:
        return State.DAMAGED, f"{path.parent} should be a directory"
    if not stat.S_ISREG(kind):
        return State.DAMAGED, f"{path} is no regular file"
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
    if len(header) < _HEADER_BYTES or not header.startswith(_MAGIC):
        what = "is empty" if not header else "is no SQLite database"
        return State.DAMAGED, f"{path} {what}"
    (application_id,) = struct.unpack_from(">I", header, _APPLICATION_ID_OFFSET)
    if application_id != APPLICATION_ID:
        return State.FOREIGN, f"{path} is a SQLite database of some other program"
    return None


def _look_inside(path: Path, engine: Engine) -> Inspection:
    found = Inspection(state=State.SOUND, path=path)
    try:
        connection = engine.connect(path, mode="ro", busy_timeout_s=1.0)
    except engine.error_class as exc:
        return replace(found, state=State.UNREADABLE, detail=f"{path}: {exc}")
    try:
        found = _read_numbers(connection, found)
        problems = _quick_check(connection, engine)
    except engine.error_class as exc:
        damaged = isinstance(translate(exc, Phase.READ), CorruptionDetected)
        return replace(found, state=State.DAMAGED if damaged else State.UNREADABLE, detail=f"{path}: {exc}")
    finally:
        connection.close()
    return replace(found, state=State.DAMAGED, detail=f"{path}: {problems}") if problems else found


def _read_numbers(connection: Connection, found: Inspection) -> Inspection:
    def number(sql: str) -> int | None:
        return connection.execute(sql).fetchone()[0]

    tables = {name for (name,) in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if "schema_migration" in tables:
        found = replace(found, schema_version=number("SELECT max(version) FROM schema_migration"))
    if "journal" in tables:
        found = replace(found, journal_rows=number("SELECT max(seq) FROM journal") or 0)
    return found


def _quick_check(connection: Connection, engine: Engine) -> str:
    """The first problem that quick_check names; a large database is checked for as long as a start-up may take."""
    deadline = time.monotonic() + _CHECK_BUDGET_S
    late: Callable[[], bool] = lambda: time.monotonic() > deadline  # noqa: E731
    connection.set_progress_handler(late, 10_000)
    try:
        answer = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except engine.error_class:
        if late():
            return ""
        raise
    return "" if answer == "ok" else " ".join(answer.split())
