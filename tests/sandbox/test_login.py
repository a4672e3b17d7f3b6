"""Logging in: who is let in, and how the others are turned away."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest

from sandbox.server import Sandbox
from sandbox.session import REPLAY_LIMIT
from tests.sandbox.conftest import Bot, Connect, running
from tests.sandbox.people import People


async def test_a_wrong_token_is_a_login_failure(sandbox: Sandbox, socket: Path):
    with pytest.raises(discord.LoginFailure):
        async with running(Bot(socket), token="another"):
            pass
    assert sandbox.problems == []


async def test_the_bot_finds_its_guilds_channels_and_itself(sandbox: Sandbox, connected: Connect):
    async with connected(lambda _bot: None) as bot:
        assert bot.user is not None
        assert bot.user.name == "rollcall"
        assert [guild.name for guild in bot.guilds] == ["Model US", "Model Maryland"]
        guild = bot.guilds[0]
        assert [channel.name for channel in guild.text_channels] == ["general", "treasury", "town-hall", "staff"]
        assert guild.me.guild_permissions.administrator
        assert (await guild.fetch_member(1190000000000000102)).name == "abigail"
        assert (await bot.fetch_user(1190000000000000105)).bot
    assert sandbox.problems == []


async def test_an_intent_that_was_not_switched_on_is_refused(sandbox: Sandbox, socket: Path):
    intents = discord.Intents.default()
    intents.message_content = True
    with pytest.raises(discord.PrivilegedIntentsRequired):
        async with running(Bot(socket, intents=intents)):
            pass
    assert [problem.code for problem in sandbox.problems] == [4014]


@pytest.mark.parametrize(
    ("code", "raised"), [(4014, discord.PrivilegedIntentsRequired), (4004, discord.ConnectionClosed)]
)
async def test_a_close_code_at_identify_can_be_ordered(
    people: People, socket: Path, code: int, raised: type[Exception]
):
    await people.fault("refuse_identify", code=code)
    with pytest.raises(raised):
        async with running(Bot(socket)):
            pass


async def test_with_the_members_intent_members_can_be_chunked(socket: Path):
    intents = discord.Intents.default()
    intents.members = True
    async with (
        Sandbox(socket=socket, privileged_intents=intents.value) as sandbox,
        running(Bot(socket, intents=intents)) as _,
    ):
        assert sandbox.problems == []


@pytest.mark.parametrize(
    ("content", "seen"),
    [
        (False, {"hello there": "", "hello <@1190000000000000001>": "hello <@1190000000000000001>"}),
        (True, {"hello there": "hello there"}),
    ],
    ids=["without the intent", "with the intent"],
)
async def test_message_content_is_an_intent(socket: Path, content: bool, seen: dict[str, str]):
    intents = discord.Intents.default()
    intents.message_content = content
    bot = Bot(socket, intents=intents)
    async with (
        Sandbox(socket=socket, privileged_intents=1 << 15) as sandbox,
        People(sandbox.url) as people,
        running(bot),
    ):
        for said, arrives in seen.items():
            waiting = bot.wait_for("message", timeout=2)
            await people.ask("POST", "/api/messages", {"as": "clara", "channel": "general", "content": said})
            assert (await waiting).content == arrives


async def speak(socket: Path, *frames: Any, version: int = 10) -> int:
    """The close code by which the gateway ends a conversation of raw frames."""
    address = f"ws://gateway.discord.gg/?v={version}&encoding=json"
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as http,
        http.ws_connect(address) as gateway,
        asyncio.timeout(5),
    ):
        for frame in frames:
            await (gateway.send_str(frame) if isinstance(frame, str) else gateway.send_json(frame))
        while not gateway.closed:
            await gateway.receive()
        return gateway.close_code or 0


IDENTIFY = {"op": 2, "d": {"token": "sandbox", "intents": 1}}
CONVERSATIONS: dict[str, tuple[tuple[Any, ...], int]] = {
    "no JSON": (("{",), 4002),
    "a list": (([],), 4002),
    "an event before identifying": (({"op": 3, "d": {}},), 4003),
    "a wrong token": (({"op": 2, "d": {"token": "x", "intents": 1}},), 4004),
    "identifying twice": ((IDENTIFY, IDENTIFY), 4005),
    "an unknown opcode": ((IDENTIFY, {"op": 99, "d": {}}), 4001),
    "an unknown intent": (({"op": 2, "d": {"token": "sandbox", "intents": 1 << 30}},), 4013),
    "a privileged intent": (({"op": 2, "d": {"token": "sandbox", "intents": 1 << 15}},), 4014),
}


@pytest.mark.parametrize(("frames", "code"), CONVERSATIONS.values(), ids=CONVERSATIONS)
async def test_the_gateway_ends_a_conversation(sandbox: Sandbox, socket: Path, frames: tuple[Any, ...], code: int):
    assert await speak(socket, *frames) == code
    assert [problem.code for problem in sandbox.problems] == [code]


@pytest.mark.usefixtures("sandbox")
async def test_another_version_of_the_gateway_is_refused(socket: Path):
    assert await speak(socket, version=9) == 4012


async def test_a_heart_that_stops_ends_the_session(socket: Path):
    async with Sandbox(socket=socket, heartbeat_s=0.02):
        assert await speak(socket, IDENTIFY) == 4009


async def test_a_sequence_that_was_never_sent_cannot_be_resumed(sandbox: Sandbox, socket: Path):
    assert await speak(socket, IDENTIFY, {"op": 99}) == 4001  # any end but the client's own leaves a session
    [session] = sandbox.hub.gateway.sessions
    resume = {"op": 6, "d": {"token": "sandbox", "session_id": session.id, "seq": session.sequence + 1}}
    assert await speak(socket, resume) == 4007
    assert not sandbox.hub.gateway.reachable


async def test_a_session_that_missed_too_much_starts_anew(sandbox: Sandbox, socket: Path):
    await speak(socket, IDENTIFY, {"op": 99})
    [session] = sandbox.hub.gateway.sessions
    for number in range(2 * REPLAY_LIMIT):
        session.push("TYPING_START", number)
    assert not session.remembers(2)
    assert len(session.frames_after(session.sequence - 7)) == 7
    resume = {"op": 6, "d": {"token": "sandbox", "session_id": session.id, "seq": 2}}
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as http,
        http.ws_connect("ws://gateway.discord.gg/?v=10") as gateway,
    ):
        await gateway.send_json(resume)
        assert (await gateway.receive_json(timeout=2))["op"] == 10
        answer = await gateway.receive_json(timeout=2)
        assert (answer["op"], answer["d"]) == (9, False)
