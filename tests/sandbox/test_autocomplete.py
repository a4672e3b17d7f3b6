"""Choices offered while a person types."""

from typing import Any

import discord
import pytest
from discord import app_commands

from sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Connect
from tests.sandbox.people import People

STATES = ("Maine", "Maryland", "Massachusetts")


def prepare(bot: Bot) -> None:
    @bot.tree.command(description="Find a state.")
    async def state(interaction: discord.Interaction, since: int, name: str, note: str = "") -> None:
        await interaction.response.send_message(f"{name} {since} {note}")

    @state.autocomplete("name")
    async def names(interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[str]]:
        since = interaction.namespace.since
        return [
            app_commands.Choice(name=f"{each} ({since})", value=each)
            for each in STATES
            if each.lower().startswith(typed.lower())
        ]

    @state.autocomplete("since")
    async def years(_interaction: discord.Interaction, typed: str) -> list[app_commands.Choice[Any]]:
        return [app_commands.Choice(name="what you typed", value=typed)]


async def complete(people: People, focused: str, **options: Any) -> tuple[int, Any]:
    body = {"as": "clara", "channel": "general", "command": "state", "options": options, "focused": focused}
    return await people.ask("POST", "/api/autocomplete", body)


async def test_the_bot_offers_choices_for_what_has_been_typed(sandbox: Sandbox, people: People, connected: Connect):
    async with connected(prepare):
        status, answer = await complete(people, "name", since=1788, name="mar")
        assert (status, answer) == (200, {"choices": [{"name": "Maryland (1788)", "value": "Maryland"}]})
        _, answer = await complete(people, "name")
        assert [choice["value"] for choice in answer["choices"]] == list(STATES)
    assert sandbox.problems == []


async def test_what_was_typed_may_be_sent_without_being_a_choice(people: People, connected: Connect):
    async with connected(prepare):
        answer = await people.answer(command="state", options={"since": 1, "name": "Atlantis"})
        assert answer["content"].startswith("Atlantis")


@pytest.mark.parametrize(
    ("focused", "options", "said"),
    [
        ("note", {}, "the option 'note' does not complete what is typed"),
        ("colour", {}, "no option 'colour'"),
        ("name", {"since": "long ago"}, "takes a whole number"),
    ],
)
async def test_a_client_refuses_to_complete(
    people: People, connected: Connect, focused: str, options: dict[str, Any], said: str
):
    async with connected(prepare):
        status, answer = await complete(people, focused, **options)
        assert status == 400
        assert said in answer["error"]


async def test_a_choice_of_the_wrong_type_is_the_bots_problem(sandbox: Sandbox, people: People, connected: Connect):
    async with connected(prepare):
        sandbox.hub.interactions.acknowledge_s = 0.2
        status, answer = await complete(people, "since", since="long ago")
        assert status == 504, answer
    [problem] = sandbox.problems
    assert problem.errors == {
        "choices": {
            "0": {
                "value": {"_errors": [{"code": "NUMBER_TYPE_COERCE", "message": 'Value "long ago" is not a number.'}]}
            }
        }
    }
