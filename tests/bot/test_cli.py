"""The command line in processes of its own: one clear line, an exit code, never a traceback."""

import re
import sqlite3  # noqa: TID251 - a file that some other program made
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.cli.run import _is_service
from tests.bot.processes import Program


@pytest.fixture
def rollcall(tmp_path: Path):
    return Program(tmp_path)


def test_version_names_what_it_stands_on(rollcall: Program):
    done = rollcall.run("version")
    assert done.returncode == 0
    assert re.match(r"rollcall \d+\.\d+\.\d+ \(Python 3\S+, discord.py 2\S+, SQLite 3\S+ \(\w+\)\)\n$", done.stdout)


def test_config_check_finds_the_defaults_sound(rollcall: Program):
    done = rollcall.run("config", "check")
    assert (done.returncode, done.stderr) == (0, "")
    assert "config.toml is missing, the defaults hold: sound; no token" in done.stdout


def test_config_check_prints_every_problem_on_a_line(rollcall: Program):
    (rollcall.directory / "config.toml").write_text("[database]\nreaders = 0\nretry_attempts = 0")
    done = rollcall.run("config", "check")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr.splitlines() == [
        "rollcall: config.toml: database.readers = 0: allowed is an integer from 1 to 64",
        "rollcall: config.toml: database.retry_attempts = 0: allowed is an integer from 1 to 100",
    ]


@pytest.mark.parametrize("command", [("run",), ("db", "status")])
def test_a_wrong_configuration_stops_every_command(rollcall: Program, command: tuple[str, ...]):
    done = rollcall.run(*command, ROLLCALL_DATABASE__READERS="x")
    assert (done.returncode, done.stdout) == (78, "")
    assert done.stderr == 'rollcall: ROLLCALL_DATABASE__READERS = "x": allowed is an integer from 1 to 64\n'


def test_the_configuration_can_lie_elsewhere(rollcall: Program):
    (rollcall.directory / "other.toml").write_text("[nowhere]")
    done = rollcall.run("config", "check", "--config", "other.toml")
    assert done.returncode == 78
    assert done.stderr.startswith("rollcall: other.toml: nowhere: there is no such section")


@pytest.mark.parametrize("environment", [{"INVOCATION_ID": "x"}, {"ROLLCALL_SANDBOX__ENABLED": "false"}])
def test_a_service_without_its_token_is_told_so(rollcall: Program, environment: dict[str, str]):
    done = rollcall.run("run", **environment)
    assert done.returncode == 78
    assert done.stderr == "rollcall: DISCORD_TOKEN is not set, and a service starts no sandbox\n"
    assert not (rollcall.directory / "data").exists()


def test_the_main_process_of_a_container_is_a_service(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.getpid", lambda: 1)
    assert _is_service()


def text_file(data: Path):
    (data / "gen-1").mkdir(parents=True)
    (data / "gen-1" / "rollcall.db").write_text("dear diary")
    (data / "current").symlink_to("gen-1")


def foreign_database(data: Path):
    (data / "gen-1").mkdir(parents=True)
    with sqlite3.connect(data / "gen-1" / "rollcall.db") as other:
        other.execute("CREATE TABLE t (x)")
    other.close()
    (data / "current").symlink_to("gen-1")


def empty_file(data: Path):
    (data / "gen-1").mkdir(parents=True)
    (data / "gen-1" / "rollcall.db").touch()
    (data / "current").symlink_to("gen-1")


def directory_in_its_place(data: Path):
    (data / "gen-1" / "rollcall.db").mkdir(parents=True)
    (data / "current").symlink_to("gen-1")


def dangling_link(data: Path):
    data.mkdir()
    (data / "current").symlink_to("gen-7")


def link_to_itself(data: Path):
    data.mkdir()
    (data / "current").symlink_to("current")


def file_in_the_directorys_place(data: Path):
    data.write_text("no directory")


@pytest.mark.parametrize(
    ("prepare", "code", "state"),
    [
        (lambda _data: None, 66, "new"),
        (text_file, 65, "damaged"),
        (foreign_database, 65, "foreign"),
        (empty_file, 65, "damaged"),
        (directory_in_its_place, 65, "damaged"),
        (dangling_link, 66, "absent"),
        (link_to_itself, None, None),
        (file_in_the_directorys_place, None, None),
    ],
)
def test_db_status_says_what_is_there_and_touches_nothing(
    rollcall: Program, prepare: Callable[[Path], object], code: int | None, state: str | None
):
    data = rollcall.directory / "data"
    prepare(data)
    before = sorted((path, path.lstat().st_mtime_ns, path.lstat().st_size) for path in rollcall.directory.rglob("*"))
    done = CliRunner().invoke(app, ["db", "status"], env=rollcall.environment)
    assert isinstance(done.exception, SystemExit)
    assert done.exit_code == code if code else done.exit_code in (65, 66)
    assert state is None or re.search(rf"^state +{state}", done.stdout)
    after = sorted((path, path.lstat().st_mtime_ns, path.lstat().st_size) for path in rollcall.directory.rglob("*"))
    assert after == before


def test_db_status_prints_odd_paths_whole_and_as_they_are(rollcall: Program):
    path = rollcall.directory / ("[red]" + "long" * 40)
    done = CliRunner().invoke(app, ["db", "status"], env={"ROLLCALL_DATABASE__PATH": str(path)})
    assert done.exit_code == 66
    assert re.search(rf"^path +{re.escape(str(path))} *$", done.stdout, re.MULTILINE)
