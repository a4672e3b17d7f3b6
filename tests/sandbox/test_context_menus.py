"""Commands that are used on a user or a message."""

import discord

from sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Connect
from tests.sandbox.people import People


def prepare(bot: Bot) -> None:
    @bot.tree.context_menu(name="Greet")
    async def greet(interaction: discord.Interaction, member: discord.Member) -> None:
        await interaction.response.send_message(f"hello {member.name}")

    @bot.tree.context_menu(name="Repeat")
    async def repeat(interaction: discord.Interaction, message: discord.Message) -> None:
        await interaction.response.send_message(f"{message.author.name} said {message.content}")


async def test_a_command_is_used_on_its_target(sandbox: Sandbox, people: People, connected: Connect):
    async with connected(prepare):
        assert (await people.answer(command="Greet", target="clara"))["content"] == "hello clara"
        said = {"as": "clara", "channel": "general", "content": "order"}
        _, answer = await people.ask("POST", "/api/messages", said)
        repeated = await people.answer(command="Repeat", target=answer["message"])
        assert repeated["content"] == "clara said order"
    assert sandbox.problems == []


async def test_a_target_that_is_missing_or_unseen_is_refused(people: People, connected: Connect):
    async with connected(prepare):
        assert await people.refused(command="Greet") == (400, "'Greet' needs a target")
        assert await people.refused(command="Repeat", target="1") == (404, "abigail sees no message '1'")
        status, text = await people.refused(command="Greet", target="zebedee")
        assert status == 404
        assert "no user 'zebedee'" in text
