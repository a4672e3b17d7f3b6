"""A damaged journal: what can be read is preserved in a file, and a new epoch is begun.

Only by an operator's order. Nothing in the layer needs it to go on, a read error can look like damage, and restoring
from a backup, which loses nothing, comes first; what this loses is the proof that the old rows are all there were.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Self

import orjson
from loguru import logger

from db import journal
from db.exporting import payloads_beside
from db.files import sync_directory
from db.journal import Chapter, Entry
from db.submission import PAYLOAD_VERSION
from db.verification import EPOCH

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from db.engine import Connection, Engine

Row = tuple[Any, ...]

_RANGE: Final = 1_000
# Where not even the last row's number can be read: how far behind the last known one is looked.
_LOOKED_BEHIND: Final = 100_000

_LAST: Final = """
SELECT max(coalesce((SELECT max(seq) FROM journal), 0), coalesce((SELECT max(seq) FROM journal_payload), 0))
"""
_ROWS: Final = """
SELECT seq, operation_id, name, guild_id, at_ms, outcome, commitment, chain FROM journal
WHERE seq BETWEEN ? AND ? ORDER BY seq
"""
_PAYLOADS: Final = "SELECT seq, salt, payload FROM journal_payload WHERE seq BETWEEN ? AND ? ORDER BY seq"
_DEFINITION: Final = "SELECT sql FROM sqlite_schema WHERE type = 'table' AND name = ?"
_KEEP_ID: Final = """
INSERT INTO journal_past (operation_id, seq, name, guild_id, outcome) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (operation_id) DO NOTHING
"""
_SET_ANCHOR: Final = """
INSERT INTO journal_anchor (seq, chain, kind, first_seq, at_ms, file, sha256) VALUES (?, ?, 'epoch', ?, ?, ?, ?)
"""
# The payloads refer to the rows: they go first.
_TABLES: Final = ("journal_payload", "journal")


@dataclass(frozen=True, slots=True, kw_only=True)
class Preserved:
    """What was saved of a damaged journal, and where. `seq` is the last row that is known to have been."""

    file: str
    sha256: str
    rows: int
    payloads: int
    lost: int
    seq: int


class _Lines:
    """A new file of JSON lines, and what is known of it. Used in a `with`, at whose end it is durable."""

    def __init__(self, path: Path) -> None:
        self._fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._file = os.fdopen(self._fd, "wb")
        self.digest = hashlib.sha256()
        self.count = self.last = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._file:
            self._file.flush()
            os.fsync(self._fd)

    def add(self, row: Row) -> None:
        line = orjson.dumps([value.hex() if isinstance(value, bytes) else value for value in row]) + b"\n"
        self.digest.update(line)
        self._file.write(line)
        self.count, self.last = self.count + 1, row[0]


def save_readable(connection: Connection, engine: Engine, file: Path, *, noted: int) -> Preserved:
    """Write every row that can still be read to `file`, and every payload beside it, in the lines of an export.

    `noted` is the last row that is known to have been. Raises OSError.
    """
    file.parent.mkdir(mode=0o700, exist_ok=True)
    usual, connection.text_factory = connection.text_factory, _text_of
    try:
        with _Lines(file) as rows, _Lines(payloads_beside(file)) as payloads:
            last = _last_row(connection, engine, noted)
            for row in _readable(connection, engine, _ROWS, last):
                rows.add(row)
            for row in _readable(connection, engine, _PAYLOADS, last):
                payloads.add(row)
    finally:
        connection.text_factory = usual
    sync_directory(file.parent)
    seq = max(rows.last, payloads.last, noted)
    return Preserved(
        file=str(file),
        sha256=rows.digest.hexdigest(),
        rows=rows.count,
        payloads=payloads.count,
        lost=max(0, seq - journal_begins_at(connection) + 1 - rows.count),
        seq=seq,
    )


def _text_of(raw: bytes) -> str:
    """What is no text was altered; it is kept in a form that shows the bytes."""
    return raw.decode("utf-8", "backslashreplace")


def journal_begins_at(connection: Connection) -> int:
    """The number of the row after the newest anchor."""
    return connection.execute("SELECT coalesce(max(seq), 0) + 1 FROM journal_anchor").fetchone()[0]


def begin_epoch(connection: Connection, engine: Engine, saved: Preserved, *, reason: str, now_ms: int) -> None:
    """Put empty tables in the place of the damaged ones, all or nothing. Raises the SQLite library's errors.

    The ids that could be read still happen once. The first row of the new epoch says what was preserved.
    """
    try:
        _in_one_transaction(connection, lambda: _replace(connection, saved, reason, now_ms, _drop))
    except engine.error_class as exc:
        logger.warning("the damaged tables cannot be dropped, and are kept under other names: {}", exc)
        _in_one_transaction(connection, lambda: _replace(connection, saved, reason, now_ms, _rename))


def _in_one_transaction(connection: Connection, function: Callable[[], None]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    try:
        function()
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise


def _replace(
    connection: Connection,
    saved: Preserved,
    reason: str,
    now_ms: int,
    put_away: Callable[[Connection, str, int], None],
) -> None:
    definitions = [connection.execute(_DEFINITION, (table,)).fetchone()[0] for table in _TABLES]
    first = journal_begins_at(connection)
    for table in _TABLES:
        put_away(connection, table, saved.seq)
    for definition in reversed(definitions):
        connection.execute(definition)
    connection.executemany(_KEEP_ID, _ids_in(saved))
    chain = bytes.fromhex(saved.sha256)  # the old rows are vouched for by the file, as far as it has them
    connection.execute(_SET_ANCHOR, (saved.seq, chain, first, now_ms, saved.file, saved.sha256))
    chapter = Chapter(connection)
    params = {"seq": saved.seq, "chain": chain.hex(), "file": saved.file, "rows": saved.rows, "lost": saved.lost}
    payload = {"v": PAYLOAD_VERSION, "actor": 0, "digest": "", "params": params | {"reason": reason}}
    event_id = f"epoch:{saved.seq}:{secrets.token_hex(8)}"
    chapter.add(
        Entry(event_id, EPOCH, 0, now_ms, journal.EVENT, orjson.dumps(payload | {"answer": None, "rows": [0, 0]}))
    )
    chapter.write()


def _drop(connection: Connection, table: str, _: int) -> None:
    connection.execute(f"DROP TABLE {table}")


def _rename(connection: Connection, table: str, seq: int) -> None:
    connection.execute(f"ALTER TABLE {table} RENAME TO {table}_damaged_{seq}")


def _ids_in(saved: Preserved) -> Iterator[Row]:
    with open(saved.file, "rb") as lines:  # noqa: PTH123 - the name is what is stored
        for line in lines:
            seq, operation_id, name, guild, _, outcome, *_ = orjson.loads(line)
            yield operation_id, seq, name, guild, outcome


def _last_row(connection: Connection, engine: Engine, noted: int) -> int:
    try:
        return max(connection.execute(_LAST).fetchone()[0], noted)
    except engine.error_class:
        return noted + _LOOKED_BEHIND


def _readable(connection: Connection, engine: Engine, sql: str, last: int) -> Iterator[Row]:
    """All rows that come back without an error: a range with an error is halved, down to single rows."""
    ranges = [(first, min(first + _RANGE - 1, last)) for first in range(last // _RANGE * _RANGE + 1, 0, -_RANGE)]
    while ranges:
        first, until = ranges.pop()
        try:
            rows = connection.execute(sql, (first, until)).fetchall()
        except engine.error_class:
            if first < until:
                middle = (first + until) // 2
                ranges += [(middle + 1, until), (first, middle)]
            continue
        yield from rows


def new_file(directory: Path) -> Path:
    """Where a damaged journal is preserved."""
    return (
        directory / f"journal-preserved-{time.strftime('%Y%m%dT%H%M%SZ', time.gmtime())}-{secrets.token_hex(4)}.jsonl"
    )
