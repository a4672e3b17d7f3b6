"""The database is taken away, switched off or damaged: what needs none goes on, the rest says why it cannot."""

from pathlib import Path

import pytest

from tests.e2e.control import Player, eventually
from tests.e2e.stage import Stage, Town, stage_in
from tests.e2e.world import OPERATOR, TREASURER, TREASURER_ROLE

# Commands of the reference, and what of their answer shows that it is the usual one.
WITHOUT_DATABASE = {
    "ping": ({}, "Pong"),
    "about": ({}, "Rollcall"),
    "help": ({}, "/wallet balance"),
    "constitution article": ({"number": 1}, "legislative Powers"),
    "constitution amendment": ({"number": 1}, "freedom of speech"),
    "constitution search": ({"text": "Treason"}, "Treason"),
    "roll": ({"dice": "1d1"}, "1"),
}
NEEDING_IT = {
    "pay": {"user": "bob", "amount": "1"},
    "wallet balance": {},
    "wallet history": {},
    "leaderboard": {},
}


async def assert_reference_works(player: Player) -> None:
    for command, (options, says) in WITHOUT_DATABASE.items():
        answer = await player.run(command, **options)
        assert says in answer.text
        assert "Error E-" not in answer.text


async def without_a_database_file(stage: Stage) -> Town:
    """A server where money has moved, after somebody has deleted the database under the running bot."""
    town = stage.town()
    await town.admin.run("setup", admin_role=TREASURER_ROLE)
    await town.player("alice").run("pay", user="bob", amount="1")
    stage.books.file.unlink()
    await eventually(lambda: stage.database.mode != "read-write")
    stage.log.clear()
    return town


async def test_without_its_file_the_bot_refuses_what_cannot_wait_and_says_why(tmp_path: Path):
    async with stage_in(tmp_path / "data") as stage:
        town = await without_a_database_file(stage)
        answer = await town.admin.run("reverse", payment=1)
        assert "Nothing was changed" in answer.text
        assert answer.message.ephemeral
        assert not stage.books.file.exists()
        assert any(error_id_in(answer.text) in record for record in stage.log)

        health = await town.player(OPERATOR).run("dbhealth")
        assert health.message.field("Mode") != "read-write"
        assert str(stage.books.file.name) in health.text
        assert await stage.control.problems() == []


def error_id_in(text: str) -> str:
    return text.partition("Error ")[2]


async def test_a_payment_at_the_moment_the_file_goes_away_is_not_called_made(tmp_path: Path):
    async with stage_in(tmp_path / "data") as stage:
        alice = stage.town().player("alice")
        await alice.run("pay", user="bob", amount="1")
        stage.books.file.unlink()
        answer = await alice.run("pay", user="bob", amount="1")
        assert answer.message.title == "Stored for later"
        assert "will be carried out" in answer.text
        assert not stage.books.file.exists()


async def test_without_its_file_commands_that_need_none_answer_as_before(tmp_path: Path):
    async with stage_in(tmp_path / "data") as stage:
        town = await without_a_database_file(stage)
        await assert_reference_works(town.player("alice"))
        assert await town.player("alice").complete("help", "command", command="pi") == [("/ping", "ping")]
        assert not [record for record in stage.log if record.startswith("ERROR")]
        assert await stage.control.problems() == []


async def test_without_its_file_the_holders_of_the_admin_role_are_still_known(tmp_path: Path):
    async with stage_in(tmp_path / "data") as stage:
        town = await without_a_database_file(stage)
        assert (await town.player(TREASURER).run("dbhealth")).message.field("Mode") != "read-write"
        assert "Only this server's admins" in (await town.player("alice").run("dbhealth")).text


async def test_switched_off_the_database_is_read_and_not_written(tmp_path: Path):
    directory = tmp_path / "data"
    async with stage_in(directory) as stage:
        town = stage.town()
        await town.player("alice").run("pay", user="bob", amount="1")
    async with stage_in(directory, degraded=True) as stage:
        town = stage.town()
        before = town.touched()
        answer = await town.player("alice").run("pay", user="bob", amount="1")
        assert "switched off by an operator" in answer.text
        assert "Nothing was changed" in answer.text
        assert town.touched() == before
        assert "**$999.00**" in (await town.player("alice").run("wallet balance")).text
        assert "leaves $999.00" in (await town.player("alice").run("wallet history")).text
        assert "switched writing off" in (await town.admin.run("dbhealth")).text
        await assert_reference_works(town.player("alice"))
        assert await stage.control.problems() == []


async def test_the_switch_works_while_people_are_paying(tmp_path: Path):
    async with stage_in(tmp_path / "data") as stage:
        town = stage.town()
        alice = town.player("alice")
        assert (await alice.run("pay", user="bob", amount="1")).message.title == "Paid"
        stage.database.set_switch(degraded=True)
        assert "switched off" in (await alice.run("pay", user="bob", amount="1")).text
        stage.database.set_switch(degraded=False)
        assert (await alice.run("pay", user="bob", amount="1")).message.title == "Paid"
        assert len(town.memos()) == 2


@pytest.mark.parametrize("damage", ["cut off", "overwritten", "missing"])
async def test_on_a_damaged_database_the_bot_starts_all_the_same_and_tells(tmp_path: Path, damage: str):
    directory = tmp_path / "data"
    async with stage_in(directory) as stage:
        await stage.town().player("alice").run("pay", user="bob", amount="1")
    file = stage.books.file
    match damage:
        case "cut off":
            file.write_bytes(file.read_bytes()[:5000])
        case "overwritten":
            file.write_bytes(b"Dear treasurer,\n" * 1000)
        case _:
            file.unlink()
    left = file.read_bytes() if file.exists() else None

    async with stage_in(directory) as stage:
        town = stage.town()
        alice = town.player("alice")
        await assert_reference_works(alice)
        for command, options in NEEDING_IT.items():
            answer = await alice.run(command, **options)
            assert "unavailable" in answer.text or "integrity" in answer.text
            assert answer.state == "answered"
        health = await town.admin.run("dbhealth")
        assert health.message.field("Mode") == "offline"
        assert await stage.control.problems() == []
    assert (file.read_bytes() if file.exists() else None) == left
