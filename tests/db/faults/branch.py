"""A branch of the bank: a process that pays under a fault at its system calls, and says what it saw.

`python -m tests.db.faults.branch`: each line of its input is a job as JSON, for which it forks a child that works on
the job's directory; then it prints what the child saw as JSON, or how it ended. Forking keeps the imports.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import signal
import sys
from dataclasses import asdict, dataclass, field
from pathlib import Path

from loguru import logger

from db import DatabaseError, DatabaseManager, DatabaseSettings, Mode, open_database
from tests.conftest import ENGINE
from tests.db.faults.strace import Fault, Struck
from tests.db.feature import by, eventually, fill, total
from tests.db.record import Notary, Record

PURSES, OPENING_CENTS = 8, 1000
PAYERS, MOST_ROUNDS = 8, 30
_CHILD_S = 30.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """`directory` holds data/, migrations/, and is where record and logs go."""

    fault: Fault
    directory: str = ""
    from_the_start: bool = False  # the fault is there before the database is opened
    rounds_before: int = 0  # paid without a fault
    killed: bool = False  # SIGKILL instead of recovering
    checkpoint_wal_bytes: int = 60_000  # small, so that a few payments see a checkpoint too


@dataclass(slots=True)
class Seen:
    hits: int = 0
    modes: list[str] = field(default_factory=list)  # every one that came, in order
    refusals: list[tuple[str, str]] = field(default_factory=list)  # outcome and reason, while the fault was there
    total_meanwhile: int | str = ""
    recovered: bool = False
    ended: int = 0  # the exit status; minus the signal that ended it


def settings_for(directory: Path, checkpoint_wal_bytes: int) -> DatabaseSettings:
    """Impatient, so that what takes minutes in life takes moments here."""
    return DatabaseSettings(
        directory=directory / "data",
        engine=ENGINE,
        readers=2,
        retry_attempts=3,
        retry_base_s=0.001,
        retry_max_s=0.005,
        breaker_failures=3,
        breaker_delay_s=0.02,
        breaker_max_delay_s=0.04,
        probe_interval_s=0.05,
        file_check_interval_s=0.01,
        checkpoint_wal_bytes=checkpoint_wal_bytes,
    )


def database_files(directory: Path) -> list[Path]:
    database = directory / "data" / "gen-1" / "rollcall.db"
    return [database, Path(f"{database}-wal")]


class _Branch:
    def __init__(self, job: Job) -> None:
        self.job = job
        self.directory = Path(job.directory)
        self.settings = settings_for(self.directory, job.checkpoint_wal_bytes)
        self.struck = Struck(job.fault, database_files(self.directory), self.directory / "strace.log")
        self.notary = Notary(self.directory / "record", synced=True)
        self.dice = random.Random(repr(job.fault))
        self.seen = Seen()

    async def work(self) -> Seen:
        if self.job.from_the_start:
            self.struck.begin()
        async with asyncio.timeout(_CHILD_S), open_database(self.settings, self.directory / "migrations") as db:
            self.seen.modes.append(db.mode)
            db.subscribe(lambda _: self.seen.modes.append(db.mode))
            for turn in range(self.job.rounds_before):
                await self._round(db, f"before:{turn}")
            if not self.job.from_the_start:
                self.struck.begin()
            await self._pay_until_hit(db)
            if not self.job.fault.once:
                await self._look_at_the_trouble(db)
            if self.job.killed:
                os.kill(os.getpid(), signal.SIGKILL)
            self.struck.lift()
            await eventually(lambda: db.mode is Mode.READ_WRITE)
            await self._ask_again(db)
            self.seen.recovered = (await db.write(fill, by("after the trouble"), owner=99, cents=0)).ok
        self.seen.hits = self.struck.hits
        return self.seen

    async def _pay_until_hit(self, db: DatabaseManager) -> None:
        for turn in range(MOST_ROUNDS):
            if self.struck.hits:
                break
            await self._round(db, f"round:{turn}")
            # Also so that what happens between commits (probes, checkpoints) has its turn.
            await asyncio.sleep(0.001)
        await self._round(db, "last")

    async def _round(self, db: DatabaseManager, name: str) -> None:
        await asyncio.gather(*(self._pay(db, f"{name}:{payer}") for payer in range(PAYERS)))

    async def _pay(self, db: DatabaseManager, name: str) -> None:
        sender, recipient = self.dice.sample(range(PURSES), 2)
        await self.notary.pay(db, name, sender=sender, recipient=recipient, cents=self.dice.randint(1, 300))

    async def _look_at_the_trouble(self, db: DatabaseManager) -> None:
        for turn in range(4):
            await self._round(db, f"trouble:{turn}")
        for turn in range(3):
            refused = await self.notary.pay(db, f"refused:{turn}", sender=0, recipient=1, cents=1)
            self.seen.refusals.append((refused.outcome, refused.reason))
        try:
            self.seen.total_meanwhile = await db.read(total)
        except DatabaseError as exc:
            self.seen.total_meanwhile = exc.text

    async def _ask_again(self, db: DatabaseManager) -> None:
        """Whoever was told "unknown" asks once more under the same id, and is told the truth."""
        record = Record(self.directory / "record")
        record.read()
        for name in sorted(record.names("unknown")):
            sender, recipient, cents = record.asked[name]
            await self.notary.pay(db, name, sender=sender, recipient=recipient, cents=cents)


def _child(job: Job, answers: int) -> None:
    logger.add(Path(job.directory) / "log", level="DEBUG", enqueue=False)
    seen = asyncio.run(_Branch(job).work())
    os.write(answers, json.dumps(asdict(seen)).encode())


def _run(job: Job) -> Seen:
    incoming, outgoing = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            _child(job, outgoing)
        except BaseException:  # noqa: BLE001 - a fork of this process must end here
            logger.exception("the branch failed")
            os._exit(1)
        os._exit(0)
    os.close(outgoing)
    with os.fdopen(incoming) as pipe:
        answer = pipe.read()
    ended = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    seen = Seen(**json.loads(answer)) if answer else Seen()
    seen.ended = ended
    return seen


def main() -> None:
    logger.remove()
    for line in sys.stdin:
        job = json.loads(line)
        seen = _run(Job(**job | {"fault": Fault(**job["fault"])}))
        print(json.dumps(asdict(seen)), flush=True)  # noqa: T201


if __name__ == "__main__":
    main()
