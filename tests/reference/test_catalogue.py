from random import Random
from types import SimpleNamespace
from typing import Any, cast

import discord
import pytest
from discord import app_commands

from bot.permissions import Level
from cogs.reference.catalogue import Entry, detail, matching, named, runnable, summary
from cogs.reference.commands import Reference

NOBODY = discord.Permissions.none()


@app_commands.command()
@app_commands.default_permissions(manage_guild=True)
async def setup(interaction: discord.Interaction) -> None:
    """Set the server up."""


@pytest.fixture
def commands() -> list[Any]:
    reference = Reference(cast("Any", SimpleNamespace()), Random(0))
    return [*reference.get_app_commands(), setup]


def names(entries: list[Entry]) -> list[str]:
    return [entry.name for entry in entries]


def test_a_player_sees_the_players_commands_by_feature_and_name(commands: list[Any]):
    assert names(runnable(commands, Level.PLAYER, NOBODY)) == [
        "about",
        "constitution amendment",
        "constitution article",
        "constitution search",
        "help",
        "ping",
        "roll",
    ]


@pytest.mark.parametrize(
    ("level", "held", "sees"),
    [
        (Level.PLAYER, discord.Permissions(manage_guild=True), False),
        (Level.ADMIN, NOBODY, False),
        (Level.ADMIN, discord.Permissions(manage_guild=True), True),
        (Level.ADMIN, discord.Permissions(administrator=True), True),
        (Level.OPERATOR, discord.Permissions(administrator=True), True),
    ],
)
def test_a_command_is_shown_where_discord_and_the_matrix_both_allow_it(
    commands: list[Any], level: Level, held: discord.Permissions, sees: bool
):
    assert ("setup" in names(runnable(commands, level, held))) is sees


@pytest.mark.parametrize("typed", ["constitution", "/constitution", " /Constitution "])
def test_a_groups_name_stands_for_its_commands(commands: list[Any], typed: str):
    entries = runnable(commands, Level.PLAYER, NOBODY)
    assert names(named(entries, typed)) == [
        "constitution amendment",
        "constitution article",
        "constitution search",
    ]


def test_a_command_is_found_by_its_whole_name_alone(commands: list[Any]):
    entries = runnable(commands, Level.PLAYER, NOBODY)
    assert names(named(entries, "/constitution  article")) == ["constitution article"]
    assert named(entries, "pin") == []
    assert named(entries, "") == []


def test_completion_puts_names_that_begin_so_first(commands: list[Any]):
    entries = runnable(commands, Level.PLAYER, NOBODY)
    assert matching(entries, "/a") == [
        "about",
        "constitution amendment",
        "constitution article",
        "constitution search",
    ]


def test_the_summary_has_a_block_for_each_feature(commands: list[Any]):
    entries = runnable(commands, Level.ADMIN, discord.Permissions.all())
    reference, settings = summary(entries)
    assert reference.startswith("**Reference**\n")
    assert "`/ping` Whether I am there" in reference
    assert settings == "**Settings**\n`/setup` Set the server up."


def test_the_detail_tells_how_it_is_used_and_by_whom(commands: list[Any]):
    (entry,) = named(runnable(commands, Level.PLAYER, NOBODY), "constitution article")
    text = detail(entry)
    assert "`/constitution article number [section]`" in text
    assert "- `section` Only this section of it (optional)" in text
    assert "Everybody may run it." in text
