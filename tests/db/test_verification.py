"""For any change of the journal from outside, verification finds it; an untouched one is never accused."""

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loguru import logger

from db import DatabaseManager, DatabaseSettings, JournalReport, Rejected, Transaction, open_database, operation
from db.heads import HeadNotes
from db.journal import GENESIS, link
from db.verification import Note, verify
from tests.conftest import Scratch
from tests.db.conftest import raw_rows
from tests.db.feature import by, eventually, fill

ROWS = 20
FIELDS = ("operation_id", "name", "guild_id", "at_ms", "outcome", "commitment", "chain", "salt", "payload")


@operation("test.verified")
def verified(_: Transaction, *, word: str) -> str:
    if word.startswith("no"):
        raise Rejected("REFUSED")
    return word


@pytest.fixture(scope="module")
def template(tmp_path_factory: pytest.TempPathFactory):
    """A journal of some rows, and the notes that were taken of it on the way."""
    path = tmp_path_factory.mktemp("verification") / "template.db"
    scratch = Scratch(path)
    notes: list[Note] = []
    for number in range(1, ROWS + 1):
        scratch.run(verified, operation_id=f"op:{number}", actor=number % 3, word=f"{'no' * (number % 5 == 0)}{number}")
        scratch.now_ms += 1000
        if number % 7 == 0 or number == ROWS:
            notes.append(note_of(scratch, number))
    scratch.connection.close()
    return path, tuple(notes)


def note_of(scratch: Scratch, seq: int) -> Note:
    (chain,) = scratch.rows("SELECT chain FROM journal WHERE seq = ?", seq)[0]
    return Note(seq, chain.hex(), scratch.now_ms)


@pytest.fixture
def altered(template: tuple[Path, tuple[Note, ...]], scratch: Scratch):
    """Verifies the template after a change, then undoes it."""
    scratch.connection.execute("ATTACH ? AS template", (str(template[0]),))
    for table in ("journal", "journal_payload"):
        scratch.connection.execute(f"INSERT INTO {table} SELECT * FROM template.{table}")  # noqa: S608
    scratch.connection.execute("DETACH template")

    def report(change: Callable[[Scratch], object], *, noted: bool = True) -> JournalReport:
        scratch.connection.execute("PRAGMA foreign_keys = OFF")
        before = {table: scratch.rows(f"SELECT * FROM {table}") for table in ("journal", "journal_payload")}  # noqa: S608
        change(scratch)
        try:
            return verify(scratch.connection, template[1] if noted else ())
        finally:
            for table, rows in before.items():
                scratch.connection.execute(f"DELETE FROM {table}")  # noqa: S608
                marks = ", ".join("?" * len(rows[0]))
                scratch.connection.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608

    return report


for_any = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


@for_any
@given(seq=st.integers(1, ROWS), field=st.sampled_from(FIELDS), data=st.data())
def test_for_any_altered_field_it_is_found(
    altered: Callable[..., JournalReport], seq: int, field: str, data: st.DataObject
):
    table = "journal_payload" if field in ("salt", "payload") else "journal"

    def change(scratch: Scratch) -> None:
        (old,) = scratch.rows(f"SELECT {field} FROM {table} WHERE seq = ?", seq)[0]  # noqa: S608
        match old:
            case int():
                new: Any = data.draw(st.integers(-(2**63), 2**63 - 1).filter(lambda value: value != old))
            case bytes():
                size = len(old)
                new = data.draw(st.binary(min_size=size, max_size=size).filter(lambda value: value != old))
            case _ if field == "outcome":
                new = data.draw(st.sampled_from(["committed", "rejected", "event"]).filter(lambda value: value != old))
            case _:
                new = data.draw(st.text(st.characters(codec="utf-8")).filter(lambda value: value not in (old, "\0")))
        scratch.connection.execute(f"UPDATE {table} SET {field} = ? WHERE seq = ?", (new, seq))  # noqa: S608

    report = altered(change)
    assert not report.ok
    assert f"row {seq} " in report.problems[0]


@for_any
@given(gone=st.sets(st.integers(1, ROWS), min_size=1))
def test_for_any_rows_taken_out_it_is_found(altered: Callable[..., JournalReport], gone: set[int]):
    def change(scratch: Scratch) -> None:
        for table in ("journal", "journal_payload"):
            scratch.connection.executemany(f"DELETE FROM {table} WHERE seq = ?", [(seq,) for seq in gone])  # noqa: S608

    report = altered(change)
    assert not report.ok
    kept = set(range(1, ROWS + 1)) - gone
    is_tail = all(seq < min(gone) for seq in kept)
    assert ("the end is missing" if is_tail else f"row {min(gone)} is missing") in report.problems[0]


@for_any
@given(left=st.integers(0, ROWS - 1))
def test_a_tail_cut_off_is_found_by_what_was_noted_and_by_nothing_else(
    altered: Callable[..., JournalReport], left: int
):
    def change(scratch: Scratch) -> None:
        for table in ("journal", "journal_payload"):
            scratch.connection.execute(f"DELETE FROM {table} WHERE seq > ?", (left,))  # noqa: S608

    assert altered(change, noted=False).ok
    assert (
        altered(change)
        .problems[0]
        .startswith(f"the end is missing: the journal ends with row {left}, and row {ROWS} was noted on 2023-")
    )


@for_any
@given(places=st.permutations(range(1, ROWS + 1)))
def test_for_any_reordering_it_is_found(altered: Callable[..., JournalReport], places: list[int]):
    def change(scratch: Scratch) -> None:
        for table in ("journal", "journal_payload"):
            scratch.connection.execute(f"UPDATE {table} SET seq = -seq")  # noqa: S608
            moves = [(to, -seq) for seq, to in enumerate(places, start=1)]
            scratch.connection.executemany(f"UPDATE {table} SET seq = ? WHERE seq = ?", moves)  # noqa: S608

    assert altered(change).ok == (places == sorted(places))


@for_any
@given(since=st.integers(1, ROWS))
def test_a_chain_recomputed_from_any_row_on_is_found_by_what_was_noted(
    altered: Callable[..., JournalReport], since: int
):
    """Whoever can write the file can also hash: only what is kept elsewhere speaks against him."""

    def change(scratch: Scratch) -> None:
        rewrite(scratch, since)

    assert altered(change, noted=False).ok
    assert "is not the one that was noted" in altered(change).problems[0]


def rewrite(scratch: Scratch, since: int) -> None:
    rows = scratch.rows("SELECT * FROM journal ORDER BY seq")
    chain = rows[since - 2][-1] if since > 1 else GENESIS
    for seq, operation_id, name, guild, at_ms, outcome, commitment, _ in rows[since - 1 :]:
        at = at_ms + 1
        chain = link(chain, seq, operation_id, name, guild, at, outcome, commitment)
        scratch.connection.execute("UPDATE journal SET at_ms = ?, chain = ? WHERE seq = ?", (at, chain, seq))


@for_any
@given(erased=st.sets(st.integers(1, ROWS)))
def test_an_untouched_journal_is_never_accused_whatever_was_erased(
    altered: Callable[..., JournalReport], erased: set[int]
):
    def change(scratch: Scratch) -> None:
        scratch.connection.executemany("DELETE FROM journal_payload WHERE seq = ?", [(seq,) for seq in erased])

    report = altered(change)
    assert (report.problems, report.rows, report.erased) == ((), ROWS, len(erased))


async def test_the_journal_can_be_verified_while_it_grows(db: DatabaseManager):
    stop = asyncio.Event()

    async def save(owner: int) -> int:
        number = 0
        while not stop.is_set():
            assert (await db.write(fill, by(f"{owner}:{number}"), owner=owner, cents=1)).ok
            number += 1
        return number

    savers = [asyncio.ensure_future(save(owner)) for owner in range(8)]
    for _ in range(10):
        assert (await db.verify_journal()).ok
        await db.journal._note_head(db._store)  # pyright: ignore[reportArgumentType]
    stop.set()
    total = sum(await asyncio.gather(*savers))
    assert (await db.verify_journal()).rows == total


async def test_a_tail_cut_off_while_nobody_looks_is_told_at_the_start_and_by_every_verification(
    settings: DatabaseSettings, migrations: Path
):
    async with open_database(settings, migrations) as db:
        for number in range(5):
            await db.write(fill, by(f"fill:{number}"), owner=1, cents=5)
    async with open_database(settings, migrations) as db:
        assert (await db.verify_journal()).ok
        for table in ("journal_payload", "journal"):
            raw_rows(db, f"DELETE FROM {table} WHERE seq > 3")  # noqa: S608
    told: list[str] = []
    logger.add(told.append, level="CRITICAL", format="{message}")
    async with open_database(settings, migrations) as db:
        assert [line.split(", noted on")[0] for line in told] == [
            "the journal is not what it was: row 5 of the journal"
        ]
        await db.write(fill, by("fill:9"), owner=1, cents=5)
        assert "the end is missing" in (await db.verify_journal()).problems[0]
    async with open_database(settings, migrations) as db:
        for number in range(10, 14):
            await db.write(fill, by(f"fill:{number}"), owner=1, cents=5)
        assert "row 5 ('fill:10') is not the one that was noted" in (await db.verify_journal()).problems[0]


async def test_a_copy_from_before_the_last_commits_is_seen_to_be_one(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as db:
        await db.write(fill, by("fill:1"), owner=1, cents=5)
        generation = db.status().path.parent
    shutil.copytree(generation, settings.directory / "copy")
    async with open_database(settings, migrations) as db:
        await db.write(fill, by("fill:2"), owner=1, cents=5)
    shutil.rmtree(generation)
    (settings.directory / "copy").rename(generation)
    async with open_database(settings, migrations) as db:
        assert "the end is missing" in (await db.verify_journal()).problems[0]


async def test_what_was_noted_of_another_generation_accuses_nobody(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as db:
        await db.write(fill, by("fill:1"), owner=1, cents=5)
        HeadNotes(settings.directory / "other.log").add(2, 99, bytes(32))
        (settings.directory / "other.log").rename(settings.directory / "heads.log")
    async with open_database(settings, migrations) as db:
        assert (await db.verify_journal()).ok


async def test_heads_are_noted_as_time_passes(db: DatabaseManager, settings: DatabaseSettings):
    await db.write(fill, by("fill:1"), owner=1, cents=5)
    db.journal._next_note = 0
    await eventually(lambda: HeadNotes(settings.directory / "heads.log").of(1))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(count=st.integers(0, 60))
def test_for_any_number_of_notes_the_file_is_bounded_and_the_newest_and_the_first_stay(tmp_path: Path, count: int):
    path = tmp_path / "heads.log"
    path.unlink(missing_ok=True)
    notes = HeadNotes(path)
    notes._log._capacity = 2048
    for seq in range(1, count + 1):
        notes.add(1, seq, bytes(32))
    found = [note.seq for note in notes.of(1)]
    assert found == sorted(found)
    assert (found[:1], found[-1:]) == (([1], [count]) if count else ([], []))
    notes.close()
    assert path.stat().st_size <= 2048
    assert [note.seq for note in HeadNotes(path).of(1)] == found
