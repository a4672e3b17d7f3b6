"""How a write that waited ends: its author is told once, and what keeps failing is an operator's."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from db import DatabaseManager, DatabaseSettings, EventKind, open_database, replay
from db.appendlog import read_log
from db.operations import Operation
from tests.db.conftest import raw_rows
from tests.db.feature import by, cents_of, eventually, fill
from tests.db.outage import (
    announced,
    away,
    break_down,
    give,
    reachable,
    replayed,
    say,
    take_away,
    with_announcements,
)


@pytest.fixture
def migrations(migrations: Path) -> Path:
    return with_announcements(migrations)


@pytest.fixture
def queue_file(settings: DatabaseSettings) -> Path:
    return settings.directory / "waiting.log"


@pytest.fixture
async def heard(db: DatabaseManager) -> AsyncIterator[list[EventKind]]:
    kinds: list[EventKind] = []
    unsubscribe = db.subscribe(lambda event: kinds.append(event.kind))
    yield kinds
    unsubscribe()


async def dead_in(db: DatabaseManager, operation_id: str) -> None:
    """A dead letter, made by an operation that is broken as long as purse 9 is missing."""
    async with away(db):
        await db.write(break_down, reachable(operation_id), while_poor=9)
    await eventually(lambda: [entry.operation_id for entry in db.dead_letters()] == [operation_id])


async def test_its_author_is_told_how_it_ended(db: DatabaseManager):
    async with away(db):
        await db.write(give, reachable("give:1"), owner=1, cents=5)
        await db.write(give, reachable("give:2"), owner=1, cents=-5)
        await db.write(give, by("nobody to tell"), owner=1, cents=5)
    await replayed(db)
    assert await db.read(announced) == [("give:1", "committed", "COMMITTED"), ("give:2", "rejected", "NEGATIVE")]


async def test_asked_for_twice_in_two_outages_its_author_is_told_once(db: DatabaseManager):
    for _ in range(2):
        async with away(db):
            await db.write(give, reachable("give:1"), owner=1, cents=5)
        await replayed(db)
    assert len(await db.read(announced)) == 1
    assert await db.read(cents_of, owner=1) == 5


async def test_one_that_had_committed_unknown_to_its_author_is_told_as_well(db: DatabaseManager):
    await db.write(give, reachable("give:1"), owner=1, cents=5)
    async with away(db):
        await db.write(give, reachable("give:1"), owner=1, cents=5)
    await replayed(db)
    assert await db.read(announced) == [("give:1", "committed", "COMMITTED")]
    assert await db.read(cents_of, owner=1) == 5


async def test_the_secret_by_which_to_reach_him_is_neither_logged_nor_journaled(
    db: DatabaseManager, queue_file: Path, capfd: pytest.CaptureFixture[str]
):
    async with away(db):
        queued = await db.write(give, reachable("give:1"), owner=1, cents=5)
        assert "canary" not in repr(queued) + repr(db.waiting())
        assert b"canary" in queue_file.read_bytes()
        assert queue_file.stat().st_mode & 0o777 == 0o600
    await replayed(db)
    await eventually(lambda: b"canary" not in queue_file.read_bytes())
    assert raw_rows(db, "SELECT token FROM announcement") == [("canary-give:1",)]
    assert not [row for row in raw_rows(db, "SELECT payload FROM journal_payload") if "canary" in str(row)]
    assert "canary" not in capfd.readouterr().err


async def test_what_keeps_failing_is_set_aside_and_its_author_told(
    db: DatabaseManager, settings: DatabaseSettings, heard: list[EventKind]
):
    await dead_in(db, "broken:1")
    (letter,) = db.dead_letters()
    assert (letter.operation, letter.tries, letter.last_reason) == (
        "outage.break",
        settings.queue_tries,
        "OPERATION_FAILED",
    )
    await eventually(lambda: heard.count(EventKind.DEAD_LETTER) == 1)
    assert await db.read(announced) == [("broken:1", "failed", "OPERATION_FAILED")]
    assert db.waiting() == ()
    assert (db.status().queued, db.status().dead_letters) == (0, 1)


async def test_a_dead_letter_holds_nobody_up(db: DatabaseManager):
    async with away(db):
        await db.write(break_down, by("broken:1"), while_poor=9)
        await db.write(give, by("give:1"), owner=1, cents=5)
        await db.write(give, by("give:2", actor=2), owner=2, cents=5)
    await replayed(db)
    assert [await db.read(cents_of, owner=owner) for owner in (1, 2)] == [5, 5]
    assert (await db.write(give, by("give:3"), owner=1, cents=1)).ok


async def test_dead_letters_outlive_the_process_and_can_be_retried(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as db:
        await dead_in(db, "broken:1")
    async with open_database(settings, migrations) as db:
        (letter,) = db.dead_letters()
        assert (letter.operation_id, letter.tries) == ("broken:1", settings.queue_tries)
        await db.write(fill, by("fill:9"), owner=9, cents=1)
        assert await db.retry_dead("broken:1")
        await replayed(db)
        assert db.dead_letters() == ()
        assert [outcome for _, outcome, _ in await db.read(announced)] == ["failed", "committed"]
        assert not await db.retry_dead("broken:1")
    async with open_database(settings, migrations) as db:
        assert (db.waiting(), db.dead_letters()) == ((), ())


async def test_a_retry_that_fails_again_is_a_dead_letter_again(db: DatabaseManager, heard: list[EventKind]):
    await dead_in(db, "broken:1")
    assert await db.retry_dead("broken:1")
    await eventually(lambda: heard.count(EventKind.DEAD_LETTER) == 2)
    assert len(db.dead_letters()) == 1
    assert len(await db.read(announced)) == 1


async def test_what_is_discarded_is_gone_for_good(settings: DatabaseSettings, migrations: Path, queue_file: Path):
    async with open_database(settings, migrations) as db:
        await dead_in(db, "broken:1")
        assert await db.discard_dead("broken:1")
        assert not await db.discard_dead("broken:1")
        assert read_log(queue_file) == []
    async with open_database(settings, migrations) as db:
        assert db.dead_letters() == ()


async def test_what_waits_cannot_be_discarded(db: DatabaseManager):
    async with away(db):
        await db.write(give, by("give:1"), owner=1, cents=5)
        assert not await db.discard_dead("give:1")
        assert not await db.retry_dead("give:1")
    await replayed(db)
    assert await db.read(cents_of, owner=1) == 5


async def test_discarding_what_the_disk_does_not_let_go_of_is_no_success(db: DatabaseManager):
    await dead_in(db, "broken:1")
    await db._queue.close()
    with pytest.raises(OSError, match="closed"):
        await db.discard_dead("broken:1")
    with pytest.raises(OSError, match="closed"):
        await db.retry_dead("broken:1")
    assert len(db.dead_letters()) == 1


async def test_an_id_that_something_else_took_meanwhile_is_set_aside_at_once(db: DatabaseManager):
    async with away(db):
        await db.write(give, by("give:1"), owner=1, cents=5)
        (entry,) = db.waiting()
    await replayed(db)
    db._queue._put(replace(entry, digest="another", params={"owner": 1, "cents": 6}))
    db._replayer.wake()
    await eventually(db.dead_letters)
    assert (db.dead_letters()[0].tries, db.dead_letters()[0].last_reason) == (1, "ID_REUSED")


async def test_an_operation_that_nobody_has_declared_yet_waits_for_its_feature(
    settings: DatabaseSettings, migrations: Path, monkeypatch: pytest.MonkeyPatch
):
    """The queue is read before the bot has loaded its features."""
    async with open_database(settings, migrations) as db:
        hidden = take_away(db.status().path)
        await db.write(say, reachable("say:1"), text="hello")
        await db.write(fill, by("fill:1"), owner=1, cents=0)
    hidden.rename(hidden.with_suffix(".db"))
    features: dict[str, Operation[..., object]] = {}
    monkeypatch.setattr(replay, "find_operation", features.get)
    async with open_database(settings, migrations) as db:
        await db.write(fill, by("fill:1", actor=2), owner=1, cents=0)
        assert (await db.write(give, by("give:1"), owner=1, cents=5)).reason == "QUEUED"
        await eventually(lambda: db._replayer._failures > 2)
        assert [entry.operation_id for entry in db.waiting()] == ["give:1", "say:1"]
        features |= {"outage.say": say, "outage.give": give}
        await replayed(db)
        assert db.dead_letters() == ()
        assert await db.read(cents_of, owner=1) == 5


async def test_an_operation_that_nobody_ever_declares_is_an_operators(
    db: DatabaseManager, monkeypatch: pytest.MonkeyPatch
):
    async with away(db):
        await db.write(give, reachable("give:1"), owner=1, cents=5)
        monkeypatch.setattr(replay, "find_operation", lambda _name: None)
        db._replayer._grace_ends = 0
    await eventually(db.dead_letters)
    assert db.dead_letters()[0].last_reason == "UNKNOWN_OPERATION"
    assert await db.read(announced) == [("give:1", "failed", "UNKNOWN_OPERATION")]
    monkeypatch.undo()
    assert await db.retry_dead("give:1")
    await replayed(db)
    assert await db.read(cents_of, owner=1) == 5
