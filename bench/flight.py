"""A closed loop of so many callers, each with one request on its way."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable


async def in_flight(work: Callable[[], Awaitable[None]], count: int, width: int) -> None:
    """Do the work `count` times, `width` at a time."""

    async def caller() -> None:
        for _ in range(count // width):
            await work()

    await asyncio.gather(*(caller() for _ in range(width)))
