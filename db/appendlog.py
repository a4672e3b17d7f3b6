"""An append-only file of JSON records, each line chained to the one before by SHA-256.

The file may be longer than what is in it: it ends where only zeros follow, so that it can have its room on the disk
before it needs it. A line that was being written when the power went is dropped on reading; anything else that does
not follow from the line before is damage and is reported, never silently shortened.
"""

from __future__ import annotations

import errno
import hashlib
import os
import re
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import orjson
from loguru import logger

from db.files import sync_directory

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

_DIGEST: Final = re.compile(rb"(?=([0-9a-f]{64}))")
_DIGEST_CHARACTERS: Final = 64
_GENESIS: Final = "0" * _DIGEST_CHARACTERS
_MOST_GUESSES: Final = 16


class DamagedLog(Exception):
    """A record in the middle is missing or altered."""


class LogFull(Exception):
    """The records do not fit into the room that the log may take."""


class DoubtfulAppend(Exception):
    """Writing failed and could not be taken back: the records may or may not be found there later."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a log holds. The next line goes to `end`, chained to `head`."""

    records: list[dict[str, Any]]
    head: str
    end: int
    damage: list[str]
    torn_bytes: int


def _chain(previous: str, body: bytes) -> str:
    return hashlib.sha256(previous.encode() + body).hexdigest()


def _line(digest: str, body: bytes) -> bytes:
    return digest.encode() + b" " + body


def _lines(previous: str, records: Iterable[dict[str, Any]]) -> tuple[bytes, str]:
    """The records as lines, and the chain value of the last."""
    lines: list[bytes] = []
    for record in records:
        body = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
        previous = _chain(previous, body)
        lines.append(_line(previous, body) + b"\n")
    return b"".join(lines), previous


def read_contents(path: Path) -> Contents:
    """Every line that follows from the one before, also behind damage; an absent file is empty. Raises OSError."""
    if path.exists() and not path.is_file():
        what = "is a directory" if path.is_dir() else "is no regular file"
        raise OSError(errno.EINVAL, what, str(path))
    content = path.read_bytes().rstrip(b"\0") if path.exists() else b""
    *lines, torn = content.split(b"\n")
    records: list[dict[str, Any]] = []
    damage: list[str] = []
    # What the next line may follow from: one value, and behind damage whatever can still be made out there.
    expected = deque([_GENESIS], maxlen=_MOST_GUESSES)
    for number, line in enumerate(lines, start=1):
        body = line[_DIGEST_CHARACTERS + 1 :]
        follows = (_chain(previous, body) for previous in expected)
        if (digest := next((each for each in follows if _line(each, body) == line), None)) is not None:
            records.append(orjson.loads(body))
            expected.clear()
            expected.append(digest)
        else:
            damage.append(f"{path}: line {number} does not follow from the line before")
            bodies = {body, line.partition(b" ")[2]}
            guesses = {_chain(expected[0], each) for each in bodies} | {each.decode() for each in _DIGEST.findall(line)}
            expected.extend(guesses)
    return Contents(records, expected[-1], len(content) - len(torn), damage, len(torn))


def read_log(path: Path) -> list[dict[str, Any]]:
    """All whole records, oldest first; an absent file has none. Raises DamagedLog, OSError."""
    return _sound(path).records


def _sound(path: Path) -> Contents:
    contents = read_contents(path)
    if contents.damage:
        raise DamagedLog(contents.damage[0])
    return contents


def append_log(path: Path, record: dict[str, Any]) -> None:
    """Append one record to a small log and fsync it; a torn last line is cut off first."""
    contents = _sound(path)
    line, _ = _lines(contents.head, [record])
    fd = _open(path)
    try:
        os.ftruncate(fd, contents.end)
        _write(fd, line, contents.end)
        os.fsync(fd)
    finally:
        os.close(fd)


class AppendLog:
    """A log that is kept open, with its room on the disk reserved. Every method blocks: call it on a thread."""

    def __init__(self, path: Path, *, capacity_bytes: int) -> None:
        self._path = path
        self._capacity = capacity_bytes
        self._fd: int | None = None
        self._head = _GENESIS
        self._end = 0

    @property
    def usable(self) -> bool:
        """Whether it can be appended to; if not, `rewrite` is what helps."""
        return self._fd is not None

    def open(self) -> Contents:
        """Read what is there and make ready for more. Raises OSError where it cannot even be read.

        What is damaged or torn is kept under another name, and a clean file takes its place.
        """
        contents = read_contents(self._path)
        if contents.damage or contents.torn_bytes:
            self._set_aside(contents)
        else:
            self._head, self._end = contents.head, contents.end
            self._fd = _open(self._path)
            if os.fstat(self._fd).st_size < self._capacity:
                _reserve(self._fd, self._capacity)
                os.fsync(self._fd)
                sync_directory(self._path.parent)
        return contents

    def append(self, records: Sequence[dict[str, Any]]) -> None:
        """Append all, with one fsync; raises LogFull or OSError if none of them is there, else DoubtfulAppend."""
        if self._fd is None:
            raise OSError(f"{self._path} is not open")
        lines, head = _lines(self._head, records)
        if self._end + len(lines) > self._capacity:
            raise LogFull(f"{self._path} has no room for {len(lines)} bytes more")
        try:
            _write(self._fd, lines, self._end)
            os.fsync(self._fd)
        except OSError:
            self._take_back(len(lines))
            raise
        self._head, self._end = head, self._end + len(lines)

    def rewrite(self, records: Sequence[dict[str, Any]]) -> None:
        """Put a new file with these records in its place; a kill leaves the old or the new. Raises OSError."""
        lines, head = _lines(_GENESIS, records)
        draft = self._path.with_name(f"{self._path.name}.new")
        fd = _open(draft)
        try:
            os.ftruncate(fd, 0)
            _reserve(fd, max(self._capacity, len(lines)))
            _write(fd, lines, 0)
            os.fsync(fd)
        except OSError:
            os.close(fd)
            with suppress(OSError):
                draft.unlink()
            raise
        # From here on neither file is safe to append to until the directory's change is durable.
        self.close()
        try:
            draft.rename(self._path)
            sync_directory(self._path.parent)
        except OSError:
            os.close(fd)
            raise
        self._fd, self._head, self._end = fd, head, len(lines)

    def close(self) -> None:
        """Harmless when called twice."""
        fd, self._fd = self._fd, None
        if fd is not None:
            os.close(fd)

    def _set_aside(self, contents: Contents) -> None:
        kept = self._path.with_name(f"{self._path.name}.damaged-{time.time_ns()}")
        try:
            os.link(self._path, kept)
            self.rewrite(contents.records)
        except OSError as exc:
            logger.error("{} is damaged and cannot be written anew: {}", self._path, exc)
        else:
            logger.error(
                "{} had {} damaged lines and {} bytes of an unfinished one; kept as {}",
                self._path,
                len(contents.damage),
                contents.torn_bytes,
                kept.name,
            )

    def _take_back(self, length: int) -> None:
        """Zeros over what was written, so that nobody finds there what its author was told is not."""
        assert self._fd is not None
        try:
            written = max(0, min(os.fstat(self._fd).st_size - self._end, length))
            _write(self._fd, bytes(written), self._end)
            os.fsync(self._fd)
        except OSError as exc:
            self.close()
            raise DoubtfulAppend(f"{self._path}: {exc.strerror}") from exc


def _open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _reserve(fd: int, capacity_bytes: int) -> None:
    try:
        os.posix_fallocate(fd, 0, capacity_bytes)
    except OSError as exc:  # it still works while the disk has room
        logger.warning("no {} bytes could be reserved for a log: {}", capacity_bytes, exc.strerror)


def _write(fd: int, data: bytes, position: int) -> None:
    while data:  # a disk that becomes full takes a part without an error
        written = os.pwrite(fd, data, position)
        data, position = data[written:], position + written
