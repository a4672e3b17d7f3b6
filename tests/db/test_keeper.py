"""Erasure, export behind an anchor, and a new epoch after damage: the chain verifies, and nothing happens twice."""

import asyncio
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import orjson
import pytest

from db import (
    DatabaseError,
    DatabaseManager,
    DatabaseSettings,
    Exported,
    ExportRefused,
    Outcome,
    open_database,
)
from db import exporting as export_module
from db.appendlog import read_log
from db.exporting import check_files, payloads_beside
from tests.db.conftest import raw_rows
from tests.db.feature import by, cents_of, eventually, fill, pay

FOR_EVER = 2**62


@pytest.fixture
async def busy(db: DatabaseManager):
    """Twenty rows by two people, a refusal among them."""
    await fill_in(db)
    return db


async def fill_in(db: DatabaseManager) -> None:
    for number in range(1, 20):
        assert (await db.write(fill, by(f"fill:{number}", actor=1 + number % 2), owner=number % 2, cents=5)).ok
    assert not (await db.write(pay, by("pay:1", actor=2), sender=9, recipient=1, cents=10**6)).ok


def count(db: DatabaseManager, table: str) -> object:
    return raw_rows(db, f"SELECT count(*) FROM {table}")[0][0]  # noqa: S608


def payload_actors(db: DatabaseManager) -> list[int]:
    rows = raw_rows(db, "SELECT payload FROM journal_payload JOIN journal USING (seq) WHERE outcome <> 'event'")
    return [orjson.loads(str(payload))["actor"] for (payload,) in rows]


async def test_what_a_person_did_is_erased_and_the_chain_holds(busy: DatabaseManager):
    erased = await busy.journal.erase_payloads(actor=2, ordered_by=42)
    assert (erased.payloads, erased.missing_files) == (11, ())
    assert set(payload_actors(busy)) == {1}
    report = await busy.verify_journal()
    assert (report.ok, report.rows, report.erased) == (True, 21, 11)


async def test_the_fact_of_an_erasure_is_journaled_without_naming_whom(busy: DatabaseManager):
    erased = await busy.journal.erase_payloads(actor=2, ordered_by=42)
    sql = "SELECT payload FROM journal_payload JOIN journal USING (seq) WHERE name = 'journal.erased'"
    ((payload,),) = raw_rows(busy, sql)
    told = orjson.loads(str(payload))
    assert told["actor"] == 42
    assert told["params"] == {"erasure": erased.erasure_id, "seqs": [1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 20]}


@pytest.mark.parametrize(("operation", "name", "outcome"), [(fill, "fill:1", "committed"), (pay, "pay:1", "rejected")])
async def test_the_same_id_then_hears_how_it_ended_and_no_more(
    busy: DatabaseManager, operation: Any, name: str, outcome: str
):
    await busy.journal.erase_payloads(actor=2)
    params = {"owner": 1, "cents": 5} if operation is fill else {"sender": 9, "recipient": 1, "cents": 10**6}
    before = await busy.read(cents_of, owner=1)
    again = await busy.write(operation, by(name, actor=2), **params)
    assert (again.outcome, again.reason, again.repeated) == (outcome, "ANSWER_ERASED", True)
    assert await busy.read(cents_of, owner=1) == before


async def test_an_erasure_without_anything_to_erase_is_a_fact_too(busy: DatabaseManager):
    assert (await busy.journal.erase_payloads(actor=77)).payloads == 0
    assert (await busy.verify_journal()).rows == 21


async def test_an_erasure_that_was_cut_short_is_finished_by_the_next_process(
    settings: DatabaseSettings, migrations: Path
):
    async with open_database(settings, migrations) as db:
        await fill_in(db)
        db._writing.trip("the disk is full")
        with pytest.raises(DatabaseError, match="will be taken up again"):
            await db.journal.erase_payloads(actor=2)
        assert 2 in payload_actors(db)
    async with open_database(settings, migrations) as db:
        await eventually(lambda: set(payload_actors(db)) == {1})
        await eventually(lambda: len(read_log(settings.directory / "erasures.log")) == 2)
        assert (await db.verify_journal()).ok


async def test_after_a_restore_every_erasure_is_carried_out_again(busy: DatabaseManager):
    rows = raw_rows(busy, "SELECT * FROM journal_payload WHERE seq IN (1, 3)")
    await busy.journal.erase_payloads(actor=2)
    for row in rows:
        raw_rows(busy, "INSERT INTO journal_payload VALUES (?, ?, ?)", *row)
    assert 2 in payload_actors(busy)
    (again,) = await busy.journal.erase_again()
    assert again.payloads == 2
    assert 2 not in payload_actors(busy)
    assert (await busy.verify_journal()).ok


async def export(db: DatabaseManager, **more: Any) -> Exported | None:
    return await db.journal.export(before_ms=FOR_EVER, keep_newest=5, **more)


async def test_old_rows_leave_and_the_chain_goes_on_behind_an_anchor(busy: DatabaseManager):
    exported = await export(busy)
    assert exported is not None
    assert (exported.first_seq, exported.seq, exported.rows, exported.payloads) == (1, 15, 15, 15)
    report = await busy.verify_journal()
    assert (report.ok, report.rows, report.anchor) == (True, 6, 15)
    assert check_files(Path(exported.file)) == exported
    assert [count(busy, table) for table in ("journal", "journal_payload", "journal_past")] == [6, 6, 15]
    assert Path(exported.file).stat().st_mode & 0o777 == 0o600


async def test_the_next_export_goes_on_where_the_last_one_ended(busy: DatabaseManager):
    first = await export(busy)
    for number in range(30, 50):
        await busy.write(fill, by(f"fill:{number}"), owner=1, cents=5)
    second = await export(busy)
    assert first is not None
    assert second is not None
    assert (second.first_seq, second.seq) == (16, 36)
    assert orjson.loads(Path(second.file).read_bytes().split(b"\n")[0])["chain"] == first.chain
    assert (await busy.verify_journal()).ok


async def test_nothing_leaves_that_is_too_young_or_among_the_newest(busy: DatabaseManager):
    assert await busy.journal.export(before_ms=1, keep_newest=0) is None
    assert await busy.journal.export(before_ms=FOR_EVER) is None
    assert count(busy, "journal") == 20


async def test_nothing_leaves_that_may_yet_be_asked_for_by_the_queue(busy: DatabaseManager):
    busy.journal._needed = lambda: ["fill:4", "fill:9", "never seen"]
    exported = await export(busy)
    assert exported is not None
    assert exported.seq == 3


async def test_an_exported_operation_still_happens_once(busy: DatabaseManager):
    await export(busy)
    before = await busy.read(cents_of, owner=1)
    again = await busy.write(fill, by("fill:1", actor=2), owner=1, cents=5)
    assert (again.outcome, again.reason, again.repeated) == (Outcome.COMMITTED, "ANSWER_ERASED", True)
    other = await busy.write(pay, by("fill:1", actor=2), sender=1, recipient=2, cents=5)
    assert other.reason == "ID_REUSED"
    assert await busy.read(cents_of, owner=1) == before


async def test_a_journal_that_does_not_hold_together_is_not_exported(busy: DatabaseManager):
    raw_rows(busy, "UPDATE journal SET guild_id = 8 WHERE seq = 7")
    with pytest.raises(ExportRefused, match="row 7"):
        await export(busy)
    assert count(busy, "journal") == 20
    assert count(busy, "journal_anchor") == 0


async def test_an_export_does_not_write_over_a_file(busy: DatabaseManager, tmp_path: Path):
    (tmp_path / "mine.jsonl").write_text("mine")
    with pytest.raises(ExportRefused, match="exists"):
        await export(busy, file=tmp_path / "mine.jsonl")
    assert (tmp_path / "mine.jsonl").read_text() == "mine"


async def test_what_is_erased_while_rows_are_on_their_way_keeps_them_in(
    busy: DatabaseManager, monkeypatch: pytest.MonkeyPatch
):
    """An export must not bring back what somebody has had erased."""
    write_files = export_module.write_files

    def write_and_erase(connection: Any, file: Path, **more: Any) -> Exported | None:
        exported = write_files(connection, file, **more)
        raw_rows(busy, "DELETE FROM journal_payload WHERE seq = 4")
        return exported

    monkeypatch.setattr(export_module, "write_files", write_and_erase)
    with pytest.raises(ExportRefused, match="CHANGED_MEANWHILE"):
        await export(busy)
    assert (await busy.verify_journal()).anchor == 0


async def test_erasing_reaches_into_exports(busy: DatabaseManager):
    exported = await export(busy)
    assert exported is not None
    erased = await busy.journal.erase_payloads(actor=2)
    assert erased.payloads == 11
    left = payloads_beside(Path(exported.file)).read_bytes().splitlines()
    assert {orjson.loads(orjson.loads(line)[2])["actor"] for line in left} == {1}
    assert check_files(Path(exported.file)).chain == exported.chain
    payloads_beside(Path(exported.file)).unlink()
    assert (await busy.journal.erase_payloads(actor=1)).missing_files == (exported.file,)


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda lines: lines[:3] + lines[4:], "row 3 is missing"),
        (lambda lines: [*lines[:3], lines[3].replace(b'"test.fill"', b'"test.full"'), *lines[4:]], "row 3 does not"),
        (lambda lines: lines[:-1], "the payload of row 15 belongs to no row"),
    ],
)
async def test_an_altered_export_is_found_out(
    busy: DatabaseManager, change: Callable[[list[bytes]], list[bytes]], says: str
):
    exported = await export(busy)
    assert exported is not None
    file = Path(exported.file)
    file.write_bytes(b"".join(change(file.read_bytes().splitlines(keepends=True))))
    with pytest.raises(ExportRefused, match=says):
        check_files(file)


async def test_an_altered_payload_in_an_export_is_found_out(busy: DatabaseManager):
    exported = await export(busy)
    assert exported is not None
    payloads = payloads_beside(Path(exported.file))
    payloads.write_bytes(payloads.read_bytes().replace(b'cents\\\\\\":5', b'cents\\\\\\":6').replace(b"5", b"6", 1))
    with pytest.raises(ExportRefused, match="payload of row"):
        check_files(Path(exported.file))


async def test_an_anchor_that_no_row_vouches_for_is_found(busy: DatabaseManager):
    """Somebody takes old rows away and says they were exported."""
    ((chain,),) = raw_rows(busy, "SELECT chain FROM journal WHERE seq = 10")
    sql = "INSERT INTO journal_anchor VALUES (10, ?, 'export', 1, 0, 'x', 'y')"
    raw_rows(busy, sql, chain)
    for table in ("journal_payload", "journal"):
        raw_rows(busy, f"DELETE FROM {table} WHERE seq <= 10")  # noqa: S608
    assert (await busy.verify_journal()).problems == ("rows up to 10 have left, and no row says why",)


STEPS = 12


@contextmanager
def killed_at(step: int) -> Iterator[None]:
    """In this process: the `step`th of what makes something durable or visible kills it."""
    left = [step]

    def deadly(function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **more: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return function(*args, **more)

        return call

    export_module.os.fsync = deadly(os.fsync)
    export_module.sync_directory = deadly(export_module.sync_directory)
    Path.rename = deadly(Path.rename)
    export_module._set_anchor = deadly(export_module._set_anchor)
    export_module.remove_some = deadly(export_module.remove_some)
    yield


@pytest.mark.parametrize("step", range(STEPS))
def test_killed_at_any_step_an_export_has_happened_whole_or_not_at_all(
    settings: DatabaseSettings, migrations: Path, step: int
):
    async def child() -> None:
        async with open_database(settings, migrations) as db:
            await fill_in(db)
            with killed_at(step):
                export_module._REMOVED_AT_ONCE = 4
                await export(db)

    pid = os.fork()
    if pid == 0:
        asyncio.run(child())
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    assert os.WIFSIGNALED(status) == (step < STEPS - 1), "the last step is one too many"

    async def after() -> None:
        async with open_database(settings, migrations) as db:
            report = await db.verify_journal()
            assert report.problems == ()
            assert report.anchor in (0, 15)
            if report.anchor:
                ((file,),) = raw_rows(db, "SELECT file FROM journal_anchor")
                assert check_files(Path(str(file))).seq == 15
                await eventually(lambda: count(db, "journal") == 6)
            else:
                assert count(db, "journal") == 20
            for number in range(1, 20):
                again = await db.write(fill, by(f"fill:{number}", actor=1 + number % 2), owner=number % 2, cents=5)
                assert (again.ok, again.repeated) == (True, True)
            assert (await export(db)) is not None or report.anchor
            assert (await db.verify_journal()).ok

    asyncio.run(after())


async def test_a_damaged_journal_is_preserved_and_a_new_one_is_begun(busy: DatabaseManager):
    raw_rows(busy, "UPDATE journal SET name = 'test.other' WHERE seq = 7")
    raw_rows(busy, "DELETE FROM journal WHERE seq = 9")
    assert not (await busy.verify_journal()).ok
    saved = await busy.journal.preserve(reason="somebody edited it")
    assert (saved.rows, saved.lost, saved.seq) == (19, 1, 20)
    report = await busy.verify_journal()
    assert (report.ok, report.rows, report.anchor) == (True, 1, 20)
    assert len(Path(saved.file).read_bytes().splitlines()) == 19
    assert (await busy.write(fill, by("fill:100"), owner=1, cents=5)).ok
    again = await busy.write(fill, by("fill:4", actor=1), owner=0, cents=5)
    assert (again.outcome, again.reason) == (Outcome.COMMITTED, "ANSWER_ERASED")
    assert (await busy.verify_journal()).rows == 2


async def test_a_journal_that_can_no_longer_be_written_can_be_again(busy: DatabaseManager):
    """Payloads whose rows were taken away stand where the next rows want theirs."""
    raw_rows(busy, "DELETE FROM journal WHERE seq > 15")
    assert not (await busy.write(fill, by("fill:100"), owner=1, cents=5)).ok
    saved = await busy.journal.preserve(reason="the end was cut off")
    assert (saved.rows, saved.payloads) == (15, 20)
    assert (await busy.write(fill, by("fill:100"), owner=1, cents=5)).ok
    assert (await busy.verify_journal()).ok


async def test_pages_that_cannot_be_read_cost_their_rows_and_no_others(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as db:
        for number in range(300):
            await db.write(fill, by(f"fill:{number:03}"), owner=1, cents=5)
    async with open_database(settings, migrations) as db:
        scribble_over_leaf(db.status().path, b"fill:100test.fill")
        saved = await db.journal.preserve(reason="a page was scribbled over")
        assert 0 < saved.lost < 60
        assert saved.rows + saved.lost == 300
        assert (await db.write(fill, by("fill:500"), owner=1, cents=5)).ok
        report = await db.verify_journal()
        assert (report.problems, report.anchor) == ((), 300)


def scribble_over_leaf(path: Path, mark: bytes) -> None:
    """Make the page unreadable that has a row with `mark` in it."""
    content = path.read_bytes()
    page = content.index(mark) // 4096
    assert content[page * 4096] == 0x0D, "a leaf of a table"
    with path.open("r+b") as file:
        file.seek(page * 4096)
        file.write(b"\xff" * 4096)
