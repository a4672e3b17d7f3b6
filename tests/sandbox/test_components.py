"""Buttons, selects and modals, used as a person does."""

from typing import Any

import discord
import pytest

from sandbox.server import Sandbox
from tests.sandbox.conftest import Bot, Connect
from tests.sandbox.people import People

ABIGAIL = "1190000000000000102"


class Panel(discord.ui.View):
    @discord.ui.button(label="Count", custom_id="count")
    async def count(self, interaction: discord.Interaction, button: discord.ui.Button["Panel"]) -> None:
        button.label = str(int(button.label or "0") + 1) if (button.label or "").isdecimal() else "1"
        await interaction.response.edit_message(content=f"pressed by {interaction.user.name}", view=self)

    @discord.ui.button(label="Later", custom_id="later")
    async def later(self, interaction: discord.Interaction, _button: discord.ui.Button["Panel"]) -> None:
        await interaction.response.defer()
        await interaction.edit_original_response(content="later")

    @discord.ui.button(label="Whisper", custom_id="whisper")
    async def whisper(self, interaction: discord.Interaction, _button: discord.ui.Button["Panel"]) -> None:
        await interaction.response.send_message("psst", ephemeral=True)

    @discord.ui.button(label="Off", custom_id="off", disabled=True)
    async def off(self, interaction: discord.Interaction, _button: discord.ui.Button["Panel"]) -> None:
        await interaction.response.send_message("never")

    @discord.ui.select(
        custom_id="colours",
        min_values=1,
        max_values=2,
        options=[discord.SelectOption(label=each.title(), value=each) for each in ("red", "white", "blue")],
    )
    async def colours(self, interaction: discord.Interaction, select: discord.ui.Select["Panel"]) -> None:
        await interaction.response.send_message("+".join(select.values))

    @discord.ui.select(cls=discord.ui.UserSelect, custom_id="who")
    async def who(self, interaction: discord.Interaction, select: discord.ui.UserSelect["Panel"]) -> None:
        await interaction.response.send_message(f"chose {select.values[0].name}")


def prepare(bot: Bot) -> None:
    @bot.tree.command(description="Show the panel.")
    async def panel(interaction: discord.Interaction, secret: bool = False) -> None:
        view = Panel().add_item(discord.ui.Button(label="Home", url="https://example.org"))
        await interaction.response.send_message("a panel", view=view, ephemeral=secret)


async def test_a_button_edits_its_message(sandbox: Sandbox, people: People, connected: Connect):
    async with connected(prepare):
        message = await people.answer(command="panel")
        for label in ("1", "2"):
            outcome = await people.outcome(await people.interact(as_="clara", message=message["id"], custom_id="count"))
            [changed] = outcome["messages"]
            assert changed["id"] == message["id"]
            assert changed["edited"]
            assert changed["content"] == "pressed by clara"
            assert changed["components"][0]["components"][0]["label"] == label
    assert sandbox.problems == []


async def test_a_button_that_defers_edits_its_message_later(people: People, connected: Connect):
    async with connected(prepare):
        message = await people.answer(command="panel")
        changed = await people.answer(message=message["id"], custom_id="later")
        assert (changed["id"], changed["content"]) == (message["id"], "later")


async def test_a_button_may_answer_the_one_who_pressed_it(people: People, connected: Connect):
    async with connected(prepare):
        message = await people.answer(command="panel")
        whisper = await people.answer(as_="clara", message=message["id"], custom_id="whisper")
        assert whisper["ephemeral"]
        assert whisper in await people.messages(**{"as": "clara"})
        assert whisper not in await people.messages(**{"as": "abigail"})


async def test_a_select_hands_over_its_values(people: People, connected: Connect):
    async with connected(prepare):
        message = await people.answer(command="panel")
        use = {"message": message["id"], "custom_id": "colours"}
        assert (await people.answer(**use, values=["red", "blue"]))["content"] == "red+blue"
        assert (await people.answer(message=message["id"], custom_id="who", values=["clara"]))[
            "content"
        ] == "chose clara"


@pytest.mark.parametrize(
    ("use", "status", "said"),
    [
        ({"custom_id": "off"}, 409, "disabled"),
        ({"custom_id": "gone"}, 404, "it has: count, later, whisper, off, colours, who"),
        ({"custom_id": "count", "values": ["red"]}, 400, "takes no values"),
        ({"custom_id": "colours", "values": ["green"]}, 400, "no option 'green'"),
        ({"custom_id": "colours", "values": []}, 400, "takes 1 to 2 values, not 0"),
        ({"custom_id": "colours", "values": ["red", "white", "blue"]}, 400, "takes 1 to 2 values, not 3"),
        ({"custom_id": "colours", "values": ["red", "red"]}, 400, "each value once"),
        ({"custom_id": "who", "values": ["zebedee"]}, 404, "no user 'zebedee'"),
    ],
)
async def test_a_client_refuses_what_cannot_be_pressed_or_chosen(
    people: People, connected: Connect, use: dict[str, Any], status: int, said: str
):
    async with connected(prepare):
        message = await people.answer(command="panel")
        answered, text = await people.refused(message=message["id"], **use)
        assert answered == status
        assert said in text


async def test_nobody_else_can_press_what_only_one_sees(people: People, connected: Connect):
    async with connected(prepare):
        message = await people.answer(command="panel", options={"secret": True})
        status, text = await people.refused(as_="clara", message=message["id"], custom_id="count")
        assert (status, text) == (404, f"clara sees no message {message['id']!r}")
        assert await people.answer(message=message["id"], custom_id="count")


class Form(discord.ui.Modal, title="Register"):
    name = discord.ui.TextInput["Form"](label="Name", custom_id="name", min_length=2, max_length=10)
    motto = discord.ui.TextInput["Form"](
        label="Motto", custom_id="motto", required=False, default="E pluribus", style=discord.TextStyle.paragraph
    )
    party = discord.ui.Label["Form"](
        text="Party",
        component=discord.ui.Select(
            custom_id="party", options=[discord.SelectOption(label=each) for each in ("Whig", "Federalist")]
        ),
    )

    async def on_submit(self, interaction: discord.Interaction) -> None:
        assert isinstance(self.party.component, discord.ui.Select)
        text = f"{self.name.value}/{self.motto.value}/{self.party.component.values[0]}"
        await interaction.response.send_message(text)


def prepare_form(bot: Bot) -> None:
    @bot.tree.command(description="Fill in a form.")
    async def register(interaction: discord.Interaction) -> None:
        await interaction.response.send_modal(Form())


async def test_a_form_is_opened_filled_in_and_sent_once(sandbox: Sandbox, people: People, connected: Connect):
    async with connected(prepare_form):
        opened = await people.outcome(await people.interact(command="register"))
        assert opened["state"] == "answered"
        assert opened["modal"]["title"] == "Register"
        fields = {"name": "Ada", "party": ["Whig"]}
        sent = await people.answer(modal=opened["id"], fields=fields)
        assert sent["content"] == "Ada/E pluribus/Whig"
        status, text = await people.refused(modal=opened["id"], fields=fields)
        assert (status, text) == (404, f"abigail has no form {opened['id']!r} open")
    assert sandbox.problems == []


async def test_a_form_can_be_filled_in_by_its_labels(people: People, connected: Connect):
    async with connected(prepare_form):
        opened = await people.outcome(await people.interact(command="register"))
        fields = {"Name": "Ada", "Motto": "two\nlines", "Party": "Whig"}
        sent = await people.answer(modal=opened["modal"]["custom_id"], fields=fields)
        assert sent["content"] == "Ada/two\nlines/Whig"


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({}, "Name must be filled in"),
        ({"name": "A"}, "Name needs at least 2 characters"),
        ({"name": "A" * 11}, "Name takes at most 10 characters"),
        ({"name": "A\nda"}, "Name is a single line"),
        ({"name": 3}, "Name takes a text"),
        ({"motto": "m" * 4001}, "Motto takes at most 4000 characters"),
        ({"party": []}, "Party takes 1 to 1 values, not 0"),
        ({"party": ["Tory"]}, "Party has no option 'Tory'"),
        ({"age": "7"}, "no field 'age'"),
    ],
)
async def test_a_client_refuses_a_form_that_is_filled_in_wrongly(
    people: People, connected: Connect, fields: dict[str, Any], said: str
):
    async with connected(prepare_form):
        opened = await people.outcome(await people.interact(command="register"))
        valid = {"name": "Ada", "party": ["Whig"]} if fields else {"party": ["Whig"]}
        status, text = await people.refused(modal=opened["id"], fields=valid | fields)
        assert status == 400
        assert said in text


async def test_a_form_is_open_for_the_one_who_asked(people: People, connected: Connect):
    async with connected(prepare_form):
        opened = await people.outcome(await people.interact(command="register"))
        status, _ = await people.refused(as_="clara", modal=opened["id"], fields={})
        assert status == 404
