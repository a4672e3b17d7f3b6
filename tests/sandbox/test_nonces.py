"""Messages that are sent again under the same nonce."""

from collections.abc import AsyncIterator
from pathlib import Path

import aiohttp
import discord
import pytest

from sandbox.clock import ManualClock
from sandbox.nonces import WINDOW_S
from sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, running
from tests.sandbox.people import People


@pytest.fixture
async def sandbox(socket: Path, clock: ManualClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(socket=socket, clock=clock) as sandbox:
        yield sandbox


@pytest.fixture
async def bot(sandbox: Sandbox) -> AsyncIterator[Bot]:
    bot = Bot(sandbox.socket)
    async with running(bot):
        yield bot


def channel_of(bot: Bot, number: int = 0) -> discord.TextChannel:
    return bot.guilds[0].text_channels[number]


async def send(bot: Bot, **payload: object) -> dict[str, object]:
    """What discord.py itself never sends goes by its HTTP client."""
    route = discord.http.Route("POST", "/channels/{channel_id}/messages", channel_id=channel_of(bot).id)
    return await bot.http.request(route, json=payload)


async def test_within_a_few_minutes_it_is_the_same_message(people: People, bot: Bot, clock: ManualClock):
    first = await channel_of(bot).send("announced", nonce="announcement-1")
    clock.advance(WINDOW_S - 1)
    again = await channel_of(bot).send("announced, and changed", nonce="announcement-1")
    assert (again.id, again.content, again.nonce) == (first.id, "announced", "announcement-1")
    assert len(await people.messages()) == 1


async def test_after_that_it_is_another(people: People, bot: Bot, clock: ManualClock):
    await channel_of(bot).send("announced", nonce="announcement-1")
    clock.advance(WINDOW_S + 1)
    await channel_of(bot).send("announced", nonce="announcement-1")
    assert len(await people.messages()) == 2


async def test_it_holds_for_the_author_wherever_he_sends(people: People, bot: Bot):
    await channel_of(bot).send("announced", nonce="announcement-1")
    await channel_of(bot, 1).send("announced", nonce="announcement-1")
    assert await people.messages(channel="treasury") == []


async def test_a_message_that_was_deleted_is_sent_anew(people: People, bot: Bot):
    await (await channel_of(bot).send("announced", nonce="announcement-1")).delete()
    await channel_of(bot).send("announced", nonce="announcement-1")
    assert len(await people.messages()) == 1


async def test_without_enforcement_a_nonce_is_but_a_word(people: People, bot: Bot):
    for _ in range(2):
        assert (await send(bot, content="hello", nonce=5))["nonce"] == 5
    assert len(await people.messages()) == 2


async def test_a_lost_reply_and_a_repetition_are_one_message(people: People, bot: Bot):
    await people.fault("lose_reply", route="/messages")
    with pytest.raises(aiohttp.ClientError):
        await channel_of(bot).send("announced", nonce="announcement-1")
    await channel_of(bot).send("announced", nonce="announcement-1")
    assert len(await people.messages()) == 1


@pytest.mark.parametrize(
    ("payload", "wrong"),
    [
        ({"nonce": "n" * 26}, "nonce"),
        ({"nonce": ["n"]}, "nonce"),
        ({"nonce": True}, "nonce"),
        ({"nonce": "n", "enforce_nonce": "yes"}, "enforce_nonce"),
    ],
    ids=str,
)
async def test_what_is_no_nonce_is_refused(sandbox: Sandbox, bot: Bot, payload: dict[str, object], wrong: str):
    with pytest.raises(discord.HTTPException) as refused:
        await send(bot, content="hello", **payload)
    assert (refused.value.status, refused.value.code) == (400, 50035)
    [problem] = sandbox.problems
    assert list(problem.errors or ()) == [wrong]
