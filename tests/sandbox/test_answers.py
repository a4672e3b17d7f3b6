"""The life of an interaction: acknowledged in time or not, answered once, followed up, edited."""

import asyncio
import io
from pathlib import Path

import discord
import pytest

from sandbox.clock import ManualClock
from sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Connect, running
from tests.sandbox.people import People


class Talks:
    """A bot whose one command does what the test hands in."""

    def __init__(self, *steps) -> None:  # noqa: ANN002 - coroutine functions taking an interaction
        self.steps = steps
        self.caught: list[discord.HTTPException] = []

    def __call__(self, bot: Bot) -> None:
        @bot.tree.command(description="Talk.")
        async def talk(interaction: discord.Interaction) -> None:
            for step in self.steps:
                try:
                    await step(interaction)
                except discord.HTTPException as error:
                    self.caught.append(error)


async def defer(interaction: discord.Interaction) -> None:
    await interaction.response.defer()


async def defer_ephemerally(interaction: discord.Interaction) -> None:
    await interaction.response.defer(ephemeral=True)


async def edit_original(interaction: discord.Interaction) -> None:
    await interaction.edit_original_response(content="edited")


async def follow_up(interaction: discord.Interaction) -> None:
    await interaction.followup.send("followed up")


async def answer(interaction: discord.Interaction) -> None:
    await interaction.response.send_message("answered")


async def answer_again(interaction: discord.Interaction) -> None:
    """Past discord.py's own guard, as a second handler or a second process would."""
    interaction.response._response_type = None
    await interaction.response.send_message("again")


async def test_a_deferred_interaction_is_answered_by_an_edit(sandbox: Sandbox, people: People, connected: Connect):
    gate = asyncio.Event()

    async def wait(_interaction: discord.Interaction) -> None:
        await gate.wait()

    async with connected(Talks(defer, wait, edit_original)):
        interaction = await people.interact(command="talk")
        _, thinking = await people.ask("GET", f"/api/interactions/{interaction}")
        assert (thinking["state"], thinking["messages"], thinking["answered_ms"]) == ("deferred", [], None)
        assert await people.messages() == []

        gate.set()
        outcome = await people.outcome(interaction)
        [message] = outcome["messages"]
        assert (message["content"], message["edited"]) == ("edited", False)
        assert outcome["acknowledged_ms"] < outcome["answered_ms"]
        assert await people.messages() == [message]
    assert sandbox.problems == []


async def test_the_first_follow_up_fills_the_deferred_answer_and_the_next_is_another_message(
    people: People, connected: Connect
):
    async with connected(Talks(defer, follow_up, follow_up, edit_original)):
        interaction = await people.interact(command="talk")
        async with asyncio.timeout(2):
            while [m["edited"] for m in await people.messages()] != [True, False]:
                await asyncio.sleep(0.002)
        assert [m["content"] for m in await people.messages()] == ["edited", "followed up"]
        assert {m["interaction"] for m in await people.messages()} == {interaction}


async def test_whether_the_answer_is_ephemeral_was_settled_by_the_defer(people: People, connected: Connect):
    async def follow_publicly(interaction: discord.Interaction) -> None:
        await interaction.followup.send("for all", ephemeral=False)

    async with connected(Talks(defer_ephemerally, follow_publicly)):
        message = await people.answer(command="talk")
        assert message["ephemeral"]


async def test_what_is_ephemeral_is_seen_by_one_alone(people: People, connected: Connect):
    async with connected(Talks(defer_ephemerally, edit_original)) as bot:
        message = await people.answer(command="talk", as_="abigail")
        assert await people.messages(**{"as": "abigail"}) == [message]
        assert await people.messages(**{"as": "benjamin"}) == []
        assert await people.messages() == []
        with pytest.raises(discord.NotFound):
            await bot.guilds[0].text_channels[0].fetch_message(int(message["id"]))


async def test_an_original_answer_can_be_fetched_and_deleted(people: People, connected: Connect):
    async def fetch_and_delete(interaction: discord.Interaction) -> None:
        fetched = await interaction.original_response()
        assert fetched.content == "answered"
        await interaction.delete_original_response()

    talks = Talks(answer, fetch_and_delete, edit_original)
    async with connected(talks):
        interaction = await people.interact(command="talk")
        async with asyncio.timeout(2):
            while not talks.caught:
                await asyncio.sleep(0.002)
        assert [error.code for error in talks.caught] == [10008]
        assert (await people.outcome(interaction))["messages"] == []


async def test_a_second_answer_is_refused_and_remembered(sandbox: Sandbox, people: People, connected: Connect):
    talks = Talks(answer, answer_again)
    async with connected(talks):
        message = await people.answer(command="talk")
        async with asyncio.timeout(2):
            while not talks.caught:
                await asyncio.sleep(0.002)
    assert message["content"] == "answered"
    assert [error.code for error in talks.caught] == [40060]
    assert [problem.code for problem in sandbox.problems] == [40060]


async def test_an_answer_after_three_seconds_finds_no_interaction(socket: Path, clock: ManualClock):
    async def dawdle(_interaction: discord.Interaction) -> None:
        clock.advance(3.1)

    talks = Talks(dawdle, answer, follow_up)
    async with Sandbox(socket=socket, clock=clock) as sandbox, People(sandbox.url) as people:
        async with running(Bot(socket, prepare=talks)):
            body = {"as": "clara", "channel": "general", "command": "talk"}
            status, said = await people.ask("POST", "/api/interactions", body)
            assert (status, said["error"]) == (504, "the bot did not answer within 3 seconds")
            assert (await people.outcome(said["interaction"]))["state"] == "expired"
            async with asyncio.timeout(2):
                while len(talks.caught) < 2:
                    await asyncio.sleep(0.002)
        assert [error.code for error in talks.caught] == [10062, 10015]
        assert [problem.code for problem in sandbox.problems] == [10062, 10015]


async def test_a_token_ends_after_a_quarter_of_an_hour(socket: Path, clock: ManualClock):
    async def wait(_interaction: discord.Interaction) -> None:
        clock.advance(15 * 60 + 1)

    talks = Talks(defer, wait, edit_original, follow_up)
    async with Sandbox(socket=socket, clock=clock) as sandbox, People(sandbox.url) as people:
        async with running(Bot(socket, prepare=talks)):
            outcome = await people.outcome(await people.interact(command="talk"))
            assert outcome["state"] == "expired"
            async with asyncio.timeout(2):
                while len(talks.caught) < 2:
                    await asyncio.sleep(0.002)
        assert [error.code for error in talks.caught] == [50027, 50027]


async def test_the_callback_tells_the_bot_which_message_it_made(people: People, connected: Connect):
    seen: list[discord.InteractionCallbackResponse] = []

    async def answer_and_look(interaction: discord.Interaction) -> None:
        seen.append(await interaction.response.send_message("answered", ephemeral=True))

    async with connected(Talks(answer_and_look)):
        message = await people.answer(command="talk")
    [response] = seen
    assert str(response.message_id) == message["id"]
    assert response.is_ephemeral()
    assert isinstance(response.resource, discord.InteractionMessage)
    assert response.resource.content == "answered"


async def test_an_answer_may_bring_a_file(sandbox: Sandbox, people: People, connected: Connect):
    async def answer_with_file(interaction: discord.Interaction) -> None:
        file = discord.File(io.BytesIO(b"a,b"), "statement.csv")
        await interaction.response.send_message("Your statement", file=file, ephemeral=True)

    async def follow_up_with_file(interaction: discord.Interaction) -> None:
        await interaction.followup.send(file=discord.File(io.BytesIO(b"c,d"), "more.csv"))

    async with connected(Talks(answer_with_file, follow_up_with_file)):
        outcome = await people.outcome(await people.interact(command="talk"))
        assert outcome["messages"][0]["attachments"][0]["filename"] == "statement.csv"
        async with asyncio.timeout(2):
            while len(await people.messages(**{"as": "abigail"})) < 2:
                await asyncio.sleep(0.002)
    assert sandbox.problems == []


async def test_what_a_failed_answer_was_refused_for_leaves_the_interaction_pending(
    sandbox: Sandbox, people: People, connected: Connect
):
    async def answer_too_long(interaction: discord.Interaction) -> None:
        await interaction.response.send_message("a" * 2001)

    talks = Talks(answer_too_long, answer)
    async with connected(talks):
        message = await people.answer(command="talk")
        assert message["content"] == "answered"
    assert [error.code for error in talks.caught] == [50035]
    assert [problem.code for problem in sandbox.problems] == [50035]
