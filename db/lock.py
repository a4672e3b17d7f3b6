"""The lock file that keeps a second process off a data directory, and says who holds it."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from typing import TYPE_CHECKING, Final

from db.errors import BadDataDirectory, DatabaseLocked

if TYPE_CHECKING:
    from pathlib import Path


_ATTEMPTS: Final = 10
_PAUSE_S: Final = 0.01


# Not waiting for somebody at the other end, if it should be a pipe.
_LOOK: Final = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC


class DirectoryLock:
    """An exclusive flock on `path` for as long as this object is held. Released by the kernel if we die."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._fd: int | None = None

    def acquire(self) -> None:
        """Take the lock or raise DatabaseLocked naming the holder."""
        try:
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as exc:
            raise BadDataDirectory(f"{self._path}: the lock file cannot be opened: {exc.strerror}") from exc
        try:
            _take(fd)
        except BlockingIOError as exc:
            os.close(fd)
            holder = read_holder(self._path)
            raise DatabaseLocked(f"{self._path.parent} is in use by {holder}", holder=holder) from exc
        except OSError as exc:
            os.close(fd)
            raise BadDataDirectory(f"{self._path}: this file system has no locks: {exc.strerror}") from exc
        self._fd = fd
        note = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "since": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        }
        with contextlib.suppress(OSError):  # the lock counts, not the note; a full disk must not keep us from starting
            os.ftruncate(fd, 0)
            os.pwrite(fd, json.dumps(note).encode(), 0)

    def release(self) -> None:
        """Let go; harmless when not held. The file stays: removing it would let two processes lock two files."""
        if self._fd is not None:
            with contextlib.suppress(OSError):
                os.ftruncate(self._fd, 0)
            os.close(self._fd)
            self._fd = None


def _take(fd: int) -> None:
    """More than once: somebody who looks with `is_held` has the lock for a moment."""
    for _ in range(_ATTEMPTS - 1):
        with contextlib.suppress(BlockingIOError):
            return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        time.sleep(_PAUSE_S)
    return fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)


def read_holder(path: Path) -> str:
    """Who wrote the lock file, in words for an operator."""
    try:
        note = json.loads(_read(path))
        return f"process {note['pid']} on {note['host']} since {note['since']}"
    except (OSError, ValueError, KeyError, TypeError):
        return "another process"


def _read(path: Path) -> bytes:
    fd = os.open(path, _LOOK)
    try:
        return os.read(fd, 4096)
    finally:
        os.close(fd)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock; takes it for a moment where nobody does."""
    try:
        fd = os.open(path, _LOOK)
    except OSError:
        return False
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    else:
        return False
    finally:
        os.close(fd)
