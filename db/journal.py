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
    from db.engine import Connection

EVENT: Final = "event"  # the outcome of a row that is no operation's

_DOMAIN: Final = b"rollcall-journal-1"
GENESIS: Final = bytes(32)
_SALT_BYTES: Final = 16

_HEAD: Final = "SELECT seq, at_ms, chain FROM journal ORDER BY seq DESC LIMIT 1"
_ANCHOR: Final = "SELECT seq, at_ms, chain FROM journal_anchor ORDER BY seq DESC LIMIT 1"
_FIND: Final = """
SELECT journal.seq, journal.name, journal.guild_id, journal.outcome, journal_payload.payload
FROM journal LEFT JOIN journal_payload ON journal_payload.seq = journal.seq
WHERE journal.operation_id = :operation_id
UNION ALL
SELECT seq, name, guild_id, outcome, NULL FROM journal_past WHERE operation_id = :operation_id
"""
_INSERT: Final = """
INSERT INTO journal (seq, operation_id, name, guild_id, at_ms, outcome, commitment, chain)
VALUES (?, ?, ?, ?, ?, ?, ?, ?)
"""
_INSERT_PAYLOAD: Final = "INSERT INTO journal_payload (seq, salt, payload) VALUES (?, ?, ?)"


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
    """A recorded operation; `payload` is None once it was erased, or has left for a file."""

    seq: int
    name: str
    guild: int
    outcome: str
    payload: bytes | None


def read_head(connection: Connection) -> Head:
    rows = connection.execute(_HEAD).fetchall() or connection.execute(_ANCHOR).fetchall()
    return Head(*rows[0]) if rows else Head(0, 0, GENESIS)


def find(connection: Connection, operation_id: str) -> Found | None:
    """The recorded operation of that id, in this transaction's view."""
    rows = connection.execute(_FIND, {"operation_id": operation_id}).fetchall()
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
        commitment = commit_to(salt, entry.payload)
        fields = (entry.operation_id, entry.name, entry.guild, entry.at_ms, entry.outcome, commitment)
        seq = self.head.seq + 1
        chain = link(self.head.chain, seq, *fields)
        self._rows.append((seq, *fields, chain))
        self._payloads.append((seq, salt, entry.payload.decode()))
        self._added[entry.operation_id] = Found(seq, entry.name, entry.guild, entry.outcome, entry.payload)
        self.head = Head(seq, entry.at_ms, chain)

    def write(self) -> None:
        """Insert what was added; the caller owns the transaction."""
        self._connection.executemany(_INSERT, self._rows)
        self._connection.executemany(_INSERT_PAYLOAD, self._payloads)


def commit_to(salt: bytes, payload: bytes) -> bytes:
    """What stands in the chain for a payload that may be erased."""
    return hashlib.sha256(salt + payload).digest()


def link(
    previous: bytes,
    seq: int,
    operation_id: str,
    name: str,
    guild: int,
    at_ms: int,
    outcome: str,
    commitment: bytes,
) -> bytes:
    """The chain value of a row."""
    fields = (
        previous,
        seq.to_bytes(8, "big"),
        bytes_of(operation_id),
        bytes_of(name),
        guild.to_bytes(8, "big", signed=True),
        at_ms.to_bytes(8, "big", signed=True),
        bytes_of(outcome),
        commitment,
    )
    return hashlib.sha256(_DOMAIN + b"".join([len(field).to_bytes(4, "big") + field for field in fields])).digest()


def bytes_of(text: str) -> bytes:
    """As UTF-8; what a damaged file gave in place of text comes out as the bytes that it was."""
    return text.encode("utf-8", "surrogateescape")
