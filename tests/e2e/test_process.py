"""The bot as a process: what it leaves on the disk, what it never writes anywhere, and how it ends."""

import asyncio
import stat
import time
from pathlib import Path

from tests.e2e.books import Books
from tests.e2e.control import Player, eventually
from tests.e2e.process import bot_process
from tests.e2e.stage import discord_here
from tests.e2e.world import PAYERS

CLOSED_WITHIN_S = 5.0
# Of the shape that Discord's own tokens have.
CANARY = "MTIwMDAwMDAwMDAwMDAwMDAwMA.GcAnAr.yCanaryCanaryCanaryCanaryCanaryCanary"


async def use_everything(player: Player, admin: Player) -> None:
    await player.run("ping")
    await player.run("pay", user="bob", amount="1", memo="for the record")
    await player.run("pay", user="bob", amount="nonsense")
    await player.run("wallet history")
    await admin.run("grant", user="bob", amount="5")
    await admin.run("dbhealth")


async def test_nobody_else_on_the_machine_can_read_what_the_bot_has_stored(tmp_path: Path):
    directory = tmp_path / "data"
    async with discord_here() as discord:
        town = discord.town(Books(directory))
        log = directory / "rollcall.log"
        async with bot_process(discord, directory, LOGGING__FILE=str(log), LOGGING__LEVEL="DEBUG") as process:
            await use_everything(town.player("alice"), town.admin)
            while_running = modes_below(directory)
            assert await process.end() == 0
    assert log.exists()
    for directories, files in (while_running, modes_below(directory)):
        assert set(directories.values()) == {0o700}, directories
        assert set(files.values()) == {0o600}, files
    assert {"rollcall.db", "rollcall.db-wal", "lock", "manifest.log", "rollcall.log"} <= while_running[1].keys()


def modes_below(directory: Path) -> tuple[dict[str, int], dict[str, int]]:
    """The permissions of the directories and of the files, by name."""
    paths = [directory, *(path for path in directory.rglob("*") if not path.is_symlink())]
    modes = {path: stat.S_IMODE(path.stat().st_mode) for path in paths}
    directories = {path.name: mode for path, mode in modes.items() if path.is_dir()}
    return directories, {path.name: mode for path, mode in modes.items() if path.is_file()}


async def test_the_token_never_shows_up_in_a_log_a_file_or_an_answer(tmp_path: Path):
    directory = tmp_path / "data"
    log = tmp_path / "rollcall.log"
    async with discord_here(token=CANARY) as discord:
        town = discord.town(Books(directory))
        settings = {"LOGGING__FILE": str(log), "LOGGING__LEVEL": "TRACE"}
        async with bot_process(discord, directory, token=CANARY, **settings) as process:
            await use_everything(town.player("alice"), town.admin)
            await discord.control.fault("drop_gateway")
            await town.player("alice").run("ping")
            seen = [message.text for name in ("alice", "martha") for message in await town.player(name).sees()]
            seen += [await discord.control.page("/"), await discord.control.page("/api/state")]
            assert await process.end() == 0
    written = [path.read_bytes() for path in (log, *directory.rglob("*")) if path.is_file()]
    assert len(written) > 3
    for part in (CANARY, *CANARY.split(".")[1:]):
        assert part not in process.output
        assert not [text for text in seen if part in text]
        assert not [content for content in written if part.encode() in content]


async def test_asked_to_end_it_finishes_what_people_have_begun_and_ends_in_time(tmp_path: Path):
    books = Books(tmp_path / "data")
    async with discord_here() as discord:
        town = discord.town(books)
        async with bot_process(discord, books.directory) as process:
            paying = [asyncio.create_task(town.player(name).run("pay", user="bob", amount="1")) for name in PAYERS]
            await eventually(lambda: books.count() > 0)
            began = time.monotonic()
            assert await process.end() == 0
            assert time.monotonic() - began < CLOSED_WITHIN_S
            assert "closed" in process.output.splitlines()[-1]
        seen = 0
        for name in PAYERS:
            seen += sum(message.title == "Paid" for message in await town.player(name).sees())
        for each in paying:
            each.cancel()
        await asyncio.gather(*paying, return_exceptions=True)
        assert await discord.control.problems() == []
    assert seen == books.count() > 0
    assert books.faults() == []


async def test_a_question_that_outlived_the_bot_pays_nothing_and_says_what_to_do(tmp_path: Path):
    books = Books(tmp_path / "data")
    async with discord_here() as discord:
        town = discord.town(books)
        alice = town.player("alice")
        async with bot_process(discord, books.directory) as process:
            await town.admin.run("grant", user="alice", amount="5,000")
            question = (await alice.run("pay", user="bob", amount="5,000")).message
            await process.kill()
        async with bot_process(discord, books.directory):
            answer = await alice.click(question, "Pay")
            assert "no longer active" in answer.text
            assert answer.message.ephemeral
            assert town.memos() == []
            assert await discord.control.problems() == []
