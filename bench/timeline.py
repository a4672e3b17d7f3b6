"""`python -m bench.timeline`: where the time of a single write goes, leg by leg, with nobody else writing."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from loguru import logger

from bench.layer import open_layer
from db.transaction import TransactionManager
from db.writer import Writer

WARM_UP = 300
SAMPLES = 1_500
LEGS = {
    "asked → queued": "parameters checked, digest",
    "queued → thread": "a change of threads",
    "thread → COMMIT": "look-up, savepoint, three statements, journal row",
    "COMMIT": "the WAL's frames and one fsync",
    "COMMIT → loop": "a change of threads",
    "loop → answered": "the caller is woken",
}


def mark(owner: type, method: str, moments: dict[str, float], *, before: str = "", after: str = "") -> None:
    """Note when a method begins and ends."""
    original: Callable[..., Any] = getattr(owner, method)

    def marked(*args: Any, **kwargs: Any) -> Any:
        moments[before] = time.perf_counter()
        try:
            return original(*args, **kwargs)
        finally:
            moments[after] = time.perf_counter()

    setattr(owner, method, marked)


async def measure(directory: Path) -> dict[str, float]:
    """The median of each leg in microseconds."""
    moments: dict[str, float] = {}
    mark(Writer, "submit", moments, before="queued")
    mark(TransactionManager, "commit", moments, before="thread")
    mark(TransactionManager, "_end", moments, before="commit", after="committed")
    mark(Writer, "_arrive", moments, before="loop")
    legs: dict[str, list[float]] = {leg: [] for leg in LEGS}
    async with open_layer(directory) as layer:
        for number in range(WARM_UP + SAMPLES):
            began = time.perf_counter()
            await layer.transfer()
            ended = time.perf_counter()
            names = ("queued", "thread", "commit", "committed", "loop")
            points = [began, *(moments[name] for name in names), ended]
            if number >= WARM_UP:
                for leg, start, end in zip(LEGS, points, points[1:], strict=False):
                    legs[leg].append((end - start) * 1e6)
    return {leg: statistics.median(samples) for leg, samples in legs.items()}


def main() -> None:
    logger.remove()
    with tempfile.TemporaryDirectory(prefix="bench-", dir=Path.cwd()) as directory:
        legs = asyncio.run(measure(Path(directory)))
    for leg, microseconds in legs.items():
        print(f"{leg:18} {microseconds:7.1f} µs   {LEGS[leg]}")
    print(f"{'in all':18} {sum(legs.values()):7.1f} µs")


if __name__ == "__main__":
    main()
