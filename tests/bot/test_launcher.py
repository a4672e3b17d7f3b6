"""`rollcall run` without a token: two children, one page, one end."""

import contextlib
import json
import os
import re
import signal
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from bot.config import BotConfig, Config, LoggingConfig
from bot.launcher import _environment
from tests.bot.processes import Program, alive, descendants, stop


@pytest.fixture
def rollcall(tmp_path: Path):
    return Program(tmp_path)


# The process, the address of its page, its children's ids; for `Lasting` with the program in front.
Launched = tuple[subprocess.Popen[str], str, set[int]]
Lasting = tuple[Program, subprocess.Popen[str], str, set[int]]


@contextlib.contextmanager
def launched(rollcall: Program) -> Iterator[Launched]:
    """The launcher once it is ready: process, address of the page, its children."""
    process = rollcall.start("run")
    line = process.stdout.readline()
    match = re.fullmatch(r"Rollcall is ready: (http://127\.0\.0\.1:\d+)\n", line)
    children = descendants(process.pid)
    try:
        assert match, line + stop(process)[2]
        yield process, match[1], children
    finally:
        if process.poll() is None:
            stop(process)
        assert not [pid for pid in children if alive(pid)]


@pytest.fixture
def running(rollcall: Program):
    with launched(rollcall) as launcher:
        yield launcher


@pytest.fixture(scope="module")
def lasting(tmp_path_factory: pytest.TempPathFactory):
    """One that several tests look at and none of them ends."""
    rollcall = Program(tmp_path_factory.mktemp("lasting"))
    with launched(rollcall) as launcher:
        yield rollcall, *launcher


def get(address: str) -> bytes:
    with urllib.request.urlopen(address, timeout=5) as answer:  # noqa: S310 - our own page
        return answer.read()


def test_the_page_is_served_and_the_bot_answers_on_it(lasting: Lasting):
    _, _, url, children = lasting
    assert b"<html" in get(url).lower()
    assert json.loads(get(f"{url}/api/state"))["bot"]["ready"]
    assert len(children) == 2
    for pid in children:
        assert b"DISCORD_TOKEN" not in Path(f"/proc/{pid}/cmdline").read_bytes()


def test_everything_is_written_below_data_sandbox_and_is_the_owners_alone(lasting: Lasting):
    rollcall, *_ = lasting
    data = rollcall.directory / "data"
    assert [path.name for path in data.iterdir()] == ["sandbox"]
    for path in [data, *data.rglob("*")]:
        if not path.is_symlink():
            assert path.stat().st_mode & 0o077 == 0, path


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_closes_both_within_five_seconds_the_bot_first(running: Launched, number: signal.Signals):
    process, _, children = running
    seconds, _, err = stop(process, number)
    assert process.returncode == 0
    assert seconds < 5
    assert not [pid for pid in children if alive(pid)]
    assert "closed" in err.splitlines()[-1]


def test_a_second_start_is_told_who_is_there_before_it_tries_the_port(lasting: Lasting):
    rollcall, process, url, _ = lasting
    began = time.monotonic()
    second = rollcall.run("run", ROLLCALL_SANDBOX__PORT=url.rpartition(":")[2])
    assert second.returncode == 75
    assert time.monotonic() - began < 3
    [line] = second.stderr.splitlines()
    assert line.startswith("rollcall: ")
    assert f"process {process.pid}" in line


@pytest.mark.parametrize(("index", "name"), [(0, "sandbox"), (1, "bot")])
def test_when_one_of_them_dies_the_other_is_ended_and_it_is_said(running: Launched, index: int, name: str):
    process, _, children = running
    os.kill(sorted(children)[index], signal.SIGKILL)
    _, err = process.communicate(timeout=10)
    assert process.returncode == 70
    assert f"rollcall: the {name} was killed by SIGKILL" in err


def test_nothing_survives_a_launcher_that_is_killed(running: Launched):
    process, _, children = running
    process.kill()
    process.communicate()
    deadline = time.monotonic() + 5
    while any(alive(pid) for pid in children) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert not [pid for pid in children if alive(pid)]


def test_a_port_that_is_taken_is_one_clear_line(lasting: Lasting):
    rollcall, _, url, _ = lasting
    port = url.rpartition(":")[2]
    done = rollcall.run("run", ROLLCALL_SANDBOX__PORT=port, ROLLCALL_DATABASE__PATH=str(rollcall.directory / "other"))
    assert done.returncode == 69
    [line] = done.stderr.splitlines()
    assert line.startswith(f"rollcall: port {port} cannot be used: Address already in use")
    assert "ROLLCALL_SANDBOX__PORT" in line


def test_a_bot_that_cannot_start_ends_the_sandbox_and_passes_its_line_and_code_on(rollcall: Program):
    done = rollcall.run("run", ROLLCALL_BOT__COGS="nowhere")
    assert done.returncode == 70
    [line] = [line for line in done.stderr.splitlines() if line.startswith("rollcall: ")]
    assert line.startswith("rollcall: the cog nowhere does not load: ExtensionNotFound: ")


def test_a_data_directory_that_cannot_be_made_is_named(rollcall: Program):
    (rollcall.directory / "data").write_text("no directory")
    done = rollcall.run("run")
    assert done.returncode == 73
    assert done.stderr == f"rollcall: {rollcall.directory}/data cannot be made a directory: File exists\n"


def test_whatever_is_configured_for_production_the_sandbox_has_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISCORD_TOKEN_FILE", "/run/token")
    monkeypatch.setenv("rollcall_database__path", "/srv/rollcall")
    config = Config(bot=BotConfig(operators=(7,), guilds=(8,)), logging=LoggingConfig(file="/var/log/rollcall.log"))
    users = [{"id": "100", "name": "Admin_Ann"}, {"id": "200", "name": "bob"}]
    environment = _environment(config, tmp_path, {"users": users})
    ours = {name: value for name, value in environment.items() if name.upper().startswith(("ROLLCALL_", "DISCORD_"))}
    assert ours == {
        "DISCORD_TOKEN": "sandbox",
        "ROLLCALL_DATABASE__PATH": str(tmp_path),
        "ROLLCALL_BOT__OPERATORS": "7,100",
        "ROLLCALL_BOT__GUILDS": "",
        "ROLLCALL_LOGGING__FILE": str(tmp_path / "rollcall.log"),
    }
