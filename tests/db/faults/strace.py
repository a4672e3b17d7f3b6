"""Faults at system calls of this very process, by a strace that attaches to it.

Only calls on the given paths are hit, whichever connection makes them; strace counts the calls of each thread apart,
so that "the 3rd" is the 3rd of whichever thread comes there first.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import signal
import subprocess
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

HANG = "delay_enter=15000000"  # microseconds: longer than anybody is willing to wait
SYNC = "fsync,fdatasync"  # the bundled library calls the first, Debian's the second
_PR_SET_PTRACER = 0x59616D61
_ATTACH_S = 10.0
_LOOK_EVERY_S = 0.001

MISSING = None if shutil.which("strace") else "strace is not installed: faults at system calls are not tested"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """`effect` in strace's words, at the nth call of a thread: `once` over all of them, or from there on."""

    calls: str
    effect: str = "error=EIO"
    nth: int = 1
    once: bool = True

    def __str__(self) -> str:
        return f"{self.calls} {self.effect} {self.nth}{'' if self.once else '+'}"


class Struck:
    """This process under a fault, from `begin` to `lift`. A call that fails once lifts the fault itself, one that
    hangs does not: it is let go by `lift`.
    """

    def __init__(self, fault: Fault, paths: Sequence[Path], log: Path) -> None:
        self._fault = fault
        self._paths = paths
        self._log = log
        self._tracer: subprocess.Popen[bytes] | None = None
        self._lifting = threading.Lock()

    def __enter__(self) -> Self:
        self.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self.lift()

    @property
    def hits(self) -> int:
        text = self._log.read_text() if self._log.exists() else ""
        return text.count("(INJECTED)") + text.count("(DELAYED)")

    def begin(self) -> None:
        fault = self._fault
        only = [word for path in self._paths for word in ("-P", str(path))]
        inject = f"inject={fault.calls}:{fault.effect}:when={fault.nth}{'' if fault.once else '+'}"
        what = ["-e", f"trace={fault.calls}", "-e", inject, *only]
        # Where a process may be traced by its parents alone, it may name others.
        ctypes.CDLL(None).prctl(_PR_SET_PTRACER, ctypes.c_ulong(-1))
        self._tracer = subprocess.Popen(
            ["strace", "-f", "-qq", "-o", self._log, *what, "-p", str(os.getpid())], start_new_session=True
        )
        deadline = time.monotonic() + _ATTACH_S
        while not self._attached():
            assert self._tracer.poll() is None, "strace has ended at once"
            assert time.monotonic() < deadline, "strace did not attach"
            time.sleep(_LOOK_EVERY_S)
        if fault.once and fault.effect != HANG:
            threading.Thread(target=self._lift_when_hit, daemon=True).start()

    def lift(self) -> None:
        """Let go of the process; a call that is being delayed goes on at once. Harmless when called twice."""
        with self._lifting:
            if self._tracer is not None:
                self._tracer.send_signal(signal.SIGINT)
                self._tracer.wait(10)
                self._tracer = None

    def _lift_when_hit(self) -> None:
        while self._tracer is not None and not self.hits:
            time.sleep(_LOOK_EVERY_S)
        self.lift()

    @staticmethod
    def _attached() -> bool:
        return "TracerPid:\t0\n" not in Path("/proc/self/status").read_text()
