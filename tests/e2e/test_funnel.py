"""A command that goes wrong: the user is told so with an error id, and the log has the rest under that id."""

import re
from collections.abc import AsyncGenerator

import pytest
import pytest_asyncio
from discord import app_commands

from bot import permissions
from bot.funnel import Interaction, defer
from bot.permissions import Level
from tests.e2e.control import Answer
from tests.e2e.stage import Stage, Town

pytestmark = pytest.mark.asyncio(loop_scope="module")

ERROR_ID = re.compile(r"Error (E-[0-9A-HJKMNP-TV-Z]{6})")


@app_commands.command(description="Fails before it has said anything.")
async def crash(_interaction: Interaction) -> None:
    raise ZeroDivisionError("the treasury is a fraction")


@app_commands.command(description="Fails after it has asked for time, in front of everybody.")
async def collapse(interaction: Interaction) -> None:
    await defer(interaction, ephemeral=False)
    raise ZeroDivisionError("the treasury is a fraction")


@pytest_asyncio.fixture(scope="module", loop_scope="module", autouse=True)
async def _with_faulty_commands(stage: Stage) -> AsyncGenerator[None]:
    with pytest.MonkeyPatch.context() as patch:
        for command in (crash, collapse):
            stage.bot.tree.add_command(command)
            patch.setitem(permissions.MATRIX, command.name, Level.PLAYER)
        await stage.bot.tree.sync()
        yield


def error_id(answer: Answer) -> str:
    found = ERROR_ID.search(answer.text)
    assert found, answer.text
    return found[1]


async def test_a_crash_is_told_with_an_id_that_the_log_has_with_its_traceback(stage: Stage, town: Town):
    answer = await town.player("alice").run("crash")
    assert "Something went wrong on our side." in answer.text
    assert "fraction" not in answer.text
    assert answer.message.ephemeral

    [record] = [record for record in stage.log if error_id(answer) in record]
    assert record.startswith("ERROR /crash failed for user")
    assert "ZeroDivisionError: the treasury is a fraction" in record
    assert "in crash" in record


async def test_a_crash_after_the_bot_has_asked_for_time_is_told_too(stage: Stage, town: Town):
    answer = await town.player("alice").run("collapse")
    assert answer.state == "answered"
    assert any(error_id(answer) in record for record in stage.log)


async def test_each_crash_has_an_id_of_its_own(town: Town):
    alice = town.player("alice")
    assert error_id(await alice.run("crash")) != error_id(await alice.run("crash"))


async def test_after_a_crash_everything_else_works_as_before(town: Town):
    alice = town.player("alice")
    await alice.run("crash")
    assert (await alice.run("pay", user="bob", amount="1")).message.title == "Paid"


async def test_a_refusal_is_no_fault_of_ours_and_bears_no_id(stage: Stage, town: Town):
    answer = await town.player("alice").run("pay", user="alice", amount="1")
    assert not ERROR_ID.search(answer.text)
    assert not [record for record in stage.log if record.startswith("ERROR")]
