"""The control API at its edges: who may use it, what it says of itself, how it refuses."""

import asyncio
import json
from typing import Any

import aiohttp
import discord
import pytest

from sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Connect
from tests.sandbox.people import People


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Host": "localhost:{port}"}, 200),
        ({"Host": "evil.example:{port}"}, 403),
        ({"Host": "127.0.0.1"}, 403),
        ({"Host": "127.0.0.1:1"}, 403),
        ({"Origin": "http://127.0.0.1:{port}"}, 200),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "https://127.0.0.1:{port}"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
@pytest.mark.parametrize("path", ["/api/state", "/"])
async def test_only_this_host_and_this_origin_are_served(
    sandbox: Sandbox, people: People, headers: dict[str, str], status: int, path: str
):
    given = {name: value.format(port=sandbox.port) for name, value in headers.items()}
    async with people.http.get(path, headers=given) as response:
        assert response.status == status


async def test_the_page_can_run_nothing_but_its_own_files(people: People):
    async with people.http.get("/") as response:
        policy = response.headers["Content-Security-Policy"]
        assert response.content_type == "text/html"
    assert "default-src 'none'" in policy
    assert "script-src 'self'" in policy
    assert "unsafe" not in policy
    for path, kind in (("/app.js", "javascript"), ("/style.css", "css")):
        async with people.http.get(path) as response:
            assert response.status == 200
            assert kind in response.content_type
    for path in ("/../server.py", "/%2e%2e/server.py", "/server.py"):
        async with people.http.get(path) as response:
            assert response.status == 404


async def test_the_first_guild_has_an_administrator_and_three_players(people: People):
    _, state = await people.ask("GET", "/api/state")
    guild = state["guilds"][0]
    assert {"id", "name", "channels", "roles"} == set(guild)
    assert all(set(channel) == {"id", "name"} for channel in guild["channels"])
    people_there = [user for user in state["users"] if not user["bot"]]
    admins = [user for user in people_there if int(user["permissions"]) & 1 << 3]
    assert [user["name"] for user in admins] == ["admin_martha"]
    assert len(people_there) == 4
    assert sum(user["bot"] for user in state["users"]) == 2
    assert state["bot"] == {"id": "1190000000000000001", "name": "rollcall", "ready": False}
    assert all(isinstance(user["id"], str) for user in state["users"])


REFUSED: dict[str, tuple[str, str, Any, int, str]] = {
    "an unknown path": ("GET", "/api/nothing", None, 404, "GET /api/nothing"),
    "a method that is none": ("DELETE", "/api/state", None, 405, "DELETE /api/state"),
    "no user": ("POST", "/api/interactions", {"command": "ping"}, 400, "'as' is missing"),
    "an unknown user": ("POST", "/api/interactions", {"as": "zed", "command": "ping"}, 404, "no user 'zed'"),
    "a bot": ("POST", "/api/interactions", {"as": "town_crier", "command": "ping"}, 403, "is a bot"),
    "nothing to do": ("POST", "/api/interactions", {"as": "clara"}, 400, "give a command"),
    "no channel": ("POST", "/api/interactions", {"as": "clara", "command": "ping"}, 400, "'channel' is missing"),
    "an unknown channel": (
        "POST",
        "/api/interactions",
        {"as": "clara", "channel": "attic", "command": "ping"},
        404,
        "no channel 'attic'; there are: general",
    ),
    "an unknown command": (
        "POST",
        "/api/interactions",
        {"as": "clara", "channel": "general", "command": "ping"},
        404,
        "there is no command /ping",
    ),
    "options that are a list": (
        "POST",
        "/api/autocomplete",
        {"as": "clara", "channel": "general", "command": "ping", "options": [], "focused": "x"},
        404,
        "no command",
    ),
    "an unknown message": (
        "POST",
        "/api/interactions",
        {"as": "clara", "message": "1", "custom_id": "x"},
        404,
        "sees no message '1'",
    ),
    "an unknown form": ("POST", "/api/interactions", {"as": "clara", "modal": "1"}, 404, "no form '1' open"),
    "an unknown interaction": ("GET", "/api/interactions/1", None, 404, "no interaction '1'"),
    "an empty message": (
        "POST",
        "/api/messages",
        {"as": "clara", "channel": "general", "content": "  "},
        400,
        "empty message",
    ),
    "a message of 2001": (
        "POST",
        "/api/messages",
        {"as": "clara", "channel": "general", "content": "a" * 2001},
        400,
        "at most 2000",
    ),
    "messages of nowhere": ("GET", "/api/messages", None, 400, "'channel' is missing"),
    "messages after a word": ("GET", "/api/messages?channel=general&after=x", None, 400, "'after' takes the id"),
    "a body that is a list": ("POST", "/api/messages", [], 400, "JSON object"),
}


@pytest.mark.parametrize(("method", "path", "body", "status", "said"), REFUSED.values(), ids=REFUSED)
async def test_a_refusal_is_plain_words_in_json(
    people: People, method: str, path: str, body: Any, status: int, said: str
):
    answered, answer = await people.ask(method, path, body)
    assert answered == status
    assert said in answer["error"]


async def test_a_body_that_is_not_json_is_refused(people: People):
    async with people.http.post("/api/interactions", data=b"{") as response:
        assert (response.status, await response.json()) == (400, {"error": "the body is not JSON"})


async def test_problems_can_be_read_and_forgotten(people: People, connected: Connect):
    async with connected(lambda _bot: None) as bot:
        with pytest.raises(discord.NotFound):
            await bot.guilds[0].bans().__anext__()
    _, answer = await people.ask("GET", "/api/problems")
    [problem] = answer["problems"]
    assert problem["where"] == "GET /api/v10/guilds/1190000000000001000/bans"
    assert problem["status"] == 404
    await people.ask("DELETE", "/api/problems")
    assert (await people.ask("GET", "/api/problems"))[1] == {"problems": []}


class Watcher:
    """Reads server-sent events."""

    def __init__(self, response: aiohttp.ClientResponse) -> None:
        self._response = response

    async def next(self, name: str) -> Any:
        async with asyncio.timeout(2):
            event = ""
            async for line in self._response.content:
                text = line.decode().rstrip("\n")
                if text.startswith("event: "):
                    event = text.removeprefix("event: ")
                elif text.startswith("data: ") and event == name:
                    return json.loads(text.removeprefix("data: "))
        raise AssertionError("the stream ended")


async def test_events_tell_what_somebody_sees(people: People, connected: Connect):
    def prepare(bot: Bot) -> None:
        @bot.tree.command(description="Whisper.")
        async def whisper(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("psst", ephemeral=True)

    async with (
        people.http.get("/api/events", params={"as": "abigail"}) as hers,
        people.http.get("/api/events", params={"as": "clara"}) as others,
    ):
        assert hers.content_type == "text/event-stream"
        abigail, clara = Watcher(hers), Watcher(others)
        async with connected(prepare) as bot:
            assert [command["name"] for command in await abigail.next("commands")] == ["whisper"]
            assert await abigail.next("bot") == {"ready": True}
            whispered = await people.answer(command="whisper")
            assert await abigail.next("message") == whispered
            assert (await abigail.next("interaction"))["state"] == "answered"

            said = await bot.guilds[0].text_channels[0].send("aloud")
            assert (await clara.next("message"))["content"] == "aloud"
            await said.edit(content="louder")
            assert (await clara.next("message_update"))["content"] == "louder"
            await said.delete()
            assert (await clara.next("message_delete"))["id"] == str(said.id)


async def test_a_stream_ends_with_the_sandbox(sandbox: Sandbox, people: People):
    async with people.http.get("/api/events") as response:
        await response.content.readline()
        sandbox.hub.close()
        assert await response.content.read() == b"\n"
