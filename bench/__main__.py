"""`make bench`: the layer beside a plain aiosqlite connection, in one run, round by round.

Machines are noisy, so each round measures both sides one after the other, and what counts is the ratio of a round.
"""

from __future__ import annotations

import asyncio
import os
import statistics
import tempfile
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from bench.baseline import Baseline
from bench.layer import Layer, open_layer

ROUNDS = 7
_FSYNC_SAMPLES = 200


@dataclass(frozen=True)
class Work:
    """One row: the same work on both sides, and the ratio that must be reached."""

    name: str
    count: int
    baseline: Callable[[int], Awaitable[None]]
    layer: Callable[[int], Awaitable[None]]
    must: float


async def rate(work: Callable[[int], Awaitable[None]], count: int) -> float:
    """Operations per second."""
    began = time.perf_counter()
    await work(count)
    return count / (time.perf_counter() - began)


async def compare(work: Work, table: Table, rounds: int) -> bool:
    """Measure one row; the sides take turns at going first."""
    baselines: list[float] = []
    layers: list[float] = []
    for number in range(rounds):
        for side in ("baseline", "layer") if number % 2 else ("layer", "baseline"):
            if side == "layer":
                layers.append(await rate(work.layer, work.count))
            else:
                baselines.append(await rate(work.baseline, work.count))
    ratios = sorted(ours / plain for ours, plain in zip(layers, baselines, strict=True))
    median = statistics.median(ratios)
    good = median >= work.must
    table.add_row(
        work.name,
        f"{statistics.median(baselines):,.0f}",
        f"{statistics.median(layers):,.0f}",
        f"{median:.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f})",
        f"≥ {work.must:g}",
        "[green]yes" if good else "[red]no",
    )
    return good


def fdatasync_ms(directory: Path) -> float:
    """The median cost of making one small write durable: a slow disk makes the first rows larger and the second 1."""
    fd = os.open(directory / "fsync-probe", os.O_RDWR | os.O_CREAT)
    samples: list[float] = []
    try:
        for number in range(_FSYNC_SAMPLES):
            os.pwrite(fd, b"x" * 4096, number * 4096)
            began = time.perf_counter()
            os.fdatasync(fd)
            samples.append(time.perf_counter() - began)
    finally:
        os.close(fd)
    return statistics.median(samples) * 1000


def rows(plain: Baseline, ours: Layer) -> list[Work]:
    return [
        Work("transfers, 64 in flight", 4000, plain.transfers(64), ours.transfers(64), 8),
        Work("transfers, 1 in flight", 600, plain.transfers(1), ours.transfers(1), 1.2),
        Work("point reads, 64 in flight", 8000, plain.reads(64), ours.reads(64), 1.5),
        Work("point reads, 1 in flight", 2000, plain.reads(1), ours.reads(1), 0.9),
    ]


async def measure(directory: Path, rounds: int) -> bool:
    table = Table("work", "baseline/s", "Rollcall/s", "ratio (spread)", "must", "reached")
    all_good = True
    async with Baseline(directory / "baseline.db") as plain, open_layer(directory / "data") as ours:
        for work in rows(plain, ours):
            all_good &= await compare(work, table, rounds)
    console = Console()
    console.print(f"one fdatasync: {fdatasync_ms(directory):.3f} ms (median of {_FSYNC_SAMPLES}); {rounds} rounds")
    console.print(table)
    return all_good


def main(rounds: int = ROUNDS) -> None:
    """Compare the layer with the baseline; exit 1 where a row does not reach what it must."""
    with tempfile.TemporaryDirectory(prefix="rollcall-bench-", dir=Path.cwd()) as directory:
        if not asyncio.run(measure(Path(directory), rounds)):
            raise typer.Exit(1)


if __name__ == "__main__":
    typer.run(main)
