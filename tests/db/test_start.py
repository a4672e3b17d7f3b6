"""Whatever lies where the database should be: a clear answer, and not one byte of it changed."""

import importlib
import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from db import (
    BadDataDirectory,
    DatabaseSettings,
    ForeignDatabase,
    Mode,
    NewerSchema,
    StartupError,
    inspect_database,
    open_database,
)
from db.engine import load_engine
from db.layout import Layout
from tests.conftest import ENGINE
from tests.db.feature import by, cents_of, eventually, fill
from tests.db.opening import Opened, opened_elsewhere
from tests.db.test_migrations import write


@pytest.fixture
async def used(settings: DatabaseSettings, migrations: Path) -> Layout:
    """A data directory with a purse in it, closed."""
    async with open_database(settings, migrations) as db:
        assert (await db.write(fill, by("fill:1"), owner=1, cents=5)).ok
    return Layout(settings.directory)


def contents(directory: Path) -> dict[str, bytes]:
    """Everything below a directory but what bears no data (the lock's note, the shared memory, an empty WAL) and the
    events that are kept for a database that is away.
    """
    found = {str(path.relative_to(directory)): _content(path) for path in sorted(directory.rglob("*"))}
    empty = {name for name, content in found.items() if name.endswith("-wal") and not content}
    left_out = {"lock", "events.log", *empty}
    return {name: found[name] for name in found if name not in left_out and not name.endswith("-shm")}


def _content(path: Path) -> bytes:
    if path.is_symlink():
        return bytes(path.readlink())
    return path.read_bytes() if path.is_file() else b"no file"


def other_database(path: Path, sql: str) -> None:
    path.unlink(missing_ok=True)
    connection = load_engine(ENGINE).connect(path, mode="rwc", busy_timeout_s=1)
    connection.executescript(sql)
    connection.close()


def cut(path: Path, length: int) -> None:
    with path.open("r+b") as file:
        file.truncate(length)


def scribble(path: Path, offset: int) -> None:
    with path.open("r+b") as file:
        file.seek(offset)
        file.write(b"\xa5" * 2048)


def scribble_table(at: Layout, table: str) -> None:
    connection = load_engine(ENGINE).connect(at.database, mode="ro", busy_timeout_s=1)
    ((page,),) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = ?", (table,)).fetchall()
    connection.close()
    scribble(at.database, (page - 1) * 4096)


DAMAGE: dict[str, tuple[Callable[[Layout], object], str]] = {
    "a directory": (lambda at: (at.database.unlink(), at.database.mkdir()), "no regular file"),
    "an empty file": (lambda at: at.database.write_bytes(b""), "is empty"),
    "a text file": (lambda at: at.database.write_text("dear diary\n" * 99), "no SQLite database"),
    "a short file": (lambda at: cut(at.database, 50), "no SQLite database"),
    "a truncated file": (lambda at: cut(at.database, 4096 * 3), "malformed"),
    "a file cut in a page": (lambda at: cut(at.database, 4096 * 5 + 100), "malformed"),
    "a scribbled schema": (lambda at: scribble(at.database, 100), "malformed"),
    "a scribbled table": (lambda at: scribble_table(at, "purse"), "btreeInitPage"),
    "a device": (lambda at: (at.database.unlink(), at.database.symlink_to("/dev/null")), "no regular file"),
    "a dangling symlink": (lambda at: (at.database.unlink(), at.database.symlink_to("nowhere.db")), "is gone"),
    "a deleted file": (lambda at: at.database.unlink(), "is gone"),
    "a deleted generation": (lambda at: shutil.rmtree(at.directory / "gen-1"), "is gone"),
    "a file as the generation": (
        lambda at: (shutil.rmtree(at.directory / "gen-1"), (at.directory / "gen-1").write_text("")),
        "should be a directory",
    ),
    "a link to no generation": (lambda at: (at.current.unlink(), at.current.symlink_to("gen-7")), "is gone"),
    "no link, but a manifest": (lambda at: at.current.unlink(), "is gone"),
    "nothing but a manifest": (lambda at: (at.current.unlink(), shutil.rmtree(at.directory / "gen-1")), "is gone"),
    "a damaged manifest": (lambda at: at.manifest.write_text("0123 {}\n"), "line 1"),
    "a directory as manifest": (lambda at: (at.manifest.unlink(), at.manifest.mkdir()), "directory"),
}


@pytest.mark.parametrize(("damage", "says"), DAMAGE.values(), ids=DAMAGE)
async def test_an_absent_or_damaged_database_starts_offline_and_is_left_as_it_is(
    settings: DatabaseSettings, migrations: Path, used: Layout, damage: Callable[[Layout], object], says: str
):
    damage(used)
    before = contents(settings.directory)
    async with open_database(settings, migrations) as db:
        assert db.mode is Mode.OFFLINE
        assert says in db.mode_reason
        assert "\n" not in db.mode_reason
        refused = await db.write(fill, by("fill:2"), owner=1, cents=5)
        assert (refused.outcome, refused.reason) == ("failed", "OFFLINE")
    assert contents(settings.directory) == before
    assert inspect_database(settings.directory, ENGINE).detail == db.mode_reason
    assert contents(settings.directory) == before


async def test_a_damaged_database_that_was_put_back_is_taken_up_again(
    settings: DatabaseSettings, migrations: Path, used: Layout
):
    away = used.directory / "away.db"
    used.database.rename(away)
    async with open_database(replace(settings, probe_interval_s=0.02), migrations) as db:
        assert db.mode is Mode.OFFLINE
        away.rename(used.database)
        await eventually(lambda: db.mode is Mode.READ_WRITE)
        assert await db.read(cents_of, owner=1) == 5


STRANGE: dict[str, tuple[str, type[StartupError]]] = {
    "another program's": ("CREATE TABLE t (a); PRAGMA application_id = 7", ForeignDatabase),
    "nobody's": ("CREATE TABLE t (a)", ForeignDatabase),
}


@pytest.mark.parametrize(("sql", "error"), STRANGE.values(), ids=STRANGE)
async def test_a_foreign_database_is_refused_and_left_as_it_is(
    settings: DatabaseSettings, migrations: Path, used: Layout, sql: str, error: type[StartupError]
):
    other_database(used.database, sql)
    before = contents(settings.directory)
    with pytest.raises(error, match=str(used.database)) as caught:
        async with open_database(settings, migrations):
            pass
    assert caught.value.exit_code == os.EX_DATAERR
    assert contents(settings.directory) == before


async def test_a_newer_schema_is_refused_and_left_as_it_is(settings: DatabaseSettings, migrations: Path, used: Layout):
    newest = write(migrations, "0003_later.sql", "CREATE TABLE later (id INTEGER PRIMARY KEY) STRICT;")
    async with open_database(settings, migrations):
        pass
    newest.unlink()
    before = contents(settings.directory)
    with pytest.raises(NewerSchema, match="version 3") as caught:
        async with open_database(settings, migrations):
            pass
    assert caught.value.exit_code == os.EX_DATAERR
    assert contents(settings.directory) == before
    assert used.database.exists()


async def test_a_missing_parent_is_refused_and_not_made(settings: DatabaseSettings, migrations: Path, tmp_path: Path):
    with pytest.raises(BadDataDirectory, match="does not exist") as caught:
        async with open_database(replace(settings, directory=tmp_path / "no" / "data"), migrations):
            pass
    assert caught.value.exit_code == os.EX_CANTCREAT
    assert not (tmp_path / "no").exists()


async def test_a_file_as_the_data_directory_is_refused(settings: DatabaseSettings, migrations: Path):
    settings.directory.write_text("not a directory")
    with pytest.raises(BadDataDirectory):
        async with open_database(settings, migrations):
            pass
    assert settings.directory.read_text() == "not a directory"


@pytest.mark.parametrize("mode", [0o000, 0o400])
async def test_a_directory_without_permission_is_refused_in_one_line(used: Layout, migrations: Path, mode: int):
    used.directory.chmod(mode)
    code, said = opened_elsewhere(used.directory, migrations, powerless=True)  # type: ignore[misc]
    used.directory.chmod(0o700)
    assert code == os.EX_CANTCREAT
    assert "Traceback" not in said


async def test_a_parent_without_permission_is_refused_in_one_line(tmp_path: Path, migrations: Path):
    parent = tmp_path / "shut"
    (parent / "data").mkdir(parents=True)
    parent.chmod(0o000)
    code, said = opened_elsewhere(parent / "data", migrations, powerless=True)  # type: ignore[misc]
    parent.chmod(0o700)
    assert code == os.EX_CANTCREAT
    assert "Traceback" not in said


async def test_a_file_that_may_not_be_read_starts_offline(used: Layout, migrations: Path):
    used.database.chmod(0o000)
    opened = opened_elsewhere(used.directory, migrations, powerless=True)
    used.database.chmod(0o600)
    assert opened == Opened("offline", f"{used.database}: Permission denied", "OFFLINE", None)


async def test_a_file_that_may_not_be_written_is_read_only_and_left_as_it_is(used: Layout, migrations: Path):
    used.database.chmod(0o400)
    before = used.database.read_bytes()
    opened = opened_elsewhere(used.directory, migrations, powerless=True)
    assert isinstance(opened, Opened), opened
    assert (opened.mode, opened.written, opened.cents) == ("read-only", "READ_ONLY", 5)
    assert used.database.read_bytes() == before


@pytest.mark.parametrize("room_kib", [0, 4, 16, 40])
async def test_on_a_full_disk_nothing_is_created_by_halves(settings: DatabaseSettings, migrations: Path, room_kib: int):
    opened = opened_elsewhere(settings.directory, migrations, room_kib=room_kib)
    assert isinstance(opened, Opened), opened
    assert (opened.mode, opened.written) == ("offline", "OFFLINE")
    assert opened_elsewhere(settings.directory, migrations) == Opened("read-write", "", "COMMITTED", 5)


@pytest.mark.parametrize("room_kib", [0, 4, 16])
async def test_a_full_disk_at_the_start_is_no_reason_not_to_start(used: Layout, migrations: Path, room_kib: int):
    opened = opened_elsewhere(used.directory, migrations, room_kib=room_kib)
    assert isinstance(opened, Opened), opened
    assert (opened.mode, opened.written) in {("offline", "OFFLINE"), ("read-only", "READ_ONLY")}
    assert opened_elsewhere(used.directory, migrations) == Opened("read-write", "", "COMMITTED", 10)


async def test_a_journal_mode_changed_by_hand_is_put_right(settings: DatabaseSettings, migrations: Path, used: Layout):
    connection = load_engine(ENGINE).connect(used.database, mode="rw", busy_timeout_s=1)
    assert connection.execute("PRAGMA journal_mode = DELETE").fetchall() == [("delete",)]
    connection.close()
    async with open_database(settings, migrations) as db:
        assert db.mode is Mode.READ_WRITE
        assert await db.read(cents_of, owner=1) == 5


async def test_what_the_start_says_is_one_line_with_all_that_counts(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as db:
        line = db.status().line()
    assert "\n" not in line
    for part in (
        "read-write, can write",
        str(db.status().path),
        "wal",
        "full",
        "schema version 2",
        "newest backup none",
    ):
        assert part in line


async def test_files_are_the_owners_alone(settings: DatabaseSettings, migrations: Path):
    old = os.umask(0)
    try:
        async with open_database(settings, migrations) as db:
            await db.write(fill, by("fill:1"), owner=1, cents=5)
            modes = {path.name: oct(path.lstat().st_mode & 0o777) for path in settings.directory.rglob("*")}
    finally:
        os.umask(old)
    modes.pop("current")
    assert modes == {
        "events.log": "0o600",
        "gen-1": "0o700",
        "heads.log": "0o600",
        "lock": "0o600",
        "manifest.log": "0o600",
        "rollcall.db": "0o600",
        "rollcall.db-shm": "0o600",
        "rollcall.db-wal": "0o600",
        "waiting.log": "0o600",
    }
    assert settings.directory.stat().st_mode & 0o777 == 0o700


class _Killed(BaseException):
    """Where the process would have died."""


STEPS = ["layout.sync_file", "layout.sync_directory", "layout.Layout._switch_to", "layout.Layout.remember"]
STEPS += ["store.prepare_new_file", "store.migrate", "store.checkpoint", "layout.append_log"]


@pytest.mark.parametrize("late", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_any_step_of_creation_the_next_start_is_fine(
    settings: DatabaseSettings, migrations: Path, monkeypatch: pytest.MonkeyPatch, step: str, late: bool
):
    """What a kill leaves on disk is left by an exception that nobody expects, at the same point."""
    target = f"db.{step}"
    real = _resolve(target)

    def dies(*args: object) -> None:
        if late:
            real(*args)
        raise _Killed

    with monkeypatch.context() as patch:
        patch.setattr(target, dies)
        with pytest.raises(_Killed):
            async with open_database(settings, migrations):
                pass
    async with open_database(settings, migrations) as db:
        assert db.mode is Mode.READ_WRITE
        assert (await db.write(fill, by("fill:1"), owner=1, cents=5)).ok
        assert db.status().generation == 1
    assert not list(settings.directory.glob("*.new"))


@pytest.mark.parametrize("left", ["a foreign database", "nothing"])
async def test_a_generation_that_lies_there_already_is_looked_at_before_it_is_used(
    settings: DatabaseSettings, migrations: Path, used: Layout, left: str
):
    used.current.unlink()
    used.manifest.unlink()
    used_file = used.directory / "gen-1" / "rollcall.db"
    if left == "nothing":
        used_file.unlink()
        async with open_database(settings, migrations) as db:
            assert db.mode is Mode.OFFLINE
    else:
        other_database(used_file, "CREATE TABLE t (a)")
        with pytest.raises(ForeignDatabase):
            async with open_database(settings, migrations):
                pass


def _resolve(target: str) -> Any:
    _, module, *names = target.split(".")
    found = importlib.import_module(f"db.{module}")
    for name in names:
        found = getattr(found, name)
    return found


@pytest.mark.parametrize("name", ["lock", "manifest.log"])
def test_a_look_at_a_directory_does_not_wait_for_the_other_end_of_a_pipe(tmp_path: Path, name: str):
    os.mkfifo(tmp_path / name)
    found = inspect_database(tmp_path, ENGINE)
    assert found.state == {"lock": "new", "manifest.log": "unreadable"}[name]
    assert found.held_by is None


def test_what_is_no_directory_is_not_called_a_new_database(tmp_path: Path):
    (tmp_path / "file").write_text("something")
    assert inspect_database(tmp_path / "file", ENGINE).state == "unreadable"
