"""Who may do what, command by command; and no command without a test."""

import ast
from pathlib import Path
from typing import Any

import pytest

from bot.app import MIGRATIONS
from bot.permissions import MATRIX, Level
from tests.e2e.control import Refused
from tests.e2e.stage import Stage, Town
from tests.e2e.world import OPERATOR, TREASURER

pytestmark = pytest.mark.asyncio(loop_scope="module")

# For each command: who may run it, and options with which it runs.
ROWS: dict[str, tuple[Level, dict[str, Any]]] = {
    "ping": (Level.PLAYER, {}),
    "about": (Level.PLAYER, {}),
    "help": (Level.PLAYER, {}),
    "constitution article": (Level.PLAYER, {"number": 1}),
    "constitution amendment": (Level.PLAYER, {"number": 1}),
    "constitution search": (Level.PLAYER, {"text": "Senate"}),
    "roll": (Level.PLAYER, {}),
    "wallet balance": (Level.PLAYER, {}),
    "wallet history": (Level.PLAYER, {}),
    "pay": (Level.PLAYER, {"user": "bob", "amount": "1"}),
    "leaderboard": (Level.PLAYER, {}),
    "setup": (Level.ADMIN, {}),
    "grant": (Level.ADMIN, {"user": "bob", "amount": "1"}),
    "reverse": (Level.ADMIN, {"payment": 1}),
    "dbhealth": (Level.ADMIN, {}),
}
PLAYERS_OWN = [command for command, (level, _) in ROWS.items() if level is Level.PLAYER]
ADMINS = [command for command, (level, _) in ROWS.items() if level is Level.ADMIN]
# Discord keeps it from everybody without Manage Server; the bot never hears of the attempt.
KEPT_BY_DISCORD = {"setup"}

NOT_ALLOWED = "Only this server's admins may run this."


async def test_the_matrix_says_of_every_command_that_discord_was_given_who_may_run_it(stage: Stage):
    given = await stage.control.commands()
    assert sorted(given) == sorted(MATRIX)
    assert {command: level for command, (level, _) in ROWS.items()} == MATRIX


async def test_every_command_that_discord_was_given_is_run_by_a_test(stage: Stage):
    run = {command for path in Path(__file__).parent.glob("test_*.py") for command in commands_run_in(path)}
    assert set(await stage.control.commands()) - run == set()


def commands_run_in(path: Path) -> set[str]:
    """The commands named in this module's calls of Player.run and Player.begin."""
    calls = [node for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, ast.Call) and node.args]
    return {
        call.args[0].value
        for call in calls
        if isinstance(call.func, ast.Attribute)
        and call.func.attr in {"run", "begin"}
        and isinstance(call.args[0], ast.Constant)
    }


@pytest.mark.parametrize("command", PLAYERS_OWN)
async def test_a_player_may_run_what_is_everybodys(town: Town, command: str):
    answer = await town.player("alice").run(command, **ROWS[command][1])
    assert answer.state == "answered"
    assert NOT_ALLOWED not in answer.text


@pytest.mark.parametrize("name", ["alice", TREASURER])
@pytest.mark.parametrize("command", ADMINS)
async def test_a_player_may_not_run_what_is_the_admins(town: Town, command: str, name: str):
    options = ROWS[command][1]
    if command in KEPT_BY_DISCORD:
        with pytest.raises(Refused, match="may not use"):
            await town.player(name).run(command, **options)
    else:
        answer = await town.player(name).run(command, **options)
        assert NOT_ALLOWED in answer.text
        assert answer.message.ephemeral
    assert town.touched() == []


@pytest.mark.parametrize("command", ROWS)
async def test_an_admin_may_run_everything(town: Town, command: str):
    answer = await town.admin.run(command, **ROWS[command][1])
    assert answer.state == "answered"
    assert NOT_ALLOWED not in answer.text


@pytest.mark.parametrize("command", set(ROWS) - KEPT_BY_DISCORD)
async def test_an_operator_may_run_everything_that_discord_lets_through(town: Town, command: str):
    answer = await town.player(OPERATOR).run(command, **ROWS[command][1])
    assert answer.state == "answered"
    assert NOT_ALLOWED not in answer.text


async def test_only_an_operator_sees_where_the_database_lies(town: Town):
    path = str(town.books.directory)
    health = await town.player(OPERATOR).run("dbhealth")
    assert path in health.text.replace("\\", "")
    assert health.message.ephemeral
    assert path not in (await town.admin.run("dbhealth")).text.replace("\\", "")


async def test_dbhealth_says_that_all_is_well_and_with_which_numbers(town: Town):
    await town.player("alice").run("pay", user="bob", amount="1")
    message = (await town.admin.run("dbhealth")).message
    assert message.field("Mode") == "read-write"
    assert message.field("Schema") == f"version {len(list(MIGRATIONS.iterdir()))}"
    assert "none failed" in message.field("Writes")
