"""What cost somebody an hour once: the traps of discord.py that the sandbox has to lay out as Discord does."""

import asyncio
from pathlib import Path
from typing import Any

import aiohttp
import discord
import pytest

from sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Connect, running
from tests.sandbox.people import People


async def raw(socket: Path, method: str, path: str, **options: Any) -> tuple[int, str | None, bytes]:
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as http,
        http.request(method, f"http://discord.com/api/v10{path}", **options) as response,
    ):
        return response.status, response.headers.get("Content-Type"), await response.read()


@pytest.mark.parametrize("path", ["/users/@me", "/nothing"])
@pytest.mark.usefixtures("sandbox")
async def test_json_is_announced_without_a_charset(socket: Path, path: str):
    _, content_type, _ = await raw(socket, "GET", path, headers={"Authorization": "Bot sandbox"})
    assert content_type == "application/json"


class Heard:
    """Keeps the raw payload of each interaction."""

    def __init__(self, view: type[discord.ui.View] | None = None) -> None:
        self.payloads: list[dict[str, Any]] = []
        self._view = view

    def __call__(self, bot: Bot) -> None:
        parse = bot._connection.parsers["INTERACTION_CREATE"]

        def note(data: dict[str, Any]) -> None:
            self.payloads.append(data)
            parse(data)

        bot._connection.parsers["INTERACTION_CREATE"] = note

        @bot.tree.command(description="Show.")
        async def show(interaction: discord.Interaction) -> None:
            view = {"view": self._view()} if self._view else {}
            await interaction.response.send_message("shown", **view)


async def test_a_callback_is_answered_with_its_resource_when_that_is_asked_for(
    sandbox: Sandbox, people: People, socket: Path, connected: Connect
):
    heard = Heard()
    async with connected(heard):
        await people.interact(command="show")
        [payload] = heard.payloads
        path = f"/interactions/{payload['id']}/{payload['token']}/callback"
        status, _, body = await raw(socket, "POST", path, json={"type": 5}, params={"with_response": "1"})
        assert (status, b"40060" in body) == (400, True)
    interaction = sandbox.hub.interactions.get(payload["id"])
    assert interaction is not None
    assert interaction.state == "answered"


@pytest.mark.parametrize(("query", "status"), [({}, 204), ({"with_response": "1"}, 200)])
async def test_only_who_asks_for_a_response_gets_one(
    people: People, socket: Path, connected: Connect, query: dict[str, str], status: int
):
    def prepare(bot: Bot) -> None:
        @bot.tree.command(description="Let another process answer.")
        async def relay(interaction: discord.Interaction) -> None:
            path = f"/interactions/{interaction.id}/{interaction.token}/callback"
            data = {"type": 4, "data": {"content": "relayed"}}
            answered, _, _ = await raw(socket, "POST", path, json=data, params=query)
            bot.dispatch("relayed", answered)

    async with connected(prepare) as bot:
        relayed = bot.wait_for("relayed", timeout=2)
        message = await people.answer(command="relay")
        assert message["content"] == "relayed"
        assert await relayed == status


async def test_an_interaction_bears_the_attachment_limit(people: People, connected: Connect):
    heard = Heard()
    async with connected(heard):
        await people.interact(command="show")
    [payload] = heard.payloads
    assert payload["attachment_size_limit"] == 10 * 1024 * 1024
    assert isinstance(payload["id"], str)
    assert "resolved" not in payload["data"]


class Colours(discord.ui.View):
    @discord.ui.select(custom_id="colour", options=[discord.SelectOption(label="red")])
    async def pick(self, interaction: discord.Interaction, select: discord.ui.Select["Colours"]) -> None:
        await interaction.response.send_message(f"took {select.values}")


async def test_a_select_without_references_has_no_resolved_data(people: People, connected: Connect):
    heard = Heard(Colours)
    async with connected(heard):
        message = await people.answer(command="show")
        taken = await people.answer(message=message["id"], custom_id="colour", values=["red"])
    assert taken["content"] == "took ['red']"
    assert "resolved" not in heard.payloads[-1]["data"]


class Persistent(discord.ui.View):
    def __init__(self) -> None:
        super().__init__(timeout=None)

    @discord.ui.button(label="Still here?", custom_id="still-here")
    async def press(self, interaction: discord.Interaction, _button: discord.ui.Button["Persistent"]) -> None:
        await interaction.response.send_message("still here")


@pytest.mark.parametrize("added", [True, False])
async def test_a_button_survives_a_restart_only_if_its_view_is_added(
    sandbox: Sandbox, people: People, socket: Path, added: bool
):
    async with running(Bot(socket, prepare=Heard(Persistent))):
        message = await people.answer(command="show")

    def restarted(bot: Bot) -> None:
        if added:
            bot.add_view(Persistent())

    async with running(Bot(socket, prepare=restarted)):
        sandbox.hub.interactions.acknowledge_s = 0.3
        body = {"as": "clara", "message": message["id"], "custom_id": "still-here"}
        status, _ = await people.ask("POST", "/api/interactions", body)
        assert status == (200 if added else 504)


async def test_a_lost_deadline_is_not_found_inside_the_command_error(
    sandbox: Sandbox, people: People, connected: Connect
):
    def prepare(bot: Bot) -> None:
        @bot.tree.command(description="Too slow.")
        async def slow(interaction: discord.Interaction) -> None:
            await asyncio.sleep(0.1)
            await interaction.response.send_message("too late")

    async with connected(prepare) as bot:
        sandbox.hub.interactions.acknowledge_s = 0.05
        status, _ = await people.refused(command="slow")
        assert status == 504
        async with asyncio.timeout(2):
            while not bot.errors:
                await asyncio.sleep(0.002)
        [error] = bot.errors
        assert isinstance(error, discord.app_commands.CommandInvokeError)
        assert isinstance(error.original, discord.NotFound)
        assert error.original.code == 10062


async def test_a_429_needs_via_and_json_to_be_believed(people: People, socket: Path):
    await people.fault("status", status=429, route="/users/@me", retry_after=0.5)
    async with (
        aiohttp.ClientSession(connector=aiohttp.UnixConnector(str(socket))) as http,
        http.get("http://discord.com/api/v10/users/@me") as response,
    ):
        assert response.headers["Via"]
        assert response.headers["Content-Type"] == "application/json"
        assert (await response.json())["retry_after"] == 0.5


async def test_a_view_without_a_timeout_on_an_ephemeral_answer_still_works(people: People, connected: Connect):
    def prepare(bot: Bot) -> None:
        @bot.tree.command(description="Hide and show.")
        async def hide(interaction: discord.Interaction) -> None:
            await interaction.response.send_message("hidden", view=Persistent(), ephemeral=True)

    async with connected(prepare):
        message = await people.answer(command="hide")
        assert (await people.answer(message=message["id"], custom_id="still-here"))["content"] == "still here"
