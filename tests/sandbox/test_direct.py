"""Direct messages: the bot opens them, the one they are for sees them, and nobody else."""

import discord
import pytest

from sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Connect
from tests.sandbox.people import People

ABIGAIL = 1190000000000000102
CLARA = 1190000000000000104
TOWN_CRIER = 1190000000000000105


def nothing(_bot: Bot) -> None: ...


async def test_a_direct_message_is_seen_by_its_recipient_alone(sandbox: Sandbox, people: People, connected: Connect):
    async with connected(nothing) as bot:
        channel = await bot.create_dm(discord.Object(CLARA))
        assert channel.recipient is not None
        assert channel.recipient.id == CLARA
        message = await channel.send("for your eyes", embed=discord.Embed(title="Title"))
        assert isinstance(message.channel, discord.DMChannel)
        assert message.guild is None
    for reference in ("DM", str(channel.id)):
        [seen] = await people.messages(channel=reference, **{"as": "clara"})
        assert (seen["id"], seen["content"], seen["ephemeral"]) == (str(message.id), "for your eyes", False)
    for viewer in ({"as": "abigail"}, {"as": "admin_martha"}, {}):
        status, _ = await people.ask("GET", "/api/messages", channel=str(channel.id), **viewer)
        assert status == 404
    assert (await people.ask("GET", "/api/messages", channel="DM", **{"as": "abigail"}))[0] == 404
    _, state = await people.ask("GET", "/api/state")
    assert {user["name"]: user["direct"] for user in state["users"] if user["direct"]} == {"clara": str(channel.id)}
    assert sandbox.problems == []


async def test_there_is_one_channel_with_each_user(connected: Connect):
    async with connected(nothing) as bot:
        opened = [await bot.http.start_private_message(user) for user in (CLARA, ABIGAIL, CLARA)]
    assert opened[0]["id"] == opened[2]["id"] != opened[1]["id"]


async def test_a_direct_message_can_be_edited_and_deleted(people: People, connected: Connect):
    async with connected(nothing) as bot:
        message = await (await bot.create_dm(discord.Object(CLARA))).send("first")
        await message.edit(content="second")
        [seen] = await people.messages(channel="DM", **{"as": "clara"})
        assert (seen["content"], seen["edited"]) == ("second", True)
        await message.delete()
        assert await people.messages(channel="DM", **{"as": "clara"}) == []


async def test_it_pings_those_two_alone(people: People, connected: Connect):
    async with connected(nothing) as bot:
        await (await bot.create_dm(discord.Object(CLARA))).send(f"<@{CLARA}> <@{ABIGAIL}> <@&1190000000000001102>")
    [seen] = await people.messages(channel="DM", **{"as": "clara"})
    assert seen["mentions"] == {"users": [str(CLARA)], "roles": [], "everyone": False}


async def test_bots_take_no_direct_messages(sandbox: Sandbox, connected: Connect):
    async with connected(nothing) as bot:
        channel = await bot.create_dm(discord.Object(TOWN_CRIER))
        with pytest.raises(discord.Forbidden) as refused:
            await channel.send("hello")
    assert refused.value.code == 50007
    assert sandbox.problems == []


@pytest.mark.parametrize("recipient", [1190000000000000001, 5], ids=["itself", "nobody"])
async def test_whom_no_channel_can_be_opened_with(sandbox: Sandbox, connected: Connect, recipient: int):
    async with connected(nothing) as bot:
        with pytest.raises(discord.HTTPException) as refused:
            await bot.create_dm(discord.Object(recipient))
    assert (refused.value.status, refused.value.code) == (400, 50033)
    assert [problem.code for problem in sandbox.problems] == [50033]


async def test_people_do_not_write_or_click_there(people: People, connected: Connect):
    async with connected(nothing) as bot:
        view = discord.ui.View()
        view.add_item(discord.ui.Button(label="Yes", custom_id="yes"))
        message = await (await bot.create_dm(discord.Object(CLARA))).send("well?", view=view)
        body = {"as": "clara", "channel": str(message.channel.id), "content": "hello"}
        assert (await people.ask("POST", "/api/messages", body))[0] == 404
        assert (await people.refused(as_="clara", message=str(message.id), custom_id="yes"))[0] == 409
        assert (await people.refused(message=str(message.id), custom_id="yes"))[0] == 404


async def test_the_one_it_is_for_hears_of_it(sandbox: Sandbox, connected: Connect):
    async with connected(nothing) as bot:
        channel = await bot.create_dm(discord.Object(CLARA))
        with sandbox.hub.events.watch() as watcher:
            await channel.send("hello")
            event = await watcher.get()
    assert event is not None
    assert (event.name, event.channel, event.visible_to) == ("message", str(channel.id), str(CLARA))
