"""Closed loops of callers, and what they took."""

from __future__ import annotations

import asyncio
import os
import resource
import statistics
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

FSYNC_SAMPLES = 200


async def in_flight(work: Callable[[], Awaitable[None]], count: int, width: int) -> float:
    """Do the work `count` times, `width` at a time; returns how often a second."""

    async def caller() -> None:
        for _ in range(count // width):
            await work()

    began = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(width)))
    return count / (time.perf_counter() - began)


def fdatasync_ms(directory: Path) -> float:
    """The median cost of making one small write durable: a slow disk makes shared commits worth more."""
    fd = os.open(directory / "fsync-probe", os.O_RDWR | os.O_CREAT)
    samples: list[float] = []
    try:
        for number in range(FSYNC_SAMPLES):
            os.pwrite(fd, b"x" * 4096, number * 4096)
            began = time.perf_counter()
            os.fdatasync(fd)
            samples.append(time.perf_counter() - began)
    finally:
        os.close(fd)
    return statistics.median(samples) * 1000


def resident_mb() -> float:
    """What this process has in memory just now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6
