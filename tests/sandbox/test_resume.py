"""The gateway drops: RESUME replays what was missed, nothing is lost, nothing comes twice."""

import asyncio
from pathlib import Path

import discord
import pytest

from sandbox.server import Sandbox
from tests.sandbox.conftest import TOKEN, Bot, Connect
from tests.sandbox.people import People


class Counting:
    def __init__(self) -> None:
        self.heard: list[int] = []

    def __call__(self, bot: Bot) -> None:
        @bot.tree.command(description="Count me.")
        async def count(interaction: discord.Interaction, number: int) -> None:
            self.heard.append(number)
            await interaction.response.send_message(str(number))


async def test_interactions_begun_while_the_gateway_drops_arrive_once(
    sandbox: Sandbox, people: People, connected: Connect
):
    counting = Counting()
    async with connected(counting) as bot:
        resumed = bot.wait_for("resumed", timeout=5)
        begun: list[asyncio.Task[str]] = []
        for number in range(40):
            begun.append(asyncio.create_task(people.interact(command="count", options={"number": number})))
            await asyncio.sleep(0)
            if number == 20:
                await people.fault("drop_gateway")
        await asyncio.gather(*begun)
        await resumed
    assert sorted(counting.heard) == list(range(40))
    assert sandbox.problems == []


async def test_what_happens_while_the_bot_is_away_is_replayed(people: People, connected: Connect):
    heard: list[str] = []

    def listen(bot: Bot) -> None:
        @bot.listen()
        async def on_message(message: discord.Message) -> None:
            heard.append(message.content)

    async with connected(listen) as bot:
        resumed = bot.wait_for("resumed", timeout=5)
        await people.fault("drop_gateway")
        for n in range(3):
            content = f"<@1190000000000000001> {n}"
            await people.ask("POST", "/api/messages", {"as": "clara", "channel": "general", "content": content})
        await resumed
        await asyncio.sleep(0)
    assert [content[-1] for content in heard] == ["0", "1", "2"]


@pytest.mark.parametrize("code", [1000, 4000, 4009])
async def test_a_close_code_that_allows_it_is_resumed_too(people: People, connected: Connect, code: int):
    async with connected(lambda _bot: None) as bot:
        resumed = bot.wait_for("resumed", timeout=5)
        socket = bot.ws.socket
        await people.fault("drop_gateway", code=code)
        await resumed
        assert socket.close_code == code


async def test_a_session_that_is_gone_is_begun_anew(sandbox: Sandbox, people: People, connected: Connect):
    counting = Counting()
    async with connected(counting) as bot:
        ready = bot.wait_for("ready", timeout=5)
        await people.fault("drop_gateway", resumable=False)
        await ready
        await people.interact(command="count", options={"number": 7})
    assert counting.heard == [7]
    assert sandbox.problems == []


async def test_dropping_takes_a_bot_that_is_connected(people: People):
    status, answer = await people.ask("POST", "/api/faults", {"kind": "drop_gateway"})
    assert (status, answer) == (409, {"error": "the bot is not connected to the gateway"})


async def test_without_a_session_an_interaction_fails_at_once(people: People, socket: Path):
    async with Bot(socket, prepare=Counting()) as bot:
        await bot.login(TOKEN)  # registers the commands, and never connects
    body = {"as": "clara", "channel": "general", "command": "count", "options": {"number": 1}}
    status, answer = await people.ask("POST", "/api/interactions", body)
    assert (status, answer["error"]) == (503, "the bot is not connected")
    assert (await people.outcome(answer["interaction"]))["state"] == "failed"


async def test_a_bot_that_left_is_not_ready(people: People, connected: Connect):
    async with connected(lambda _bot: None):
        _, state = await people.ask("GET", "/api/state")
        assert state["bot"]["ready"]
    _, state = await people.ask("GET", "/api/state")
    assert not state["bot"]["ready"]


async def test_a_bot_that_starts_again_hears_nothing_of_its_former_session(
    sandbox: Sandbox, people: People, connected: Connect
):
    async with connected(lambda _bot: None):
        pass
    assert sandbox.hub.gateway.reachable  # discord.py leaves without ending its session
    await people.ask("POST", "/api/messages", {"as": "clara", "channel": "general", "content": "while away"})
    heard: list[str] = []

    def listen(bot: Bot) -> None:
        @bot.listen()
        async def on_message(message: discord.Message) -> None:
            heard.append(message.content)

    async with connected(listen):
        await people.ask("POST", "/api/messages", {"as": "clara", "channel": "general", "content": "well"})
        async with asyncio.timeout(2):
            while not heard:
                await asyncio.sleep(0.002)
    assert len(heard) == 1
