"""Options: what arrives at the bot, and what a real client would not let a person send."""

import base64
from typing import Any, Literal

import discord
import pytest
from discord import app_commands

from tests.sandbox.conftest import Bot, Connect
from tests.sandbox.people import People


def prepare(bot: Bot) -> None:
    @bot.tree.command(description="One of each.")
    async def each(
        interaction: discord.Interaction,
        text: app_commands.Range[str, 2, 10],
        whole: app_commands.Range[int, 1, 10] | None = None,
        number: float | None = None,
        yes: bool | None = None,
        member: discord.Member | None = None,
        channel: discord.TextChannel | None = None,
        role: discord.Role | None = None,
        whom: discord.Member | discord.Role | None = None,
        file: discord.Attachment | None = None,
        pick: Literal["a", "b"] | None = None,
    ) -> None:
        given = {key: value for key, value in interaction.namespace if value is not None}
        bot.dispatch("given", given)
        assert text
        assert [whole, number, yes, member, channel, role, whom, file, pick]
        await interaction.response.send_message(" ".join(f"{key}={value}" for key, value in given.items()))

    bot.tree.add_command(money)


money = app_commands.Group(name="money", description="Money.")
inner = app_commands.Group(name="inner", description="Deeper.", parent=money)


@money.command(description="Send.")
async def send(interaction: discord.Interaction, amount: str) -> None:
    await interaction.response.send_message(f"sent {amount}")


@inner.command(description="Count.")
async def count(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("counted")


GIVEN: dict[str, tuple[dict[str, Any], str]] = {
    "text": ({}, "text=hello"),
    "integer": ({"whole": 3}, "whole=3"),
    "integer as typed": ({"whole": "3"}, "whole=3"),
    "number": ({"number": 2}, "number=2.0"),
    "boolean": ({"yes": False}, "yes=False"),
    "user by name": ({"member": "Benjamin"}, "member=benjamin"),
    "user by id": ({"member": "1190000000000000103"}, "member=benjamin"),
    "user by mention": ({"member": "<@1190000000000000103>"}, "member=benjamin"),
    "channel": ({"channel": "#treasury"}, "channel=treasury"),
    "role": ({"role": "player"}, "role=player"),
    "mentionable user": ({"whom": "clara"}, "whom=clara"),
    "mentionable role": ({"whom": "admins"}, "whom=admins"),
    "choice": ({"pick": "b"}, "pick=b"),
}


@pytest.mark.parametrize(("options", "said"), GIVEN.values(), ids=GIVEN)
async def test_an_option_arrives_as_what_it_means(
    people: People, connected: Connect, options: dict[str, Any], said: str
):
    async with connected(prepare) as bot:
        answer = await people.answer(command="each", options={"text": "hello", **options})
        assert said in answer["content"]
        assert not bot.errors


async def test_a_member_arrives_with_roles_and_permissions(people: People, connected: Connect):
    async with connected(prepare) as bot:
        waiting = bot.wait_for("given", timeout=2)
        await people.interact(command="each", options={"text": "hello", "member": "admin_martha"})
        given = await waiting
        assert isinstance(given["member"], discord.Member)
        assert [role.name for role in given["member"].roles] == ["@everyone", "admins"]
        assert given["member"].resolved_permissions.administrator


async def test_an_attachment_option_can_be_read_from_the_cdn(people: People, connected: Connect):
    async with connected(prepare) as bot:
        waiting = bot.wait_for("given", timeout=2)
        file = {"filename": "roll.csv", "content_base64": base64.b64encode(b"a,b").decode()}
        await people.interact(command="each", options={"text": "hello", "file": file})
        given = await waiting
        assert given["file"].filename == "roll.csv"
        assert await given["file"].read() == b"a,b"


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a missing required option": ({"text": None}, "needs the option 'text'"),
    "an unknown option": ({"colour": "red"}, "no option 'colour'"),
    "a text that is too short": ({"text": "a"}, "at least 2 characters"),
    "a text that is too long": ({"text": "a" * 11}, "at most 10 characters"),
    "a number for a text": ({"text": 3}, "takes a text"),
    "words for an integer": ({"whole": "three"}, "takes a whole number"),
    "a fraction for an integer": ({"whole": 1.5}, "takes a whole number"),
    "a boolean for an integer": ({"whole": True}, "takes a whole number"),
    "an integer below the range": ({"whole": 0}, "takes 1 or more"),
    "an integer above the range": ({"whole": 11}, "takes 10 or less"),
    "words for a number": ({"number": "half"}, "takes a number"),
    "infinity": ({"number": "inf"}, "takes a number"),
    "a number beyond 2^53": ({"number": 1e300}, "or less"),
    "words for a boolean": ({"yes": "perhaps"}, "takes true or false"),
    "an unknown user": ({"member": "zebedee"}, "no user 'zebedee'"),
    "a channel of another guild": ({"channel": "annapolis"}, "not a channel of Model US"),
    "an unknown role": ({"role": "king"}, "no role 'king'"),
    "a list for a user": ({"member": ["clara"]}, "takes an id or a name"),
    "no such choice": ({"pick": "c"}, "no choice of the option 'pick'"),
    "a file that is none": ({"file": "roll.csv"}, "content_base64"),
    "a file that is not base64": ({"file": {"filename": "a", "content_base64": "ä"}}, "content_base64"),
}


@pytest.mark.parametrize(("options", "said"), REFUSED.values(), ids=REFUSED)
async def test_a_client_refuses(people: People, connected: Connect, options: dict[str, Any], said: str):
    async with connected(prepare):
        status, text = await people.refused(command="each", options={"text": "hello", **options})
        assert status in (400, 404)
        assert said in text


async def test_subcommands_are_named_with_spaces(people: People, connected: Connect):
    async with connected(prepare):
        answer = await people.answer(command="money send", options={"amount": "$5"})
        assert answer["content"] == "sent $5"
        assert (await people.answer(command="/money inner count"))["content"] == "counted"
        status, text = await people.refused(command="money")
        assert (status, text) == (404, "/money is a group; it has: /money inner count, /money send")
        assert await people.refused(command="monet") == (404, "there is no command /monet")
