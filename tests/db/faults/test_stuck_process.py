"""The disk does not answer the bot: whoever pays is told, and the process still ends when it is asked to."""

import asyncio
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.db.faults.strace import HANG, SYNC
from tests.e2e.books import Books
from tests.e2e.control import eventually
from tests.e2e.process import bot_process
from tests.e2e.stage import discord_here

CLOSED_WITHIN_S = 5.0


@contextmanager
def hanging_disk(pid: int, database: Path, log: Path) -> Iterator[None]:
    """Every sync of the database by that process takes longer than anybody waits."""
    only = ["-P", str(database), "-P", f"{database}-wal", "-e", f"trace={SYNC}", "-e", f"inject={SYNC}:{HANG}"]
    with subprocess.Popen(["strace", "-f", "-qq", "-o", log, *only, "-p", str(pid)], start_new_session=True) as tracer:
        try:
            while "TracerPid:\t0\n" in Path(f"/proc/{pid}/status").read_text():
                time.sleep(0.005)
            yield
        finally:
            tracer.kill()  # asked politely, it waits for a process that is about to end


async def test_a_bot_whose_writer_hangs_says_so_and_gives_up_closing_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """strace itself keeps the process from ending while it delays the call: what counts is when it gave up."""
    for name in [name for name in os.environ if name.startswith("ROLLCALL_")]:
        monkeypatch.delenv(name)  # what is set for the tests is no setting of the bot
    directory, log = tmp_path / "data", tmp_path / "rollcall.log"
    settings = {"DATABASE__OPERATION_TIMEOUT_S": "0.3", "DATABASE__BUSY_TIMEOUT_S": "0.1", "LOGGING__FILE": str(log)}
    async with discord_here() as discord, bot_process(discord, directory, **settings) as process:
        player = discord.town(Books(directory)).player("alice")
        with hanging_disk(process.pid, directory / "gen-1" / "rollcall.db", tmp_path / "strace.log"):
            answer = await player.run("pay", user="bob", amount="1")
            assert answer.message.title != "Paid"
            assert "not known" in answer.text or "Stored for later" in answer.text
            ending = asyncio.create_task(process.end())
            await eventually(lambda: "giving up" in log.read_text(), within_s=CLOSED_WITHIN_S + 0.5)
        assert await ending == os.EX_SOFTWARE
