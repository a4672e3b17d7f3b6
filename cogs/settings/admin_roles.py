"""Keeps the bot's knowledge of the admin roles fresh; what was last heard holds while the database is away."""

import asyncio
from contextlib import suppress

from loguru import logger

from bot.permissions import AdminRoles
from cogs.settings import store
from db import DatabaseError, DatabaseManager, Event, EventKind

PAGE = 500


class AdminRoleKeeper:
    """Learns all roles at `start`, and again whenever the database's mode has changed
    or what waited for it was carried out, until `stop`.
    """

    def __init__(self, db: DatabaseManager, roles: AdminRoles) -> None:
        self._db = db
        self._roles = roles
        self._stale = asyncio.Event()
        self._unsubscribe = lambda: None
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._unsubscribe = self._db.subscribe(self._hear)
        await self._learn()
        self._task = asyncio.create_task(self._follow(), name="admin roles")

    async def stop(self) -> None:
        self._unsubscribe()
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task

    def _hear(self, event: Event) -> None:
        if event.kind in (EventKind.MODE_CHANGED, EventKind.QUEUE_REPLAYED):
            self._stale.set()

    async def _follow(self) -> None:
        while await self._stale.wait():
            self._stale.clear()
            await self._learn()

    async def _learn(self) -> None:
        after = 0
        try:
            while page := await self._db.read(store.admin_roles, after_guild=after, limit=PAGE):
                for row in page:
                    self._roles.set(row.guild_id, row.role_id)
                after = page[-1].guild_id
        except DatabaseError as error:
            logger.warning("the admin roles could not be read; the last known ones hold: {}", error)
