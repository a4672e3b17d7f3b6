"""The disk fails at any call while payments are made: nobody is told what is not true."""

import signal
from dataclasses import replace
from pathlib import Path

import pytest

from db import Mode
from tests.db.faults.branch import OPENING_CENTS, PURSES, Job
from tests.db.faults.conftest import EXHAUSTIVE, Bank, audit
from tests.db.faults.strace import SYNC, Fault

# A spread over the calls of one branch's work; every one of them when the environment asks for it.
SPREADS = [
    (SYNC, "error=EIO", (1, 2, 3, 5, 8), 40),
    ("pwrite64", "error=EIO", (1, 2, 7, 20, 55, 120), 400),
    ("pwrite64", "error=ENOSPC", (1, 3, 33, 90), 400),
    ("ftruncate", "error=EIO", (1,), 3),
]
FAULTS = [
    Fault(calls=calls, effect=effect, nth=nth)
    for calls, effect, spread, last in SPREADS
    for nth in (range(1, last + 1) if EXHAUSTIVE else spread)
]
# So early on each new connection that none of them can commit.
FINAL_FAULTS = [
    Fault(calls=calls, effect=effect, nth=nth, once=False)
    for calls, effect in [(SYNC, "error=EIO"), ("pwrite64", "error=EIO"), ("pwrite64", "error=ENOSPC")]
    for nth in (1, 2, 3)
]
OPENING_FAULTS = [
    Fault(calls=calls, effect=effect, nth=nth)
    for calls, effect, last in [
        (SYNC, "error=EIO", 3),
        ("pwrite64", "error=EIO", 4),
        ("pwrite64", "error=ENOSPC", 2),
        ("pread64", "error=EIO", 6),
        ("openat", "error=EIO", 4),
        ("openat", "error=EMFILE", 2),
        ("ftruncate", "error=EIO", 1),
    ]
    for nth in range(1, last + 1)
]


def hits_in(directory: Path) -> int:
    return (directory / "strace.log").read_text().count("(INJECTED)")


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_call_that_fails_once_costs_nobody_the_truth_and_is_recovered_from(
    opened: Bank, tmp_path: Path, fault: Fault
):
    seen = opened.run(tmp_path / "branch", Job(fault=fault))
    assert seen.ended == 0
    assert seen.hits, "the fault was never hit"
    assert seen.recovered
    await audit(tmp_path / "branch")


@pytest.mark.parametrize("rounds", [0, 6], ids=["at once", "later"])
@pytest.mark.parametrize("fault", FINAL_FAULTS, ids=str)
async def test_a_disk_that_fails_from_then_on_is_read_only_until_it_is_well(
    opened: Bank, tmp_path: Path, fault: Fault, rounds: int
):
    """One deterministic refusal for each write, reads go on, and a probe finds out when it is over."""
    seen = opened.run(tmp_path / "branch", Job(fault=fault, rounds_before=rounds))
    assert seen.ended == 0
    assert seen.hits > 1, "the fault was never hit"
    assert Mode.READ_ONLY in seen.modes
    assert {*map(tuple, seen.refusals)} == {("failed", "READ_ONLY")}
    assert seen.total_meanwhile == PURSES * OPENING_CENTS
    assert seen.recovered
    await audit(tmp_path / "branch")


@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_a_disk_that_fails_each_connection_after_a_while_is_never_lied_about(
    opened: Bank, tmp_path: Path, fault: Fault
):
    """A new connection works until its nth call: the layer comes and goes, its answers stay true."""
    seen = opened.run(tmp_path / "branch", Job(fault=replace(fault, once=False)))
    assert seen.ended == 0
    assert seen.hits, "the fault was never hit"
    assert seen.total_meanwhile == PURSES * OPENING_CENTS
    assert seen.recovered
    await audit(tmp_path / "branch")


async def test_commits_that_keep_failing_open_the_breaker_though_each_is_settled(opened: Bank, tmp_path: Path):
    """A new connection can commit its fence and move the WAL, and fails at the first commit after that."""
    seen = opened.run(tmp_path / "branch", Job(fault=Fault(calls=SYNC, nth=4, once=False)))
    assert seen.ended == 0
    assert seen.hits > 2, "the fault was never hit"
    assert Mode.READ_ONLY in seen.modes
    told = await audit(tmp_path / "branch")
    assert "COMMIT_FAILED" in {reason for _, reason, _ in told.told.values()}


@pytest.mark.parametrize("once", [True, False], ids=["once", "from then on"])
@pytest.mark.parametrize("fault", FAULTS, ids=str)
async def test_killed_in_the_middle_of_its_trouble_it_has_told_the_truth(
    opened: Bank, tmp_path: Path, fault: Fault, once: bool
):
    """What looked absent before the kill is still absent after it: its commit was fenced off before the answer."""
    seen = opened.run(tmp_path / "branch", Job(fault=replace(fault, once=once), killed=True))
    assert seen.ended == -signal.SIGKILL
    assert hits_in(tmp_path / "branch"), "the fault was never hit"
    await audit(tmp_path / "branch")


@pytest.mark.parametrize("once", [True, False], ids=["once", "from then on"])
@pytest.mark.parametrize("fault", [*OPENING_FAULTS], ids=str)
async def test_a_disk_that_fails_while_the_database_is_opened_delays_writing_and_no_more(
    opened: Bank, tmp_path: Path, fault: Fault, once: bool
):
    seen = opened.run(tmp_path / "branch", Job(fault=replace(fault, once=once), from_the_start=True))
    assert seen.ended == 0
    assert seen.hits, "the fault was never hit"
    assert seen.recovered
    await audit(tmp_path / "branch")
