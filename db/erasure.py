"""Erasing what the journal keeps of a person: the payloads of what he did. The rows and their chain stay.

Each erasure is first written down outside the database, with how far it reaches: one that was cut short is taken up
again at the next start, and a restore, which brings the payloads back, has to erase them anew.
"""

from __future__ import annotations

import secrets
import time
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Final

import orjson

from db.appendlog import append_log, read_log
from db.operations import Operation
from db.transaction import Transaction
from db.verification import ERASED, KEPT_NAMES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from db.engine import Connection

# An erased batch is one operation: others wait for a millisecond or two.
BATCH: Final = 250
_SCANNED_AT_ONCE: Final = 2_000

_SCAN: Final = f"""
SELECT journal_payload.seq, payload FROM journal_payload JOIN journal ON journal.seq = journal_payload.seq
WHERE journal_payload.seq > ? AND journal_payload.seq <= ? AND instr(payload, ?) > 0
AND name NOT IN ({", ".join(f"'{name}'" for name in KEPT_NAMES)})
ORDER BY journal_payload.seq
"""  # noqa: S608 - constants of this program
_DELETE: Final = "DELETE FROM journal_payload WHERE seq = ?"


@dataclass(frozen=True, slots=True, kw_only=True)
class Erasure:
    """Somebody's payloads, up to a row."""

    erasure_id: str
    actor: int
    up_to_seq: int
    ordered_by: int
    at_ms: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Erased:
    """What became of it. `missing_files` are exports that were not where they had been left: erase there by hand."""

    erasure_id: str
    payloads: int
    missing_files: tuple[str, ...] = ()


def order(path: Path, *, actor: int, up_to_seq: int, ordered_by: int) -> Erasure:
    """Write an erasure down, durably. Raises OSError, DamagedLog."""
    erasure = Erasure(
        erasure_id=f"erasure:{secrets.token_hex(8)}",
        actor=actor,
        up_to_seq=up_to_seq,
        ordered_by=ordered_by,
        at_ms=time.time_ns() // 1_000_000,
    )
    append_log(path, asdict(erasure))
    return erasure


def finish(path: Path, erasure: Erasure) -> None:
    """Write down that nothing of it is left to do."""
    append_log(path, {"finished": erasure.erasure_id})


def all_ordered(path: Path) -> list[Erasure]:
    """Every erasure there ever was: after a restore they are all due again."""
    return [Erasure(**record) for record in read_log(path) if "finished" not in record]


def unfinished(path: Path) -> list[Erasure]:
    """Those that were cut short."""
    done = {record["finished"] for record in read_log(path) if "finished" in record}
    return [erasure for erasure in all_ordered(path) if erasure.erasure_id not in done]


def find_payloads(connection: Connection, erasure: Erasure) -> Iterator[list[int]]:
    """The rows whose payloads are that person's, in batches, in short reads."""
    found: list[int] = []
    mark = f'"actor":{erasure.actor},'  # SQLite sifts; only what bears the mark is parsed
    for after in range(0, erasure.up_to_seq, _SCANNED_AT_ONCE):
        until = min(after + _SCANNED_AT_ONCE, erasure.up_to_seq)
        for seq, payload in connection.execute(_SCAN, (after, until, mark)).fetchall():
            if orjson.loads(payload)["actor"] == erasure.actor:
                found.append(seq)
            if len(found) == BATCH:
                yield found
                found = []
    if found:
        yield found


def _erase(tx: Transaction, *, erasure: str, seqs: list[int]) -> int:  # noqa: ARG001 - journaled with the call
    """Delete payloads; the journal row of this call says which."""
    return sum(tx.execute(_DELETE, seq) for seq in seqs)


ERASE: Final = Operation(ERASED, _erase, frozenset(), event=True)


def operation_id(erasure: Erasure) -> str:
    """Another one for each batch and each time: an erasure may have to happen again."""
    return f"{erasure.erasure_id}:{secrets.token_hex(4)}"
