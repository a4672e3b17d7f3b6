"""Old rows of the journal leave for files, behind an anchor from which the chain goes on.

An export is two files of JSON lines. `….jsonl` has the rows, each a list of seq, operation id, name, guild, time,
outcome, commitment and chain value, after a line that says which row and chain value they follow; it never changes,
and the anchor has its SHA-256. `….payloads.jsonl` has seq, salt and payload of those that were not erased; each opens
its row's commitment, so that lines may be erased there too.

First the files are written, made durable and read back. Then one transaction sets the anchor: until there nothing has
happened, from there on the rows count as gone. They are removed in small steps, which a kill only delays. Of each row
its id and outcome stay in `journal_past`: an operation happens once, however old it is.
"""

from __future__ import annotations

import hashlib
import os
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from typing import IO, TYPE_CHECKING, Any, Final

import orjson

from db.files import sync_directory
from db.journal import link, read_head
from db.operations import Operation
from db.results import Rejected
from db.transaction import Transaction
from db.verification import EXPORTED, PAGE, opens, read_anchor

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator
    from pathlib import Path

    from db.engine import Connection

FORMAT: Final = 1
_PAGE_ROWS: Final = 1_000
# Between two such steps the writer is everybody's again.
_REMOVED_AT_ONCE: Final = 500

_SEQ_OF: Final = "SELECT seq FROM journal WHERE operation_id = ?"
_CHAIN_OF: Final = "SELECT chain FROM journal WHERE seq = ?"
_NEWEST_ANCHOR: Final = "SELECT seq FROM journal_anchor ORDER BY seq DESC LIMIT 1"
_PAYLOADS: Final = "SELECT count(*) FROM journal_payload WHERE seq BETWEEN ? AND ?"
_SET_ANCHOR: Final = """
INSERT INTO journal_anchor (seq, chain, kind, first_seq, at_ms, file, sha256) VALUES (?, ?, 'export', ?, ?, ?, ?)
"""
_FIRST: Final = "SELECT seq FROM journal ORDER BY seq LIMIT 1"
_MOVE: Final = """
INSERT INTO journal_past (operation_id, seq, name, guild_id, outcome)
SELECT operation_id, seq, name, guild_id, outcome FROM journal WHERE seq <= ?
ON CONFLICT (operation_id) DO NOTHING
"""
_REMOVE_PAYLOADS: Final = "DELETE FROM journal_payload WHERE seq <= ?"
_REMOVE: Final = "DELETE FROM journal WHERE seq <= ?"


class ExportRefused(Exception):
    """The rows cannot leave; nothing has changed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exported:
    """An export, as the anchor and the journal tell of it. `chain` is that of the last row, in hexadecimal digits."""

    seq: int
    chain: str
    first_seq: int
    payloads: int
    file: str
    sha256: str

    @property
    def rows(self) -> int:
        return self.seq - self.first_seq + 1


def payloads_beside(file: Path) -> Path:
    """Where the payloads of an export are."""
    return file.with_name(f"{file.stem}.payloads.jsonl")


def write_files(
    connection: Connection, file: Path, *, before_ms: int, keep_newest: int, needed: Collection[str]
) -> Exported | None:
    """Write what is older than `before_ms` to `file` and its payloads beside it; None if there is nothing to write.

    Kept are the newest rows, and everything from the first one whose id is `needed`: somebody may yet ask for its
    answer. Raises ExportRefused for a journal that is not in order, OSError.
    """
    if file.exists():
        raise ExportRefused(f"{file} exists")
    anchor, _ = read_anchor(connection)
    last = min([read_head(connection).seq - keep_newest, *(seq - 1 for seq in _seqs_of(connection, needed))])
    if last <= anchor:
        return None
    file.parent.mkdir(mode=0o700, exist_ok=True)
    drafts = [_draft(file), _draft(payloads_beside(file))]
    with ExitStack() as stack:
        rows_file, payloads_file = (stack.enter_context(_create(draft)) for draft in drafts)
        exported = _Writing(connection, rows_file, payloads_file, before_ms).until(last)
        for opened in (rows_file, payloads_file):
            opened.flush()
            os.fsync(opened.fileno())
    if exported is None:
        for draft in drafts:
            draft.unlink()
        return None
    result = Exported(file=str(file), sha256=_sha256(drafts[0]), **exported)
    found = check_files(drafts[0], drafts[1])
    if (found.seq, found.chain, found.payloads) != (result.seq, result.chain, result.payloads):
        raise ExportRefused(f"{file} reads back as something else")
    drafts[1].rename(payloads_beside(file))
    drafts[0].rename(file)
    sync_directory(file.parent)
    return result


class _Writing:
    """The rows of one export on their way into its files."""

    def __init__(self, connection: Connection, rows: IO[bytes], payloads: IO[bytes], before_ms: int) -> None:
        self._connection = connection
        self._rows = rows
        self._payloads = payloads
        self._before_ms = before_ms
        self._anchor, self._chain = read_anchor(connection)
        self._seq = self._anchor
        self._payload_count = 0

    def until(self, last: int) -> dict[str, Any] | None:
        _write_line(self._rows, {"rollcall-journal": FORMAT, "after": self._seq, "chain": self._chain.hex()})
        for row in self._old_rows(last):
            self._add(row)
        if self._seq == self._anchor:
            return None
        return {
            "seq": self._seq,
            "chain": self._chain.hex(),
            "first_seq": self._anchor + 1,
            "payloads": self._payload_count,
        }

    def _old_rows(self, last: int) -> Iterator[tuple[Any, ...]]:
        """In pages: a long read would keep the WAL from being moved into the file."""
        while self._seq < last:
            page = self._connection.execute(PAGE, (self._seq, min(_PAGE_ROWS, last - self._seq))).fetchall()
            if not page:
                raise ExportRefused(f"row {self._seq + 1} is missing")
            for row in page:
                if row[4] >= self._before_ms:
                    return
                yield row

    def _add(self, row: tuple[Any, ...]) -> None:
        seq, operation_id, name, guild, at_ms, outcome, commitment, chain, salt, payload = row
        if seq != self._seq + 1 or link(self._chain, *row[:7]) != chain:
            raise ExportRefused(f"the journal does not hold together at row {seq}: it is left as it is")
        _write_line(self._rows, [seq, operation_id, name, guild, at_ms, outcome, commitment.hex(), chain.hex()])
        if salt is not None:
            if not opens(commitment, salt, payload):
                raise ExportRefused(f"the payload of row {seq} was altered: it is left as it is")
            _write_line(self._payloads, [seq, salt.hex(), payload])
            self._payload_count += 1
        self._seq, self._chain = seq, chain


def check_files(file: Path, payloads: Path | None = None) -> Exported:
    """Read an export back, following its chain and opening its commitments. Raises ExportRefused, OSError."""
    digest = hashlib.sha256()
    commitments = _payload_lines(payloads or payloads_beside(file))
    pending = next(commitments, None)
    count = 0
    with file.open("rb") as lines:
        first = lines.readline()
        digest.update(first)
        header = orjson.loads(first)
        seq, chain = header["after"], bytes.fromhex(header["chain"])
        for line in lines:
            digest.update(line)
            number, operation_id, name, guild, at_ms, outcome, commitment, stated = orjson.loads(line)
            if number != seq + 1:
                raise ExportRefused(f"{file}: row {seq + 1} is missing")
            seq = number
            chain = link(chain, seq, operation_id, name, guild, at_ms, outcome, bytes.fromhex(commitment))
            if chain.hex() != stated:
                raise ExportRefused(f"{file}: row {seq} does not follow from the row before it")
            if pending is not None and pending[0] == seq:
                if not opens(bytes.fromhex(commitment), bytes.fromhex(pending[1]), pending[2]):
                    raise ExportRefused(f"{file}: the payload of row {seq} is not the one committed to")
                count += 1
                pending = next(commitments, None)
    if pending is not None:
        raise ExportRefused(f"{file}: the payload of row {pending[0]} belongs to no row")
    return Exported(
        seq=seq,
        chain=chain.hex(),
        first_seq=header["after"] + 1,
        payloads=count,
        file=str(file),
        sha256=digest.hexdigest(),
    )


def erase_from_file(file: Path, actor: int) -> int:
    """Leave that person's payloads out of an export; returns how many there were. Raises OSError."""
    payloads = payloads_beside(file)
    draft = _draft(payloads)
    erased = 0
    with _create(draft) as kept:
        for line in _payload_lines(payloads):
            if orjson.loads(line[2])["actor"] == actor:
                erased += 1
            else:
                _write_line(kept, line)
        kept.flush()
        os.fsync(kept.fileno())
    draft.rename(payloads)
    sync_directory(payloads.parent)
    return erased


def _set_anchor(
    tx: Transaction, *, seq: int, chain: str, first_seq: int, payloads: int, file: str, sha256: str
) -> None:
    """The rows count as gone. Raises Rejected with CHANGED_MEANWHILE if they are not those that were exported."""
    anchor = tx.fetch_one(_NEWEST_ANCHOR)
    row = tx.fetch_one(_CHAIN_OF, seq)
    left = tx.fetch_one(_PAYLOADS, first_seq, seq)
    if (anchor[0] if anchor else 0) != first_seq - 1 or row != (bytes.fromhex(chain),) or left != (payloads,):
        raise Rejected("CHANGED_MEANWHILE", first_seq=first_seq, seq=seq)
    tx.execute(_SET_ANCHOR, seq, bytes.fromhex(chain), first_seq, tx.now, file, sha256)


SET_ANCHOR: Final = Operation(EXPORTED, _set_anchor, frozenset(), event=True)


def params_of(exported: Exported) -> dict[str, Any]:
    """What `SET_ANCHOR` is called with."""
    return asdict(exported)


def rows_to_remove(connection: Connection) -> bool:
    """Whether rows behind the anchor are still in the table."""
    first = connection.execute(_FIRST).fetchall()
    return bool(first) and first[0][0] <= read_anchor(connection)[0]


def remove_some(connection: Connection) -> bool:
    """Remove the oldest rows behind the anchor, remembering their ids; whether there are more. One transaction."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        anchor, _ = read_anchor(connection)
        first = connection.execute(_FIRST).fetchall()
        until = min(anchor, first[0][0] + _REMOVED_AT_ONCE - 1) if first else 0
        for statement in (_MOVE, _REMOVE_PAYLOADS, _REMOVE):
            connection.execute(statement, (until,))
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        raise
    return until < anchor


def _seqs_of(connection: Connection, operation_ids: Collection[str]) -> list[int]:
    found = [connection.execute(_SEQ_OF, (operation_id,)).fetchall() for operation_id in operation_ids]
    return [rows[0][0] for rows in found if rows]


def _payload_lines(path: Path) -> Iterator[list[Any]]:
    with path.open("rb") as lines:
        for line in lines:
            yield orjson.loads(line)


def _write_line(file: IO[bytes], value: object) -> None:
    file.write(orjson.dumps(value) + b"\n")


def _create(path: Path) -> IO[bytes]:
    fd = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    return os.fdopen(fd, "wb")


def _draft(path: Path) -> Path:
    return path.with_name(f"{path.name}.part")


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
