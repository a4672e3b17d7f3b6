"""Pages by cursor, there and back."""

import asyncio

import discord
import pytest

from bot.ui.paginator import Paginator, over
from sandbox.server import Sandbox
from tests.bot.talking import Message, button, now, press, said
from tests.sandbox.people import People


async def turn(people: People, message: Message, label: str):
    await press(people, message, label)
    await asyncio.sleep(0.05)
    return await now(people, message)


@pytest.mark.usefixtures("bot")
async def test_pages_turn_forward_to_the_last_and_back_to_the_first(people: People, sandbox: Sandbox):
    page = await people.answer(command="leaf")
    assert (said(page), button(page, "◀")["disabled"], button(page, "▶").get("disabled", False)) == (
        "page 0",
        True,
        False,
    )
    page = await turn(people, page, "▶")
    page = await turn(people, page, "▶")
    assert (said(page), button(page, "▶")["disabled"]) == ("page 2", True)
    page = await turn(people, page, "◀")
    page = await turn(people, page, "◀")
    assert (said(page), button(page, "◀")["disabled"]) == ("page 0", True)
    assert sandbox.problems == []


@pytest.mark.usefixtures("bot")
async def test_a_page_that_cannot_be_read_is_told_and_the_list_stays_where_it_was(people: People):
    page = await people.answer(command="leaf", options={"broken": True})
    outcome = await people.outcome(await press(people, page, "▶"))
    await asyncio.sleep(0.05)
    _, outcome = await people.ask("GET", f"/api/interactions/{outcome['id']}")
    assert any("could not be processed" in said(message) for message in outcome["messages"])
    assert said(await now(people, page)) == "page 0"
    assert not button(await now(people, page), "▶").get("disabled", False)


@pytest.mark.parametrize("count", [1, 2, 5])
async def test_every_embed_of_a_list_is_one_page(count: int):
    fetch = over([discord.Embed(title=str(number)) for number in range(count)])
    titles, cursor = [], None
    while True:
        page = await fetch(cursor)
        titles.append(page.embed.title)
        cursor = page.following
        if cursor is None:
            break
    assert titles == [str(number) for number in range(count)]


@pytest.mark.usefixtures("bot")
async def test_one_page_needs_no_buttons(people: People):
    assert (await people.answer(command="plain"))["components"] == []
    assert Paginator[int](over([]), author=1).children
