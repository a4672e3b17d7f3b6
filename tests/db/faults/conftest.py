"""A bank whose branches work under faults, and an auditor who then opens the books without any."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from db import Mode, open_database
from tests.db.faults.branch import OPENING_CENTS, PURSES, Job, Seen, settings_for
from tests.db.faults.strace import MISSING
from tests.db.feature import by, fill, journaled, total, write_migrations
from tests.db.record import Record

EXHAUSTIVE = "ROLLCALL_ALL_FAULTS" in os.environ


class Bank:
    """Runs jobs, each on a fresh copy of a database in which every purse has its opening balance."""

    def __init__(self, template: Path, process: "subprocess.Popen[str]") -> None:
        self._template = template
        self._process = process

    def run(self, directory: Path, job: Job) -> Seen:
        shutil.copytree(self._template, directory, symlinks=True)
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asdict(replace(job, directory=str(directory)))) + "\n")
        self._process.stdin.flush()
        return Seen(**json.loads(self._process.stdout.readline()))


@pytest.fixture(scope="session")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bank]:
    template = tmp_path_factory.mktemp("bank")
    write_migrations(template / "migrations")
    command = [sys.executable, "-m", "tests.db.faults.branch"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        yield Bank(template, process)
        assert process.stdin is not None
        process.stdin.close()


@pytest.fixture
async def opened(bank: Bank) -> Bank:
    """The bank, with its books begun."""
    template = bank._template
    if not (template / "data").exists():
        async with open_database(settings_for(template, 60_000), template / "migrations") as db:
            for owner in range(PURSES):
                assert (await db.write(fill, by(f"fill:{owner}"), owner=owner, cents=OPENING_CENTS)).ok
    return bank


async def audit(directory: Path) -> Record:
    """Open the books without any fault, and hold what was told against what is stored. Returns what was told."""
    record = Record(directory / "record")
    record.read()
    async with open_database(settings_for(directory, 60_000), directory / "migrations") as db:
        assert db.mode is Mode.READ_WRITE, db.mode_reason
        stored = {name for name, _ in await db.read(journaled)} - {f"fill:{n}" for n in range(PURSES)}
        stored.discard("after the trouble")
        assert record.names("committed", "rejected") <= stored, "acknowledged, and not there"
        assert stored <= set(record.asked)
        assert not record.names("failed") & stored, "called failed, and there after all"
        assert await db.read(total) == PURSES * OPENING_CENTS
        report = await db.verify_journal()
        assert report.ok, report.problems
        told = Record(record.path, dict(record.asked), dict(record.told))
        for name in record.asked:
            await record.retry(db, name)
        assert record.names("committed", "rejected") == set(record.asked)
        assert await db.read(total) == PURSES * OPENING_CENTS
    return told


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Without strace these tests alone are left out, and say so."""
    if MISSING:
        here = Path(__file__).parent
        for item in items:
            if item.path.is_relative_to(here):
                item.add_marker(pytest.mark.skip(reason=MISSING))
