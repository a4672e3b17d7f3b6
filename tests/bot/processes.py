"""`rollcall` as its own process, as an operator has it."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parent.parent.parent


class Program:
    """`rollcall ARGUMENTS` with an environment of its own, in `directory`."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.environment = {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "ROLLCALL_DATABASE__PATH": str(directory / "data"),
            "ROLLCALL_SANDBOX__PORT": "0",
        }

    def run(self, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "bot", *arguments], **self._options(environment), timeout=20, check=False
        )

    def start(self, *arguments: str, **environment: str) -> subprocess.Popen[str]:
        return subprocess.Popen([sys.executable, "-m", "bot", *arguments], **self._options(environment))

    def _options(self, environment: dict[str, str]) -> dict[str, Any]:
        return {
            "cwd": self.directory,
            "env": {**self.environment, **environment},
            "stdin": subprocess.DEVNULL,
            "stdout": subprocess.PIPE,
            "stderr": subprocess.PIPE,
            "text": True,
        }


def stop(process: subprocess.Popen[str], number: signal.Signals = signal.SIGTERM) -> tuple[float, str, str]:
    """Send a signal; how long the end took in seconds, and what was still said."""
    began = time.monotonic()
    process.send_signal(number)
    try:
        out, err = process.communicate(timeout=15)
    except subprocess.TimeoutExpired:
        process.kill()
        out, err = process.communicate()
        raise AssertionError(f"it did not end: {err}") from None
    return time.monotonic() - began, out, err


def descendants(pid: int) -> set[int]:
    """The live children of a process, and theirs."""
    try:
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    except OSError:
        return set()
    found = {int(child) for child in children}
    return found.union(*(descendants(child) for child in found))


def alive(pid: int) -> bool:
    try:
        return "(zombie)" not in Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
