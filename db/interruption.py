"""Stopping Python code on another thread, and nothing else that the thread does."""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


class Interrupted(BaseException):
    """Raised in the middle of code that has run for too long. Not an Exception: it is not to be swallowed by chance."""


class Interruption:
    """Raises Interrupted inside a function that runs on another thread, between two of its bytecodes.

    Only there: between two hops the thread belongs to aiosqlite's loop, which a stray exception would end for good.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None  # whoever runs a function just now
        self._asked = False

    def run(self, function: Callable[[], T]) -> T:
        """Call `function`; what interrupts it is raised from here, even when it came a moment too late."""
        self._thread = threading.get_ident()
        try:
            try:
                return function()
            finally:
                self._over()
        finally:  # once more: the interruption may have hit the line above
            self._over()

    def interrupt(self) -> None:
        """Raise it in the function, once that is back from whatever C code it is in. Harmless when none runs."""
        with self._lock:
            if self._thread is not None:
                self._asked = True
                _raise_in(self._thread)

    def _over(self) -> None:
        with self._lock:
            self._thread = None
            asked, self._asked = self._asked, False
        if asked:
            _swallow()


def _swallow() -> None:
    """Let one that has not been raised yet be raised here.

    Taking it back (with NULL for the exception) would leave the interpreter's request for attention set for good:
    every thread then runs more slowly, and under a profiler not at all.
    """
    try:
        _raise_in(threading.get_ident())  # in its place, or anew: there is one for certain
        for _ in range(1000):
            pass
    except Interrupted:
        pass


def _raise_in(thread: int) -> None:
    ctypes.pythonapi.PyThreadState_SetAsyncExc(ctypes.c_ulong(thread), ctypes.py_object(Interrupted))
