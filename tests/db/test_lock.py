"""One process at a time on a data directory, and whoever comes second is told who holds it."""

import os
import resource
import signal
import subprocess
import threading
from pathlib import Path

import pytest

from db import DatabaseLocked, DatabaseSettings, Mode, inspect_database, open_database
from db.lock import DirectoryLock, is_held
from tests.conftest import ENGINE
from tests.db.opening import Opened, command, opened_elsewhere


async def test_a_second_open_is_refused_naming_the_holder(settings: DatabaseSettings, migrations: Path):
    async with open_database(settings, migrations) as db:
        with pytest.raises(DatabaseLocked, match=f"in use by process {os.getpid()} on ") as caught:
            async with open_database(settings, migrations):
                pass
        assert caught.value.exit_code == os.EX_TEMPFAIL
        code, said = opened_elsewhere(settings.directory, migrations)  # type: ignore[misc]
        assert (code, f"process {os.getpid()} " in said) == (os.EX_TEMPFAIL, True)
        assert db.mode is Mode.READ_WRITE


async def test_it_is_free_again_after_a_close(settings: DatabaseSettings, migrations: Path):
    for _ in range(2):
        async with open_database(settings, migrations):
            assert is_held(settings.directory / "lock")
        assert not is_held(settings.directory / "lock")


@pytest.mark.parametrize("kill", [signal.SIGKILL, None], ids=["killed", "closed"])
def test_it_is_free_again_however_its_holder_ended(settings: DatabaseSettings, migrations: Path, kill: int | None):
    with subprocess.Popen(
        command(settings.directory, migrations, "hold"), stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline()
        looked = inspect_database(settings.directory, ENGINE)
        assert (looked.state, f"process {holder.pid} " in str(looked.held_by)) == ("sound", True)
        if kill:
            holder.send_signal(kill)
    assert inspect_database(settings.directory, ENGINE).held_by is None
    assert opened_elsewhere(settings.directory, migrations) == Opened("read-write", "", "COMMITTED", 5)


def test_the_note_is_a_courtesy_and_a_full_disk_does_not_keep_the_lock_from_being_taken(tmp_path: Path):
    limit = resource.getrlimit(resource.RLIMIT_FSIZE)
    lock = DirectoryLock(tmp_path / "lock")
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limit[1]))
    try:
        lock.acquire()
        with pytest.raises(DatabaseLocked, match="in use by another process"):
            DirectoryLock(tmp_path / "lock").acquire()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limit)
        lock.release()
    assert not is_held(tmp_path / "lock")


def test_letting_go_twice_is_harmless(tmp_path: Path):
    lock = DirectoryLock(tmp_path / "lock")
    lock.release()
    lock.acquire()
    lock.release()
    lock.release()


def test_looking_whether_it_is_held_makes_nothing_and_keeps_nobody_from_taking_it(tmp_path: Path):
    path = tmp_path / "lock"
    assert not is_held(path)
    assert not path.exists()
    lock, done = DirectoryLock(path), threading.Event()

    def look() -> None:
        while not done.is_set():
            is_held(path)

    onlookers = [threading.Thread(target=look) for _ in range(2)]
    for onlooker in onlookers:
        onlooker.start()
    try:
        for _ in range(100):
            lock.acquire()
            lock.release()
    finally:
        done.set()
        for onlooker in onlookers:
            onlooker.join()
