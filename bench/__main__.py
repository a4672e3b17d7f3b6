"""`make bench`: the layer beside other ways to use SQLite from asyncio, in one run, round by round.

Machines are noisy, so each round measures all sides one after the other, and what counts is the ratio of a round.
"""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import typer
from loguru import logger
from rich.console import Console
from rich.table import Table

from bench.layer import Layer, open_layer
from bench.measure import FSYNC_SAMPLES, fdatasync_ms, in_flight, resident_mb
from bench.others import open_alchemy, open_asqlite
from bench.plain import open_plain

ROUNDS = 7
BASELINE = "aiosqlite"
OURS = "Rollcall"
MEMORY_OPERATIONS = 100_000


@dataclass(frozen=True)
class Work:
    """One row: the same work on every side, and the ratio to the baseline that ours must reach."""

    name: str
    method: str
    width: int
    count: int
    must: float

    def on(self, side: Any) -> Callable[[], Awaitable[None]]:
        return getattr(side, self.method)


ROWS = (
    Work("transfers, 64 in flight", "transfer", 64, 3200, 8),
    Work("transfers, 1 in flight", "transfer", 1, 500, 1.2),
    Work("point reads, 64 in flight", "read", 64, 6400, 1.5),
    Work("point reads, 1 in flight", "read", 1, 1500, 0.9),
)


async def compare(work: Work, sides: dict[str, Any], rounds: int, table: Table) -> bool:
    """Measure one row; every round begins with another side."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds):
        names = list(sides)
        for name in names[number % len(names) :] + names[: number % len(names)]:
            rates[name].append(await in_flight(work.on(sides[name]), work.count, work.width))
    ratios = {name: sorted(a / b for a, b in zip(rates[name], rates[BASELINE], strict=True)) for name in sides}
    ours = statistics.median(ratios[OURS])
    shown = [
        f"{statistics.median(ratio):.2f} ({ratio[0]:.2f} to {ratio[-1]:.2f})" for ratio in list(ratios.values())[1:]
    ]
    verdict = "[green]yes" if ours >= work.must else "[red]no"
    table.add_row(work.name, f"{statistics.median(rates[BASELINE]):,.0f}", *shown, f"≥ {work.must:g}", verdict)
    return ours >= work.must


async def refusal_ms(layer: Layer) -> float:
    """The median time of a write that is refused while the database may not be written."""
    layer.db.set_switch(degraded=True)
    samples: list[float] = []
    for _ in range(2000):
        began = time.perf_counter()
        await layer.refused()
        samples.append(time.perf_counter() - began)
    layer.db.set_switch(degraded=False)
    return statistics.median(samples) * 1000


async def memory_mb(directory: Path) -> float:
    """By how much the process grows over so many operations through a layer of its own."""
    async with open_layer(directory) as layer:
        await in_flight(layer.transfer, 640, 64)
        before = resident_mb()
        await in_flight(layer.transfer, MEMORY_OPERATIONS, 64)
        return resident_mb() - before


async def measure(directory: Path, rounds: int, console: Console) -> bool:
    table = Table("work", f"{BASELINE}/s", OURS, "asqlite", "SQLAlchemy", "must", "reached")
    good = True
    async with AsyncExitStack() as stack:
        layer_directory = directory / "layer"
        layer_directory.mkdir()
        sides = {
            BASELINE: await stack.enter_async_context(open_plain(directory)),
            OURS: await stack.enter_async_context(open_layer(layer_directory)),
            "asqlite": await stack.enter_async_context(open_asqlite(directory)),
            "SQLAlchemy": await stack.enter_async_context(open_alchemy(directory)),
        }
        for work in ROWS:
            good &= await compare(work, sides, rounds, table)
        refusal = await refusal_ms(sides[OURS])
    console.print(f"one fdatasync: {fdatasync_ms(directory):.3f} ms (median of {FSYNC_SAMPLES}); {rounds} rounds")
    console.print(table)
    console.print(f"a refusal: {refusal:.4f} ms (must: ≤ 0.2 ms)")
    (directory / "memory").mkdir()
    grown = await memory_mb(directory / "memory")
    console.print(f"memory after {MEMORY_OPERATIONS:,} more operations: {grown:+.1f} MB (must: < 30 MB)")
    return good and refusal <= 0.2 and grown < 30


def main(rounds: int = ROUNDS) -> None:
    """Compare the layer with the others; exit 1 where a row does not reach what it must. Ratios are to aiosqlite."""
    logger.remove()
    logger.add(lambda line: print(line, end=""), level="WARNING")
    with tempfile.TemporaryDirectory(prefix="bench-", dir=Path.cwd()) as directory:
        if not asyncio.run(measure(Path(directory), rounds, Console(width=140))):
            raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
