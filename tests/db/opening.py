"""A process that opens a database, writes once, and says as JSON what came of it; for what only another process shows.

`python -m tests.db.opening DIRECTORY MIGRATIONS [hold]` stays until its input ends if told to hold.
"""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from loguru import logger

from db import DatabaseSettings, StartupError, open_database
from tests.conftest import ENGINE
from tests.db.feature import by, cents_of, fill


@dataclass(frozen=True)
class Opened:
    mode: str
    reason: str
    written: str
    cents: int | None


async def _open(settings: DatabaseSettings, migrations: Path, *, hold: bool) -> None:
    async with open_database(settings, migrations) as db:
        mode, reason = db.mode, db.mode_reason
        written = await db.write(fill, by("opening:1"), owner=1, cents=5)
        cents = None if mode == "offline" else await db.read(cents_of, owner=1)
        print(json.dumps(asdict(Opened(mode, reason, written.reason, cents))), flush=True)  # noqa: T201
        if hold:
            await asyncio.to_thread(sys.stdin.read)


def main() -> int:
    settings = DatabaseSettings(
        directory=Path(sys.argv[1]), engine=ENGINE, retry_base_s=0.001, retry_max_s=0.01, busy_timeout_s=0.2
    )
    try:
        asyncio.run(_open(settings, Path(sys.argv[2]), hold="hold" in sys.argv))
    except StartupError as exc:
        logger.error("{}", exc)
        return exc.exit_code
    return 0


def command(
    directory: Path, migrations: Path, *more: str, powerless: bool = False, room_kib: int | None = None
) -> list[str]:
    """`powerless`: without root's licence to ignore permissions, which a test in a container often has.

    `room_kib`: how large a file may grow, which is the nearest to a full disk that needs no privilege.
    """
    drop = "-dac_override,-dac_read_search,-fowner"
    prefix = ["setpriv", f"--bounding-set={drop}", f"--inh-caps={drop}"] if powerless and os.geteuid() == 0 else []
    if room_kib is not None:
        prefix = [*prefix, "bash", "-c", f'ulimit -f {room_kib}; exec "$@"', "limited"]
    return [*prefix, sys.executable, "-m", "tests.db.opening", str(directory), str(migrations), *more]


def opened_elsewhere(directory: Path, migrations: Path, **how: Any) -> Opened | tuple[int, str]:
    """What another process found, or its exit code and what it said."""
    done = subprocess.run(
        command(directory, migrations, **how), capture_output=True, text=True, check=False, timeout=30
    )
    return Opened(**json.loads(done.stdout)) if done.returncode == 0 else (done.returncode, done.stderr)


if __name__ == "__main__":
    sys.exit(main())
