"""What keeps the bot from starting is one clear line and an exit code, never a traceback."""

import asyncio
import contextlib
import json
import re
import sqlite3  # noqa: TID251 - a file that some other program made
import subprocess
import sys
from pathlib import Path

import pytest

from sandbox.server import Sandbox
from tests.bot.processes import Program, stop
from tests.sandbox.people import People

CANARY = "canary-7f3a9c-token"


@pytest.fixture
def rollcall(tmp_path: Path):
    return Program(tmp_path)


async def start(rollcall: Program, socket: Path, **environment: str) -> tuple[int, str, str]:
    """Run until it ends by itself: exit code, the line on stderr that is not the log's, and all of stderr."""
    arguments = ["run", "--discord-socket", str(socket)]
    done = await asyncio.to_thread(rollcall.run, *arguments, **{"DISCORD_TOKEN": "sandbox", **environment})
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    [line] = [line for line in done.stderr.splitlines() if line.startswith("rollcall: ")]
    return done.returncode, line, done.stderr


@pytest.mark.usefixtures("sandbox")
async def test_a_wrong_token_is_refused_and_not_shown(rollcall: Program, socket: Path):
    code, line, everything = await start(rollcall, socket, DISCORD_TOKEN=CANARY)
    assert (code, line) == (78, "rollcall: Discord refuses the token: check DISCORD_TOKEN")
    assert CANARY not in everything


@pytest.mark.usefixtures("sandbox")
async def test_a_missing_privileged_intent_is_named(rollcall: Program, people: People, socket: Path):
    await people.fault("refuse_identify", code=4014)
    code, line, _ = await start(rollcall, socket)
    assert code == 78
    assert "refuses an intent" in line


@pytest.mark.usefixtures("sandbox")
async def test_a_refusal_of_the_gateway_is_named(rollcall: Program, people: People, socket: Path):
    await people.fault("refuse_identify", code=4013)
    code, line, _ = await start(rollcall, socket)
    assert code == 69
    assert "gateway refuses the bot (code 4013" in line


async def test_no_discord_at_all_is_named(rollcall: Program, socket: Path):
    code, line, _ = await start(rollcall, socket)
    assert code == 69
    assert line.startswith("rollcall: Discord cannot be reached")


@pytest.mark.usefixtures("sandbox")
async def test_a_discord_that_lets_the_bot_wait_is_given_up_on(rollcall: Program, people: People, socket: Path):
    await people.fault("delay", route="/users/@me", seconds=3)
    code, line, _ = await start(rollcall, socket, ROLLCALL_BOT__START_TIMEOUT_S="1")
    assert (code, line) == (69, "rollcall: Discord did not let the bot in within 1 s")


async def test_a_discord_that_is_ill_is_named(rollcall: Program, people: People, socket: Path):
    await people.fault("status", route="/users/@me", status=503)
    code, line, _ = await start(rollcall, socket)
    assert code == 69
    assert line.startswith("rollcall: Discord answers 503 at start")


@pytest.mark.usefixtures("sandbox")
async def test_a_feature_that_does_not_load_is_named(rollcall: Program, socket: Path):
    code, line, _ = await start(rollcall, socket, ROLLCALL_BOT__COGS="reference,nowhere")
    assert code == 70
    assert line.startswith("rollcall: the cog nowhere does not load: ")


@pytest.mark.usefixtures("sandbox")
async def test_a_foreign_database_is_refused_and_left_as_it_was(rollcall: Program, socket: Path):
    generation = rollcall.directory / "data" / "gen-1"
    generation.mkdir(parents=True)
    (rollcall.directory / "data" / "current").symlink_to("gen-1")
    with contextlib.closing(sqlite3.connect(generation / "rollcall.db")) as other:
        other.execute("CREATE TABLE t (x)")
    before = (generation / "rollcall.db").read_bytes()
    code, line, _ = await start(rollcall, socket)
    assert code == 65
    assert "rollcall.db" in line
    assert (generation / "rollcall.db").read_bytes() == before


@pytest.mark.usefixtures("sandbox")
async def test_a_data_directory_whose_parent_is_missing_is_named(rollcall: Program, socket: Path):
    code, line, _ = await start(rollcall, socket, ROLLCALL_DATABASE__PATH=str(rollcall.directory / "no" / "data"))
    assert code == 73
    assert str(rollcall.directory / "no") in line


@pytest.mark.usefixtures("sandbox")
async def test_a_second_bot_on_the_same_data_is_told_who_has_it(rollcall: Program, socket: Path, people: People):
    first = rollcall.start("run", "--discord-socket", str(socket), DISCORD_TOKEN="sandbox")
    try:
        await ready(people)
        code, line, _ = await start(rollcall, socket)
        assert code == 75
        assert f"process {first.pid}" in line
        looked = await asyncio.to_thread(rollcall.run, "db", "status")
        assert looked.returncode == 0
        assert re.search(rf"in use by +process {first.pid}", looked.stdout)
    finally:
        await asyncio.to_thread(stop, first)


@pytest.mark.usefixtures("sandbox")
async def test_a_damaged_database_starts_the_bot_without_it(rollcall: Program, socket: Path, people: People):
    generation = rollcall.directory / "data" / "gen-1"
    generation.mkdir(parents=True)
    (rollcall.directory / "data" / "current").symlink_to("gen-1")
    (generation / "rollcall.db").write_text("not a database" * 500)
    bot = rollcall.start("run", "--discord-socket", str(socket), DISCORD_TOKEN="sandbox")
    try:
        await ready(people)
        answered = await people.answer(command="ping")
        assert answered["content"] or answered["embeds"]
    finally:
        _, _, err = await asyncio.to_thread(stop, bot)
    assert "cannot write" in err
    assert "Traceback" not in err


async def test_the_token_is_in_no_log_no_line_and_no_command_line(rollcall: Program, socket: Path):
    """With everything logged that can be, through a start, an error and an end."""
    async with Sandbox(socket=socket, token=CANARY) as sandbox:
        bot = rollcall.start(
            "run", "--discord-socket", str(socket), DISCORD_TOKEN=CANARY, ROLLCALL_LOGGING__LEVEL="TRACE"
        )
        try:
            async with asyncio.timeout(10):
                while not sandbox.hub.gateway.ready:
                    await asyncio.sleep(0.02)
            shown = subprocess.run(
                ["ps", "-o", "args=", "-p", str(bot.pid)], capture_output=True, text=True, check=True
            )
            assert CANARY not in shown.stdout
        finally:
            _, out, err = await asyncio.to_thread(stop, bot)
    assert CANARY not in out + err
    assert "discord.gateway" in err
    stored = [path for path in rollcall.directory.rglob("*") if path.is_file() and CANARY.encode() in path.read_bytes()]
    assert stored == []


async def ready(people: People) -> None:
    async with asyncio.timeout(10):
        while True:
            _, state = await people.ask("GET", "/api/state")
            if state["bot"]["ready"]:
                return
            await asyncio.sleep(0.02)


def test_the_bot_starts_without_importing_the_sandbox():
    program = (
        "import sys, bot.app, bot.cli, json; print(json.dumps([m for m in sys.modules if m.startswith('sandbox')]))"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
