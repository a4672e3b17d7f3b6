"""An append-only file of JSON records, each line chained to the one before by SHA-256.

A line that was being written when the power went is dropped on reading; anything else that does not follow
from the line before is damage and is reported, never silently shortened.
"""

from __future__ import annotations

import hashlib
import os
from typing import TYPE_CHECKING, Any, Final

import orjson

if TYPE_CHECKING:
    from pathlib import Path

_GENESIS: Final = "0" * 64


class DamagedLog(Exception):
    """A record in the middle is missing or altered."""


def _chain(previous: str, body: bytes) -> str:
    return hashlib.sha256(previous.encode() + body).hexdigest()


def read_log(path: Path) -> list[dict[str, Any]]:
    """All whole records, oldest first; an absent file has none. Raises DamagedLog, OSError."""
    return _read(path)[0]


def _read(path: Path) -> tuple[list[dict[str, Any]], str, int]:
    """The records, the last chain value, and the length in bytes of what is whole."""
    if not path.exists():
        return [], _GENESIS, 0
    records: list[dict[str, Any]] = []
    previous, whole_bytes = _GENESIS, 0
    lines = path.read_bytes().split(b"\n")
    for number, line in enumerate(lines[:-1], start=1):
        digest, _, body = line.partition(b" ")
        if digest.decode("ascii", "replace") != _chain(previous, body):
            raise DamagedLog(f"{path}: line {number} does not follow from the line before")
        records.append(orjson.loads(body))
        previous = digest.decode()
        whole_bytes += len(line) + 1
    return records, previous, whole_bytes


def append_log(path: Path, record: dict[str, Any]) -> None:
    """Append one record and fsync it; a torn last line is cut off first."""
    _, previous, whole_bytes = _read(path)
    body = orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    line = f"{_chain(previous, body)} ".encode() + body + b"\n"
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.ftruncate(fd, whole_bytes)
        os.pwrite(fd, line, whole_bytes)
        os.fsync(fd)
    finally:
        os.close(fd)
