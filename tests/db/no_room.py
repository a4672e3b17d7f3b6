"""A process whose files may not grow past a limit, and then may again; it prints as JSON what it was told meanwhile.

`python -m tests.db.no_room DIRECTORY MIGRATIONS`
"""

import asyncio
import json
import resource
import sys
from pathlib import Path

from db import DatabaseManager, DatabaseSettings, Mode, open_database
from tests.conftest import ENGINE
from tests.db.feature import by, eventually, fill, journaled

_ROOM_BYTES = 300_000


async def _stored(db: DatabaseManager) -> list[str]:
    return [name for name, _ in await db.read(journaled)]


async def _fill_up(db: DatabaseManager) -> dict[str, list[str]]:
    told: dict[str, list[str]] = {"committed": [], "failed": [], "unknown": []}
    for turn in range(40):
        writes = (db.write(fill, by(f"fill:{turn}:{n}"), owner=turn * 100 + n, cents=1) for n in range(16))
        for result in await asyncio.gather(*writes):
            told[result.outcome].append(result.operation_id)
    return told


async def _run(settings: DatabaseSettings, migrations: Path) -> dict[str, object]:
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    async with open_database(settings, migrations) as db:
        resource.setrlimit(resource.RLIMIT_FSIZE, (_ROOM_BYTES, unlimited[1]))
        told = await _fill_up(db)
        mode, stored = db.mode, await _stored(db)
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        await eventually(lambda: db.mode is Mode.READ_WRITE)
        again = [
            await db.write(fill, by(name), owner=int(name.split(":")[1]) * 100 + int(name.split(":")[2]), cents=1)
            for names in told.values()
            for name in names
        ]
        return {
            **told,
            "mode": mode,
            "stored_while_full": stored,
            "outcomes_again": sorted({each.outcome for each in again}),
            "stored_at_last": await _stored(db),
            "journal_ok": (await db.verify_journal()).ok,
        }


if __name__ == "__main__":
    impatient = DatabaseSettings(
        directory=Path(sys.argv[1]),
        engine=ENGINE,
        retry_base_s=0.001,
        retry_max_s=0.01,
        breaker_delay_s=0.05,
        breaker_max_delay_s=0.1,
        file_check_interval_s=0.02,
    )
    print(json.dumps(asyncio.run(_run(impatient, Path(sys.argv[2])))))  # noqa: T201
