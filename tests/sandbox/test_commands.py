"""The bulk overwrite of commands: what Discord takes, and what it refuses."""

from typing import Any

import discord
import pytest
from discord import app_commands

from sandbox.command_form import check_commands
from sandbox.errors import DiscordError
from sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Connect
from tests.sandbox.people import People


def command(**changes: Any) -> dict[str, Any]:
    return {"name": "pay", "description": "Pay somebody.", "type": 1, **changes}


def option(name: str = "amount", **changes: Any) -> dict[str, Any]:
    return {"name": name, "description": "How much.", "type": 3, **changes}


def subcommand(name: str, *options: dict[str, Any]) -> dict[str, Any]:
    return option(name, type=1, options=list(options))


def group(name: str, *options: dict[str, Any]) -> dict[str, Any]:
    return option(name, type=2, options=list(options))


ACCEPTED = {
    "plain": [command()],
    "letters of other scripts": [command(name="zahlen-für_'x")],
    "the marks of Devanagari": [command(name="नमस्ते")],
    "a subcommand in a group": [command(options=[group("history", subcommand("of", option()))])],
    "the same name for another type": [command(), {"name": "pay", "type": 2}],
    "spaces and capitals in a context menu": [{"name": "Pay This User", "type": 2, "description": ""}],
    "a range": [command(options=[option(type=4, min_value=1, max_value=1)])],
    "25 choices": [command(options=[option(choices=[{"name": str(n), "value": str(n)} for n in range(25)])])],
    "100 commands": [command(name=f"c{n}") for n in range(100)],
}

REFUSED = {
    "no list": ({}, "LIST_TYPE_CONVERT"),
    "an upper-case name": ([command(name="Pay")], "APPLICATION_COMMAND_INVALID_NAME"),
    "a space in the name": ([command(name="pay me")], "APPLICATION_COMMAND_INVALID_NAME"),
    "an empty name": ([command(name="")], "BASE_TYPE_REQUIRED"),
    "a name of 33": ([command(name="a" * 33)], "BASE_TYPE_BAD_LENGTH"),
    "no description": ([{"name": "pay"}], "BASE_TYPE_REQUIRED"),
    "a description of 101": ([command(description="a" * 101)], "BASE_TYPE_BAD_LENGTH"),
    "an unknown type": ([command(type=9)], "BASE_TYPE_CHOICES"),
    "a duplicate": ([command(), command()], "APPLICATION_COMMANDS_DUPLICATE_NAME"),
    "101 commands": ([command(name=f"c{n}") for n in range(101)], "APPLICATION_COMMANDS_LIMIT_REACHED"),
    "16 user menus": ([{"name": f"m{n}", "type": 2} for n in range(16)], "APPLICATION_COMMANDS_LIMIT_REACHED"),
    "a described context menu": (
        [{"name": "Pay", "type": 2, "description": "x"}],
        "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION",
    ),
    "26 options": ([command(options=[option(f"o{n}") for n in range(26)])], "BASE_TYPE_MAX_LENGTH"),
    "required after optional": (
        [command(options=[option("a"), option("b", required=True)])],
        "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID",
    ),
    "two options of one name": (
        [command(options=[option(), option()])],
        "APPLICATION_COMMAND_OPTIONS_NAME_NOT_UNIQUE",
    ),
    "an option of an unknown type": ([command(options=[option(type=12)])], "BASE_TYPE_CHOICES"),
    "a value beside a subcommand": (
        [command(options=[subcommand("a"), option("b")])],
        "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
    ),
    "a group within a group": ([command(options=[group("a", group("b", subcommand("c")))])], "BASE_TYPE_CHOICES"),
    "a subcommand within a subcommand": (
        [command(options=[subcommand("a", subcommand("b"))])],
        "BASE_TYPE_CHOICES",
    ),
    "an empty group": ([command(options=[group("a")])], "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"),
    "26 choices": (
        [command(options=[option(choices=[{"name": str(n), "value": str(n)} for n in range(26)])])],
        "BASE_TYPE_MAX_LENGTH",
    ),
    "a choice of the wrong type": (
        [command(options=[option(type=4, choices=[{"name": "one", "value": "1"}])])],
        "NUMBER_TYPE_COERCE",
    ),
    "choices of a user": (
        [command(options=[option(type=6, choices=[{"name": "one", "value": "1"}])])],
        "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID",
    ),
    "choices and autocomplete": (
        [command(options=[option(autocomplete=True, choices=[{"name": "one", "value": "1"}])])],
        "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE",
    ),
    "a range of a text": ([command(options=[option(min_value=1)])], "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID"),
    "a range upside down": (
        [command(options=[option(type=4, min_value=2, max_value=1)])],
        "APPLICATION_COMMAND_OPTIONS_RANGE",
    ),
    "a number beyond 2^53": ([command(options=[option(type=4, max_value=2**60)])], "NUMBER_TYPE_COERCE"),
    "a length beyond 6000": ([command(options=[option(max_length=6001)])], "NUMBER_TYPE_MAX"),
    "permissions in words": ([command(default_member_permissions="admin")], "PERMISSIONS_TYPE_CONVERT"),
    "8001 characters": (
        [
            command(
                options=[
                    subcommand(f"s{n}", *(option(f"o{m}" * 10, description="d" * 100) for m in range(9)))
                    for n in range(8)
                ]
            )
        ],
        "APPLICATION_COMMAND_TOO_LARGE",
    ),
}


@pytest.mark.parametrize("payload", ACCEPTED.values(), ids=ACCEPTED)
def test_discord_takes(payload: Any):
    check_commands(payload)


@pytest.mark.parametrize(("payload", "code"), REFUSED.values(), ids=REFUSED)
def test_discord_refuses(payload: Any, code: str):
    with pytest.raises(DiscordError) as refused:
        check_commands(payload)
    assert refused.value.code == 50035
    assert code in str(refused.value.errors)


def test_every_fault_of_a_list_is_reported_where_it_is():
    with pytest.raises(DiscordError) as refused:
        check_commands([command(name="Pay"), command(options=[option(type=99)])])
    errors = refused.value.errors or {}
    assert set(errors) == {"0", "1"}
    assert errors["1"]["options"]["0"]["type"]["_errors"][0]["code"] == "BASE_TYPE_CHOICES"


async def test_discord_py_is_told_which_command_was_refused(sandbox: Sandbox, connected: Connect):
    def prepare(bot: Bot) -> None:
        @bot.tree.command(description="Fine.")
        async def fine(interaction: discord.Interaction) -> None:
            await interaction.response.defer()

    async with connected(prepare) as bot:
        fine = bot.tree.get_command("fine")
        assert isinstance(fine, app_commands.Command)
        fine.description = "x" * 101
        with pytest.raises(app_commands.CommandSyncFailure, match="fine"):
            await bot.tree.sync()
    assert [problem.code for problem in sandbox.problems] == [50035]


async def test_a_command_keeps_its_id_when_it_is_registered_again(people: People, connected: Connect):
    def prepare(bot: Bot) -> None:
        @bot.tree.command(description="Fine.")
        @app_commands.default_permissions(manage_guild=True)
        async def fine(interaction: discord.Interaction) -> None:
            await interaction.response.defer()

    async with connected(prepare) as bot:
        _, before = await people.ask("GET", "/api/state")
        [synced] = await bot.tree.sync()
        _, after = await people.ask("GET", "/api/state")
        assert before["commands"][0]["id"] == after["commands"][0]["id"] == str(synced.id)
        assert synced.default_member_permissions == discord.Permissions(manage_guild=True)
        [fetched] = await bot.tree.fetch_commands()
        assert fetched == synced


async def test_a_guilds_own_command_wins_over_the_global_one(people: People, connected: Connect):
    def prepare(bot: Bot) -> None:
        @bot.tree.command(name="where", description="Everywhere.")
        async def everywhere(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("everywhere")

    async with connected(prepare) as bot:
        guild = bot.guilds[0]

        @bot.tree.command(name="where", description="Here.", guild=guild)
        async def here(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("here")

        await bot.tree.sync(guild=guild)
        assert (await people.answer(command="where"))["content"] == "here"
        assert (await people.answer(command="where", channel="annapolis"))["content"] == "everywhere"


@pytest.mark.parametrize(
    ("who", "needs", "status"),
    [("abigail", None, 200), ("abigail", "manage_guild", 403), ("admin_martha", "manage_guild", 200)],
)
async def test_default_permissions_decide_who_may_invoke(
    people: People, connected: Connect, who: str, needs: str | None, status: int
):
    def prepare(bot: Bot) -> None:
        @app_commands.command(description="For some.")
        async def some(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("well")

        bot.tree.add_command(app_commands.default_permissions(**{needs: True})(some) if needs else some)

    async with connected(prepare):
        body = {"as": who, "channel": "general", "command": "some"}
        answered, answer = await people.ask("POST", "/api/interactions", body)
        assert answered == status, answer
