"""The disk fails while the first database is made: all of it is there afterwards, or nothing that is in the way."""

from dataclasses import replace
from pathlib import Path

import pytest

from db import DatabaseSettings, Mode, Outcome, StartupError, open_database
from tests.db.faults.conftest import EXHAUSTIVE
from tests.db.faults.strace import SYNC, Fault, Struck
from tests.db.feature import by, fill

CALLS = [
    (SYNC, "EIO", 12),
    ("pwrite64", "EIO", 40),
    ("pwrite64", "ENOSPC", 40),
    ("rename,renameat,renameat2", "EIO", 2),
]
FAULTS = [
    Fault(calls=calls, effect=f"error={error}", nth=nth, once=False)
    for calls, error, last in CALLS
    for nth in (range(1, last + 1) if EXHAUSTIVE else {1, 2, last // 2, last})
    if nth
]


def made(directory: Path) -> list[Path]:
    """Whatever the creation touches."""
    draft, final = directory / "gen-1.new", directory / "gen-1"
    files = [each / f"rollcall.db{end}" for each in (draft, final) for end in ("", "-wal", "-journal")]
    return [
        directory,
        directory / "current.new",
        directory / "current",
        directory / "manifest.log",
        draft,
        final,
        *files,
    ]


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_first_start_on_a_failing_disk_is_a_clear_refusal_and_the_next_start_is_well(
    settings: DatabaseSettings, migrations: Path, tmp_path: Path, fault: Fault
):
    directory = tmp_path / "data"
    directory.mkdir(mode=0o700)
    struck = Struck(fault, made(directory), tmp_path / "strace.log")
    patient = replace(settings, probe_interval_s=1000)
    acknowledged, refusal = False, ""
    with struck:
        try:
            async with open_database(patient, migrations) as db:
                assert db.mode is Mode.READ_WRITE or db.mode_reason
                result = await db.write(fill, by("first"), owner=1, cents=1)
                acknowledged = result.ok
                assert acknowledged or result.outcome in (Outcome.FAILED, Outcome.UNKNOWN)
        except StartupError as exc:
            refusal = str(exc)
    assert "\n" not in refusal
    assert struck.hits, "the fault was never hit"
    async with open_database(settings, migrations) as db:
        assert db.mode is Mode.READ_WRITE, db.mode_reason
        again = await db.write(fill, by("first"), owner=1, cents=1)
        assert again.ok
        assert again.repeated or not acknowledged
        assert (await db.verify_journal()).ok
