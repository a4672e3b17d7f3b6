"""Clean-ups: what may be deleted for its age, by features and by the layer itself; daily, and when room is short."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any, Final

from loguru import logger

from db.operations import Context, Operation
from db.results import WriteResult

Write = Callable[..., Awaitable[WriteResult[Any]]]

# Rows in one operation: users' writes wait behind it, so it must be short.
_BATCH: Final = 500


class Cleanups:
    """Operations that take `limit`, delete at most so many rows that are too old, and return how many they deleted."""

    def __init__(self, write: Write) -> None:
        self._write = write
        self._operations: dict[str, Operation[..., int]] = {}

    def register(self, name: str, operation: Operation[..., int]) -> None:
        """`name` says what is deleted; registering it again, as a reloaded feature does, replaces the operation."""
        self._operations[name] = operation

    async def run(self) -> dict[str, int]:
        """Delete all that is too old; how many rows went, by name. What fails is logged, and the others go on."""
        deleted = {name: await self._run_one(name, operation) for name, operation in self._operations.items()}
        if any(deleted.values()):
            logger.info("cleaned up: {}", ", ".join(f"{rows} {name}" for name, rows in deleted.items() if rows))
        return deleted

    async def _run_one(self, name: str, operation: Operation[..., int]) -> int:
        deleted, run = 0, secrets.token_hex(8)
        for step in range(1_000_000):
            context = Context(operation_id=f"cleanup:{name}:{run}:{step}", actor=0, guild=0)
            result = await self._write(operation, context, limit=_BATCH)
            if not result.has_value:
                logger.warning("cleaning up {} stopped: {} [{}]", name, result.reason, result.error_id)
                break
            deleted += result.value
            if result.value < _BATCH:
                break
        return deleted
