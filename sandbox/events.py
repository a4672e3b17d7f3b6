"""What happened, told to whoever watches: the page, over server-sent events."""

import asyncio
import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

# A watcher that is so far behind has gone away; it is cut off instead of filling the memory.
BACKLOG = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    name: str
    data: Any
    channel: str | None = None
    visible_to: str | None = None
    """The only user who sees it, for what is ephemeral."""


class Events:
    def __init__(self) -> None:
        self._watchers: set[asyncio.Queue[Event | None]] = set()

    def publish(self, event: Event | None) -> None:
        """`None` ends every watcher's stream."""
        for watcher in list(self._watchers):
            if watcher.qsize() >= BACKLOG:
                self._watchers.discard(watcher)
                watcher.put_nowait(None)
            else:
                watcher.put_nowait(event)

    @contextlib.contextmanager
    def watch(self) -> Iterator[asyncio.Queue[Event | None]]:
        watcher: asyncio.Queue[Event | None] = asyncio.Queue()
        self._watchers.add(watcher)
        try:
            yield watcher
        finally:
            self._watchers.discard(watcher)
