"""Faults that can be ordered, and what unmodified discord.py makes of them."""

import asyncio

import aiohttp
import discord
import pytest

from sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Connect
from tests.sandbox.people import People


class Answering:
    """Answers, and answers again when it did not hear that it was heard."""

    def __init__(self) -> None:
        self.calls = 0
        self.caught: list[Exception] = []
        self.done = asyncio.Event()

    def __call__(self, bot: Bot) -> None:
        @bot.tree.command(description="Answer.")
        async def answer(interaction: discord.Interaction) -> None:
            self.calls += 1
            for _ in range(2):
                try:
                    await interaction.response.send_message("answered")
                except (aiohttp.ClientError, discord.HTTPException) as error:
                    self.caught.append(error)
                else:
                    break
            self.done.set()


async def test_a_lost_reply_was_applied(sandbox: Sandbox, people: People, connected: Connect):
    answering = Answering()
    async with connected(answering):
        await people.fault("lose_reply", route="/callback")
        message = await people.answer(command="answer")
        await asyncio.wait_for(answering.done.wait(), 2)
    assert message["content"] == "answered"
    lost, refused = answering.caught
    assert isinstance(lost, aiohttp.ClientError)
    assert isinstance(refused, discord.HTTPException)
    assert refused.code == 40060
    assert sandbox.problems == []  # it was the sandbox that made the bot ask twice


async def test_one_interaction_can_be_delivered_twice(sandbox: Sandbox, people: People, connected: Connect):
    answering = Answering()
    async with connected(answering):
        await people.fault("deliver_twice")
        await people.answer(command="answer")
        async with asyncio.timeout(2):
            while len(answering.caught) < 2:
                await asyncio.sleep(0.002)
        assert len(await people.messages()) == 1
    assert answering.calls == 2
    assert sandbox.problems == []


async def test_a_rate_limit_is_waited_for(people: People, connected: Connect):
    async with connected(lambda _bot: None) as bot:
        await people.fault("status", status=429, route="/messages", retry_after=0.02, times=2)
        await bot.guilds[0].text_channels[0].send("at last")
        assert [message["content"] for message in await people.messages()] == ["at last"]


async def test_503_is_raised_at_once(people: People, connected: Connect):
    async with connected(lambda _bot: None) as bot:
        await people.fault("status", status=503, route="POST /api/v10/channels")
        channel = bot.guilds[0].text_channels[0]
        with pytest.raises(discord.DiscordServerError):
            await channel.send("lost")
        await channel.send("said")
        assert [message["content"] for message in await people.messages()] == ["said"]


async def test_502_on_a_callback_is_retried_past_the_deadline(sandbox: Sandbox, people: People, connected: Connect):
    answering = Answering()
    async with connected(answering):
        sandbox.hub.interactions.acknowledge_s = 0.3
        await people.fault("status", status=502, route="/callback")
        status, _ = await people.refused(command="answer")
        assert status == 504
        await asyncio.wait_for(answering.done.wait(), 5)
    assert isinstance(answering.caught[0], discord.NotFound)
    assert answering.caught[0].code == 10062


async def test_a_request_can_be_slow(people: People, connected: Connect):
    answering = Answering()
    async with connected(answering):
        await people.fault("delay", seconds=0.1, route="/callback")
        outcome = await people.outcome(await people.interact(command="answer"))
        assert outcome["acknowledged_ms"] >= 100


async def test_faults_can_be_taken_back(people: People, connected: Connect):
    async with connected(lambda _bot: None) as bot:
        await people.fault("status", status=503, times=100)
        await people.fault("none")
        assert await bot.fetch_user(1190000000000000102)


@pytest.mark.parametrize(
    ("fault", "said"),
    [
        ({"kind": "earthquake"}, "there is no fault 'earthquake'"),
        ({}, "there is no fault None"),
        ({"kind": "status", "status": 200}, "status must be one of"),
        ({"kind": "status", "status": 503, "times": 0}, "times must be a whole number"),
        ({"kind": "status", "status": 429, "retry_after": -1}, "retry_after must be a number"),
        ({"kind": "delay"}, "seconds must be a number"),
        ({"kind": "delay", "seconds": 1, "route": 7}, "route must be a part"),
        ({"kind": "refuse_identify", "code": "x"}, "code takes a close code"),
    ],
)
async def test_a_fault_that_makes_no_sense_is_refused(people: People, fault: dict[str, object], said: str):
    status, answer = await people.ask("POST", "/api/faults", fault)
    assert status == 400
    assert said in answer["error"]


@pytest.mark.parametrize(
    ("code", "status"), [(10003, 404), (10015, 404), (50001, 403), (50007, 403), (50013, 403), (50027, 401)]
)
async def test_what_is_closed_to_the_bot_is_refused_in_discords_words(
    sandbox: Sandbox, people: People, connected: Connect, code: int, status: int
):
    async with connected(lambda _bot: None) as bot:
        await people.fault("deny", route="/messages", code=code)
        channel = bot.guilds[0].text_channels[0]
        with pytest.raises(discord.HTTPException) as refused:
            await channel.send("hello")
        assert (refused.value.status, refused.value.code) == (status, code)
        await channel.send("hello again")
    assert [message["content"] for message in await people.messages()] == ["hello again"]
    assert sandbox.problems == []


async def test_a_refusal_that_discord_does_not_know_cannot_be_ordered(people: People):
    status, answer = await people.ask("POST", "/api/faults", {"kind": "deny", "code": 403})
    assert (status, answer["error"].split(":")[0]) == (
        400,
        "code must be one of 10003, 10015, 50001, 50007, 50013, 50027",
    )
