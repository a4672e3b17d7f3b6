"""Sixty-four payers in a process that is there to be killed, with a record outside the database of what they were told.

`python -m tests.db.payers DIRECTORY MIGRATIONS RECORD`: for each line on its input, a number, it forks a child that
pays until it is killed. It prints the child's pid, and "ended" once the child is gone. Forking keeps the imports.
"""

import asyncio
import os
import random
import sys
from pathlib import Path

from loguru import logger

from db import DatabaseManager, DatabaseSettings, open_database
from tests.conftest import ENGINE
from tests.db.record import Notary

PAYERS, PURSES = 64, 8


async def _pay_for_ever(db: DatabaseManager, notary: Notary, prefix: str) -> None:
    dice = random.Random(prefix)
    number = 0
    while True:
        number += 1
        name, cents = f"{prefix}:{number}", dice.randint(1, 700)
        sender, recipient = dice.sample(range(PURSES), 2)
        await notary.pay(db, name, sender=sender, recipient=recipient, cents=cents)


async def _run(settings: DatabaseSettings, migrations: Path, notary: Notary, turn: str) -> None:
    async with open_database(settings, migrations) as db:
        await asyncio.gather(*(_pay_for_ever(db, notary, f"{turn}:{payer}") for payer in range(PAYERS)))


def main() -> None:
    logger.remove()
    settings = DatabaseSettings(directory=Path(sys.argv[1]), engine=ENGINE, checkpoint_wal_bytes=200_000)
    notary = Notary(Path(sys.argv[3]))
    for line in sys.stdin:
        child = os.fork()
        if child == 0:
            asyncio.run(_run(settings, Path(sys.argv[2]), notary, line.strip()))
        print(child, flush=True)  # noqa: T201
        os.waitpid(child, 0)
        print("ended", flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
