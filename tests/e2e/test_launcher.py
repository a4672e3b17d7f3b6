"""What a newcomer does: one command without a token, and there is a page to play on."""

import asyncio
import os
import re
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.e2e.books import Books
from tests.e2e.control import Control, Player

READY = re.compile(r"Rollcall is ready: (http://127\.0\.0\.1:\d+)")
READY_WITHIN_S = 3.0
CLOSED_WITHIN_S = 5.0


@asynccontextmanager
async def launched(directory: Path) -> AsyncGenerator[tuple[asyncio.subprocess.Process, str]]:
    """`rollcall run` in an empty directory, and the address that it prints once one can play."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run"),
        cwd=directory,
        env=os.environ | {"ROLLCALL_SANDBOX__PORT": "0", "PYTHONPATH": str(Path(__file__).parents[2])},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    assert process.stdout is not None
    try:
        async with asyncio.timeout(20):
            found = READY.search((await process.stdout.readline()).decode())
        assert found is not None
        yield process, found[1]
    finally:
        if process.returncode is None:
            process.terminate()
        await process.communicate()


async def test_one_command_brings_up_a_discord_to_play_on_and_ends_in_order(tmp_path: Path):
    began = time.monotonic()
    async with launched(tmp_path) as (process, url), Control(url) as control:
        assert time.monotonic() - began < READY_WITHIN_S
        assert "<title>" in await control.page("/")

        abigail, martha = (Player(name, "general", control) for name in ("abigail", "admin_martha"))
        paid = await abigail.run("pay", user="benjamin", amount="3.50", memo="stamps")
        assert paid.message.title == "Paid"
        assert (await martha.run("dbhealth")).message.field("Mode") == "read-write"
        assert await control.problems() == []

        began = time.monotonic()
        process.terminate()
        assert await process.wait() == 0
        assert time.monotonic() - began < CLOSED_WITHIN_S

    books = Books(tmp_path / "data" / "sandbox")
    assert [memo for (memo,) in books.rows("SELECT memo FROM payment WHERE kind = 'payment'")] == ["stamps"]
    assert {path.name for path in (tmp_path / "data").iterdir()} == {"sandbox"}
    assert {path.name for path in tmp_path.iterdir()} == {"data"}
