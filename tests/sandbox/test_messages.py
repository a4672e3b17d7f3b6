"""Messages of the bot's own: sent, edited, replied to, deleted, with files, and whom they ping."""

import io
from collections.abc import AsyncIterator

import aiohttp
import discord
import pytest

from sandbox.server import Sandbox
from tests.sandbox.conftest import Connect
from tests.sandbox.people import People

CLARA = "1190000000000000104"
PLAYERS = "1190000000000001102"


@pytest.fixture
async def channel(connected: Connect) -> AsyncIterator[discord.TextChannel]:
    async with connected(lambda _bot: None) as bot:
        yield bot.guilds[0].text_channels[0]


async def test_a_message_is_sent_edited_and_deleted(sandbox: Sandbox, people: People, channel: discord.TextChannel):
    message = await channel.send("first", embed=discord.Embed(title="Title"))
    [shown] = await people.messages()
    assert (shown["content"], shown["edited"], shown["interaction"]) == ("first", False, None)
    assert shown["embeds"][0]["title"] == "Title"
    assert shown["author"]["name"] == "rollcall"

    await message.edit(content="second")
    [shown] = await people.messages()
    assert (shown["content"], shown["edited"]) == ("second", True)
    assert shown["embeds"][0]["title"] == "Title"
    assert (await channel.fetch_message(message.id)).edited_at is not None

    await message.delete()
    assert await people.messages() == []
    with pytest.raises(discord.NotFound):
        await message.edit(content="third")
    assert sandbox.problems == []


async def test_history_comes_in_pages(people: People, channel: discord.TextChannel):
    for n in range(5):
        await channel.send(str(n))
    assert [message.content async for message in channel.history(limit=3)] == ["4", "3", "2"]
    oldest = [message async for message in channel.history(limit=2, oldest_first=True)]
    assert [message.content for message in oldest] == ["0", "1"]
    later = await people.messages(after=str(oldest[-1].id))
    assert [message["content"] for message in later] == ["2", "3", "4"]


async def test_a_reply_names_its_message(people: People, channel: discord.TextChannel):
    await people.ask("POST", "/api/messages", {"as": "clara", "channel": "general", "content": "hello"})
    [heard] = [message async for message in channel.history()]
    reply = await heard.reply("and to you", mention_author=True)
    shown = (await people.messages())[-1]
    assert shown["reply_to"] == str(heard.id)
    assert shown["mentions"]["users"] == [CLARA]
    assert reply.reference is not None


async def test_a_nonce_is_sent_once(people: People, channel: discord.TextChannel):
    first = await channel.send("announced", nonce="announcement-1")
    again = await channel.send("announced", nonce="announcement-1")
    assert first.id == again.id
    assert len(await people.messages()) == 1


async def test_another_users_message_cannot_be_edited(sandbox: Sandbox, people: People, channel: discord.TextChannel):
    await people.ask("POST", "/api/messages", {"as": "clara", "channel": "general", "content": "mine"})
    [heard] = [message async for message in channel.history()]
    with pytest.raises(discord.Forbidden):
        await heard.edit(content="yours")
    assert [problem.code for problem in sandbox.problems] == [50005]


async def test_an_empty_message_is_refused(sandbox: Sandbox, channel: discord.TextChannel):
    with pytest.raises(discord.HTTPException, match="empty"):
        await channel.send("  \n ")
    assert [problem.code for problem in sandbox.problems] == [50006]


async def test_the_fault_in_an_embed_is_named(sandbox: Sandbox, channel: discord.TextChannel):
    with pytest.raises(discord.HTTPException, match=r"In embeds\.0\.fields\.0\.value: Must be between 1 and 1024"):
        await channel.send(embed=discord.Embed().add_field(name="n", value="v" * 1025))
    assert [problem.where for problem in sandbox.problems] == [f"POST /api/v10/channels/{channel.id}/messages"]


async def test_files_are_kept_and_served(sandbox: Sandbox, people: People, channel: discord.TextChannel):
    picture = discord.File(io.BytesIO(b"\x89PNG"), "chart 1.png", description="A chart")
    table = discord.File(io.BytesIO(b"<script>"), "page.html")
    embed = discord.Embed(title="Chart").set_image(url="attachment://chart_1.png")
    message = await channel.send(files=[picture, table], embed=embed)
    assert [file.filename for file in message.attachments] == ["chart_1.png", "page.html"]
    assert await message.attachments[0].read() == b"\x89PNG"
    [shown] = await people.messages()
    assert shown["attachments"][0]["description"] == "A chart"
    assert shown["embeds"][0]["image"]["url"] == message.attachments[0].url

    path = message.attachments[1].url.removeprefix("https://cdn.discordapp.com")
    async with people.http.get(path) as response:
        assert await response.read() == b"<script>"
        assert response.headers["Content-Disposition"] == "attachment"
        assert response.headers["X-Content-Type-Options"] == "nosniff"
    async with people.http.get("/attachments/1/2/3") as response:
        assert response.status == 404

    kept = await message.edit(attachments=[message.attachments[1]])
    assert [file.filename for file in kept.attachments] == ["page.html"]
    assert sandbox.problems == []


async def test_a_file_beyond_the_limit_is_refused(channel: discord.TextChannel):
    with pytest.raises(discord.HTTPException) as refused:
        await channel.send(file=discord.File(io.BytesIO(bytes(10 * 1024 * 1024 + 1)), "big.bin"))
    assert (refused.value.status, refused.value.code) == (413, 40005)


TEXT = f"<@{CLARA}> <@&{PLAYERS}> @everyone <@1>"
NOBODY = {"users": [], "roles": [], "everyone": False}
PINGS: dict[str, tuple[discord.AllowedMentions | None, dict[str, object]]] = {
    "unless told otherwise, all": (None, {"users": [CLARA], "roles": [PLAYERS], "everyone": True}),
    "none": (discord.AllowedMentions.none(), NOBODY),
    "users": (discord.AllowedMentions(users=True, roles=False, everyone=False), NOBODY | {"users": [CLARA]}),
    "one user": (
        discord.AllowedMentions(users=[discord.Object(int(CLARA))], roles=False, everyone=False),
        NOBODY | {"users": [CLARA]},
    ),
    "another user": (
        discord.AllowedMentions(users=[discord.Object(5)], roles=False, everyone=False),
        NOBODY,
    ),
}


@pytest.mark.parametrize(("allowed", "pinged"), PINGS.values(), ids=PINGS)
async def test_whom_a_message_pings(
    people: People,
    channel: discord.TextChannel,
    allowed: discord.AllowedMentions | None,
    pinged: dict[str, object],
):
    message = await (channel.send(TEXT, allowed_mentions=allowed) if allowed else channel.send(TEXT))
    [shown] = await people.messages()
    assert shown["mentions"] == pinged
    assert message.mention_everyone == pinged["everyone"]


async def test_an_embed_pings_nobody(people: People, channel: discord.TextChannel):
    await channel.send(embed=discord.Embed(description=TEXT))
    [shown] = await people.messages()
    assert shown["mentions"] == NOBODY


@pytest.mark.parametrize(
    ("who", "pinged"),
    [
        ("clara", NOBODY | {"users": [CLARA]}),
        ("admin_martha", {"users": [CLARA], "roles": [PLAYERS], "everyone": True}),
    ],
)
async def test_a_player_cannot_ping_everyone(people: People, who: str, pinged: dict[str, object]):
    await people.ask("POST", "/api/messages", {"as": who, "channel": "general", "content": TEXT})
    [shown] = await people.messages()
    assert shown["mentions"] == pinged


async def test_what_the_sandbox_does_not_know_is_a_problem(sandbox: Sandbox, channel: discord.TextChannel):
    with pytest.raises(discord.NotFound):
        await channel.create_invite()
    [problem] = sandbox.problems
    assert (problem.where, problem.status) == (f"POST /api/v10/channels/{channel.id}/invites", 404)


async def test_without_the_token_nothing_is_answered(sandbox: Sandbox, socket: object):
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as http,
        http.get("http://discord.com/api/v10/users/@me") as response,
    ):
        assert response.status == 401
        assert (await response.json())["message"] == "401: Unauthorized"
    assert sandbox.problems == []
