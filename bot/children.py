"""Child processes: started as modules of ours, their lines relayed, ended within a time."""

import asyncio
import ctypes
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final, Self

_PR_SET_PDEATHSIG: Final = 1  # prctl(2)


class Child:
    """A running `python -m …`. What it says goes to our stderr, its last line is kept for the report."""

    def __init__(self, name: str, process: asyncio.subprocess.Process, announces: re.Pattern[str]) -> None:
        self.name = name
        self.last_line = ""
        self.announced: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._process = process
        self._announces = announces
        self._relays = [
            asyncio.create_task(self._relay(stream)) for stream in (process.stdout, process.stderr) if stream
        ]

    @classmethod
    async def start(
        cls,
        name: str,
        arguments: Sequence[str],
        environment: Mapping[str, str],
        *,
        announces: re.Pattern[str] = re.compile(r"(?!)"),
    ) -> Self:
        """Start `python -m ARGUMENTS`; `announced` becomes the first group of a line that matches `announces`."""
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            *arguments,
            env=environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            # Ctrl-C goes to us alone: the order in which the children end is ours.
            start_new_session=True,
            preexec_fn=_end_with_parent(),
        )
        return cls(name, process, announces)

    @property
    def code(self) -> int | None:
        """The exit code, negative for a signal's number; None while it runs."""
        return self._process.returncode

    async def wait(self) -> None:
        """Until it has ended and all it said has been relayed."""
        await self._process.wait()
        await asyncio.gather(*self._relays)

    async def close(self, within_s: float) -> None:
        """Ask it to end, insist after `within_s`. Harmless when it has ended already."""
        if self.code is None:
            self._process.terminate()
        try:
            await asyncio.wait_for(asyncio.shield(self._process.wait()), within_s)
        except TimeoutError:
            self._process.kill()
        await self.wait()

    def obituary(self) -> str:
        """How it ended, in a sentence."""
        code = self.code or 0
        how = f"was killed by {signal.Signals(-code).name}" if code < 0 else f"ended with exit code {code}"
        return f"{self.name} {how}" + (f"; its last line: {self.last_line}" if self.last_line else "")

    async def _relay(self, stream: asyncio.StreamReader) -> None:
        async for raw in _lines(stream):
            line = raw.decode(errors="replace").rstrip()
            if (match := self._announces.search(line)) and not self.announced.done():
                self.announced.set_result(match[1])
                continue
            self.last_line = line or self.last_line
            sys.stderr.write(line + "\n")
            sys.stderr.flush()


async def _lines(stream: asyncio.StreamReader) -> AsyncIterator[bytes]:
    """Lines of any length; StreamReader.readline gives up on one beyond its buffer."""
    rest = b""
    while chunk := await stream.read(65536):
        *lines, rest = (rest + chunk).split(b"\n")
        for line in lines:
            yield line
    if rest:
        yield rest


def _end_with_parent() -> Callable[[], None] | None:
    """For the child, before it runs: end when the launcher is killed and cannot say goodbye (Linux only)."""
    if sys.platform != "linux":
        return None
    parent = os.getpid()
    # Looked up here: between fork and exec, nothing may be loaded.
    prctl = ctypes.CDLL(None).prctl

    def arrange() -> None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:
            os._exit(os.EX_SOFTWARE)

    return arrange
