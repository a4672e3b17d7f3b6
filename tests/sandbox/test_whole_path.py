import discord

from sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Connect
from tests.sandbox.people import People


def ping(bot: Bot) -> None:
    @bot.tree.command(description="Are you there?")
    async def ping(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("pong")


async def test_a_command_goes_from_a_person_to_the_bot_and_its_answer_back(
    sandbox: Sandbox, people: People, connected: Connect
):
    async with connected(ping):
        _, state = await people.ask("GET", "/api/state")
        assert state["bot"]["ready"]
        assert [command["name"] for command in state["commands"]] == ["ping"]

        interaction = await people.interact(command="ping")

        [message] = await people.messages(**{"as": "abigail"})
        assert message["content"] == "pong"
        assert message["interaction"] == interaction
        outcome = await people.outcome(interaction)
        assert outcome["state"] == "answered"
        assert 0 < outcome["acknowledged_ms"] <= outcome["answered_ms"]
    assert sandbox.problems == []
