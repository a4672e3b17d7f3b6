"""The audit journal: one chained row for each operation, written in the operation's own transaction.

It is the audit log, the idempotency table, the answer to "did that commit?" and the evidence of tampering.

A row's chain value is SHA-256 over the previous row's chain value and the row's fields, each preceded by its
length as four big-endian bytes. What the operation was about (actor, parameters, answer) stands in a side table and
enters the chain only through the commitment SHA-256(salt ‖ payload): a person's payload can be erased, and
the chain still verifies. The format is for good; a change would need a new version of `_DOMAIN`.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Iterator

    from db.engine import Connection

EVENT: Final = "event"  # the outcome of a row that is no operation's

_DOMAIN: Final = b"rollcall-journal-1"
_GENESIS: Final = bytes(32)
_SALT_BYTES: Final = 16

_HEAD: Final = "SELECT seq, at_ms, chain FROM journal ORDER BY seq DESC LIMIT 1"
_FIND: Final = """
SELECT journal.seq, journal.name, journal.guild_id, journal.outcome, journal_payload.payload
FROM journal LEFT JOIN journal_payload ON journal_payload.seq = journal.seq
WHERE journal.operation_id = ?
"""
_INSERT: Final = """
INSERT INTO journal (seq, operation_id, name, guild_id, at_ms, outcome, commitment, chain)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_PAYLOAD: Final = "INSERT INTO journal_payload (seq, salt, payload) VALUES (?, ?, ?)"
_ALL: Final = """
SELECT journal.seq, operation_id, name, guild_id, at_ms, outcome, commitment, chain, salt, payload
FROM journal LEFT JOIN journal_payload ON journal_payload.seq = journal.seq
ORDER BY journal.seq
"""
_ORPHANS: Final = "SELECT count(*) FROM journal_payload WHERE seq NOT IN (SELECT seq FROM journal)"


@dataclass(frozen=True, slots=True)
class Head:
    """The newest row: what the next one is chained to, and the time that the next may not precede."""

    seq: int
    at_ms: int
    chain: bytes


@dataclass(frozen=True, slots=True)
class Entry:
    """What is journaled of one operation; `payload` is JSON and may be erased later."""

    operation_id: str
    name: str
    guild: int
    at_ms: int
    outcome: str
    payload: bytes


@dataclass(frozen=True, slots=True)
class Found:
    """A recorded operation; `payload` is None once it has been erased."""

    seq: int
    name: str
    guild: int
    outcome: str
    payload: bytes | None


def read_head(connection: Connection) -> Head:
    row = connection.execute(_HEAD).fetchall()
    return Head(*row[0]) if row else Head(0, 0, _GENESIS)


def find(connection: Connection, operation_id: str) -> Found | None:
    """The recorded operation of that id, in this transaction's view."""
    rows = connection.execute(_FIND, (operation_id,)).fetchall()
    if not rows:
        return None
    seq, name, guild, outcome, payload = rows[0]
    return Found(seq, name, guild, outcome, None if payload is None else payload.encode())


class Chapter:
    """The rows of one transaction: chained as they are added, written together before its COMMIT."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self.head = read_head(connection)
        self._rows: list[tuple[object, ...]] = []
        self._payloads: list[tuple[int, bytes, str]] = []
        self._added: dict[str, Found] = {}

    def find(self, operation_id: str) -> Found | None:
        """The operation of that id, recorded before or earlier in this chapter."""
        return self._added.get(operation_id) or find(self._connection, operation_id)

    def add(self, entry: Entry) -> None:
        """Chain a row to the head."""
        salt = os.urandom(_SALT_BYTES)
        commitment = hashlib.sha256(salt + entry.payload).digest()
        fields = (entry.operation_id, entry.name, entry.guild, entry.at_ms, entry.outcome, commitment)
        seq = self.head.seq + 1
        chain = _link(self.head.chain, seq, *fields)
        self._rows.append((seq, *fields, chain))
        self._payloads.append((seq, salt, entry.payload.decode()))
        self._added[entry.operation_id] = Found(seq, entry.name, entry.guild, entry.outcome, entry.payload)
        self.head = Head(seq, entry.at_ms, chain)

    def write(self) -> None:
        """Insert what was added; the caller owns the transaction."""
        self._connection.executemany(_INSERT, self._rows)
        self._connection.executemany(_INSERT_PAYLOAD, self._payloads)


def _link(
    previous: bytes,
    seq: int,
    operation_id: str,
    name: str,
    guild: int,
    at_ms: int,
    outcome: str,
    commitment: bytes,
) -> bytes:
    fields = (
        previous,
        seq.to_bytes(8, "big"),
        _bytes_of(operation_id),
        _bytes_of(name),
        guild.to_bytes(8, "big", signed=True),
        at_ms.to_bytes(8, "big", signed=True),
        _bytes_of(outcome),
        commitment,
    )
    return hashlib.sha256(_DOMAIN + b"".join([len(field).to_bytes(4, "big") + field for field in fields])).digest()


def _bytes_of(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text_of(raw: bytes) -> str:
    """For verification: bytes that are no UTF-8 are an alteration to report, not a reason to stop reading."""
    return raw.decode("utf-8", "surrogateescape")


@dataclass(frozen=True, slots=True)
class JournalReport:
    """What a verification found; `head` is the chain value of the last row, to compare with one kept elsewhere."""

    rows: int
    erased: int
    head: str
    problems: tuple[str, ...]

    @property
    def ok(self) -> bool:
        return not self.problems


_PROBLEMS_KEPT: Final = 100


def verify(connection: Connection) -> JournalReport:
    """Follow the whole chain. Finds altered, missing and reordered rows; not a tail that was cut off whole.

    For that, compare `rows` and `head` with what was noted elsewhere. The connection is the caller's alone.
    """
    usual, connection.text_factory = connection.text_factory, _text_of
    try:
        return _follow(connection)
    finally:
        connection.text_factory = usual


def _follow(connection: Connection) -> JournalReport:
    rows = erased = 0
    previous = _GENESIS
    problems: list[str] = []
    for row in connection.execute(_ALL):
        rows += 1
        seq, _, _, _, _, _, _, chain, salt, _ = row
        erased += salt is None
        problems.extend(_problems_of(row, rows, previous))
        previous = chain
        if len(problems) >= _PROBLEMS_KEPT or seq != rows:
            break  # after a gap every number is off: the first is what tells
    orphans = connection.execute(_ORPHANS).fetchone()[0]
    if orphans:
        problems.append(f"{orphans} payloads belong to no row")
    return JournalReport(rows, erased, previous.hex(), tuple(problems))


def _problems_of(row: tuple[object, ...], expected_seq: int, previous: bytes) -> Iterator[str]:
    seq, operation_id, name, guild, at_ms, outcome, commitment, chain, salt, payload = row
    if seq != expected_seq:
        yield f"row {expected_seq} is missing: the next one is {seq}"
        return
    if _link(previous, seq, operation_id, name, guild, at_ms, outcome, commitment) != chain:  # pyright: ignore[reportArgumentType]
        yield f"row {seq} ({operation_id!r}) does not follow from the row before it: altered, or moved"
    if salt is not None and not _opens(commitment, salt, payload):
        yield f"row {seq} ({operation_id!r}): its payload is not the one committed to"


def _opens(commitment: object, salt: object, payload: object) -> bool:
    return (
        isinstance(salt, bytes)
        and isinstance(payload, str)
        and (hashlib.sha256(salt + _bytes_of(payload)).digest() == commitment)
    )
