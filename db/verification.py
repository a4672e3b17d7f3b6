"""Following the journal's chain: altered, missing and reordered rows are found, and a tail that was cut off.

The journal is read in pages, each a short read of its own: a long one would keep the WAL from being moved into the
file. Rows never change, so that what is written meanwhile does no harm; what is exported meanwhile is noticed.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson

from db.journal import GENESIS, bytes_of, commit_to, link

if TYPE_CHECKING:
    from db.engine import Connection

# The rows of a page take about 2 ms of hashing, in which the event loop's thread has to wait for its turn.
_PAGE_ROWS: Final = 256
_PAUSE_S: Final = 0.001
_PROBLEMS_KEPT: Final = 100

# Events about the journal itself: they vouch for what is no longer in it, and are never erased.
EXPORTED: Final = "journal.exported"
ERASED: Final = "journal.erased"
EPOCH: Final = "journal.epoch"
KEPT_NAMES: Final = (EXPORTED, ERASED, EPOCH)

PAGE: Final = """
SELECT journal.seq, operation_id, name, guild_id, at_ms, outcome, commitment, chain, salt, payload
FROM journal LEFT JOIN journal_payload ON journal_payload.seq = journal.seq
WHERE journal.seq > ? ORDER BY journal.seq LIMIT ?
"""
_ANCHOR: Final = "SELECT seq, chain FROM journal_anchor ORDER BY seq DESC LIMIT 1"
_EXPORTS_AT: Final = "SELECT count(*) FROM journal_anchor WHERE seq = ? AND kind = 'export'"
_PAYLOADS_UP_TO: Final = "SELECT count(*) FROM journal_payload WHERE seq > ? AND seq <= ?"
_PAYLOADS_AFTER: Final = "SELECT count(*) FROM journal_payload WHERE seq > ?"
_ORPHANS_BEFORE: Final = """
SELECT count(*) FROM journal_payload WHERE seq <= ? AND seq NOT IN (SELECT seq FROM journal WHERE seq <= ?)
"""


@dataclass(frozen=True, slots=True)
class Note:
    """A row's chain value that was noted outside the database, when it was the journal's newest."""

    seq: int
    chain: str
    at_ms: int

    @property
    def when(self) -> str:
        return time.strftime("%Y-%m-%d %H:%M:%SZ", time.gmtime(self.at_ms / 1000))


@dataclass(frozen=True, slots=True)
class JournalReport:
    """What a verification found. `head` is the chain value of the last row; rows up to `anchor` are in files."""

    rows: int
    erased: int
    head: str
    problems: tuple[str, ...]
    anchor: int = 0

    @property
    def ok(self) -> bool:
        return not self.problems


def verify(connection: Connection, notes: Iterable[Note] = ()) -> JournalReport:
    """Follow the whole chain, and compare it with what was noted elsewhere. The connection is the caller's alone."""
    usual, connection.text_factory = connection.text_factory, _text_of
    try:
        return _Follower(connection, {note.seq: note for note in notes}).follow()
    finally:
        connection.text_factory = usual


def read_anchor(connection: Connection) -> tuple[int, bytes]:
    """The last row that has left the journal, and its chain value."""
    rows = connection.execute(_ANCHOR).fetchall()
    return rows[0] if rows else (0, GENESIS)


class _Follower:
    """Goes from row to row, as far as numbers can be trusted."""

    def __init__(self, connection: Connection, notes: dict[int, Note]) -> None:
        self._connection = connection
        self._notes = notes
        self._problems: list[str] = []
        self._gap = False
        self._begin()

    def _begin(self) -> None:
        self._anchor, self._anchor_chain = read_anchor(self._connection)
        self._seq: int = self._anchor
        self._previous: bytes = self._anchor_chain
        self._rows = self._erased = self._orphans = 0
        self._vouched = self._anchor == 0

    def follow(self) -> JournalReport:
        while self._take_page():
            time.sleep(_PAUSE_S)
        if not self._gap:
            self._problems.extend(self._problems_at_the_end())
        if self._orphans:
            self._problems.append(f"{self._orphans} payloads belong to no row")
        return JournalReport(self._rows, self._erased, self._previous.hex(), tuple(self._problems), self._anchor)

    def _take_page(self) -> bool:
        """Check the next rows; whether there are more."""
        self._connection.execute("BEGIN")
        try:
            rows = self._connection.execute(PAGE, (self._seq, _PAGE_ROWS)).fetchall()
            if rows and rows[0][0] != self._seq + 1 and read_anchor(self._connection)[0] > self._anchor:
                self._begin()  # rows were exported meanwhile
                return True
            self._orphans += self._count_orphans(rows)
        finally:
            self._connection.execute("ROLLBACK")
        for row in rows:
            self._check(row)
            if self._gap or len(self._problems) >= _PROBLEMS_KEPT:
                self._gap = True  # after a gap every number is off: the first is what tells
                return False
        return len(rows) == _PAGE_ROWS

    def _count_orphans(self, rows: Sequence[tuple[Any, ...]]) -> int:
        """Payloads without a row, among these rows and, behind the last page, after them."""
        last = rows[-1][0] if rows else self._seq
        found = self._count(_PAYLOADS_UP_TO, self._seq, last) - sum(row[8] is not None for row in rows)
        if len(rows) < _PAGE_ROWS:
            found += self._count(_PAYLOADS_AFTER, last) + self._count(_ORPHANS_BEFORE, self._anchor, self._anchor)
        return found

    def _count(self, sql: str, *values: int) -> int:
        return self._connection.execute(sql, values).fetchone()[0]

    def _check(self, row: tuple[Any, ...]) -> None:
        seq, operation_id, name, guild, at_ms, outcome, commitment, chain, salt, payload = row
        if seq != self._seq + 1:
            self._problems.append(f"row {self._seq + 1} is missing: the next one is {seq}")
            self._gap = True
            return
        if link(self._previous, seq, operation_id, name, guild, at_ms, outcome, commitment) != chain:
            self._problems.append(
                f"row {seq} ({operation_id!r}) does not follow from the row before it: altered, or moved"
            )
        if salt is None:
            self._erased += 1
        elif not opens(commitment, salt, payload):
            self._problems.append(f"row {seq} ({operation_id!r}): its payload is not the one committed to")
        elif name in (EXPORTED, EPOCH):
            self._vouched |= self._vouches(payload)
        note = self._notes.get(seq)
        if note is not None and note.chain != chain.hex():
            self._problems.append(f"row {seq} ({operation_id!r}) is not the one that was noted on {note.when}")
        self._rows += 1
        self._seq, self._previous = seq, chain

    def _vouches(self, payload: str) -> bool:
        try:
            params = orjson.loads(payload)["params"]
            return (params["seq"], params["chain"]) == (self._anchor, self._anchor_chain.hex())
        except (ValueError, TypeError, KeyError):
            return False

    def _problems_at_the_end(self) -> Iterable[str]:
        if not self._vouched:
            yield f"rows up to {self._anchor} have left, and no row says why"
        note = self._notes.get(self._anchor)
        exported = self._count(_EXPORTS_AT, self._anchor)  # a new epoch does not go on from the last row
        if exported and note is not None and note.chain != self._anchor_chain.hex():
            yield f"row {note.seq}, the last that has left, is not the one that was noted on {note.when}"
        newest = max(self._notes, default=0)
        if newest > self._seq:
            yield (
                f"the end is missing: the journal ends with row {self._seq}, "
                f"and row {newest} was noted on {self._notes[newest].when}"
            )


def opens(commitment: object, salt: object, payload: object) -> bool:
    """Whether the payload is the one that was committed to."""
    return isinstance(salt, bytes) and isinstance(payload, str) and commit_to(salt, bytes_of(payload)) == commitment


def _text_of(raw: bytes) -> str:
    """Bytes that are no UTF-8 are an alteration to report, not a reason to stop reading."""
    return raw.decode("utf-8", "surrogateescape")
