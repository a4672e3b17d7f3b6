"""A process that promises a lot while its database comes and goes, and is there to be killed.

`python -m tests.db.promising DIRECTORY MIGRATIONS RECORD`: for each line on its input, a number, it forks a child that
works until it is killed; it prints the child's pid, and "ended" once the child is gone. RECORD has a line for each
thing that was asked for and for each answer; it is outside of all that is tested.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from loguru import logger

from db import DatabaseManager, DatabaseSettings, open_database
from tests.conftest import ENGINE
from tests.db.outage import give, reachable, take_away

ACTORS = 12
SETTINGS = {
    "retry_base_s": 0.001,
    "retry_max_s": 0.01,
    "breaker_delay_s": 0.005,
    "breaker_max_delay_s": 0.01,
    "file_check_interval_s": 0.005,
    "probe_interval_s": 0.005,
}


def settings_for(directory: Path) -> DatabaseSettings:
    return DatabaseSettings(directory=directory, engine=ENGINE, readers=1, **SETTINGS)  # pyright: ignore[reportArgumentType]


async def _ask_for_ever(db: DatabaseManager, record: int, turn: str, actor: int) -> None:
    number = 0
    while True:
        number += 1
        name = f"{turn}:{actor}:{number}"
        os.write(record, f"{name} asked\n".encode())
        result = await db.write(give, reachable(name, actor=actor), owner=actor, cents=1)
        os.write(record, f"{name} {result.outcome}\n".encode())


async def _come_and_go(file: Path, chance: random.Random) -> None:
    while True:
        await asyncio.sleep(chance.uniform(0, 0.03))
        hidden = take_away(file)
        await asyncio.sleep(chance.uniform(0, 0.03))
        hidden.rename(file)


async def _work(directory: Path, migrations: Path, record: int, turn: str) -> None:
    file = directory / "gen-1" / "rollcall.db"
    hidden = file.with_suffix(".away")
    if hidden.exists() and random.Random(turn).random() < 0.5:  # else the database is still away at the start
        hidden.rename(file)
    async with open_database(settings_for(directory), migrations) as db, asyncio.TaskGroup() as tasks:
        for actor in range(ACTORS):
            tasks.create_task(_ask_for_ever(db, record, turn, actor))
        await asyncio.sleep(0.02)
        if hidden.exists():
            hidden.rename(file)
        tasks.create_task(_come_and_go(file, random.Random(turn)))


def main() -> None:
    logger.remove()
    record = os.open(sys.argv[3], os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(_work(Path(sys.argv[1]), Path(sys.argv[2]), record, line.strip()))
        print(child, flush=True)  # noqa: T201
        os.waitpid(child, 0)
        print("ended", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
