"""The question before the deed: it is done once, for the one who was asked."""

import asyncio

import pytest

from bot.client import Rollcall
from sandbox.server import Sandbox
from tests.bot.talking import button, now, press, said
from tests.sandbox.people import People


@pytest.mark.usefixtures("bot")
async def test_a_confirmation_runs_the_action_and_becomes_its_answer(people: People):
    question = await people.answer(command="ask")
    await people.outcome(await press(people, question, "Confirm"))
    done = await now(people, question)
    assert said(done) == "Done run 1"
    assert done["components"] == []


async def test_two_clicks_at_once_run_it_once(bot: Rollcall, people: People, sandbox: Sandbox):
    question = await people.answer(command="ask")
    await asyncio.gather(press(people, question, "Confirm"), press(people, question, "Confirm"))
    await asyncio.sleep(0.15)
    assert bot.get_cog("Probe").runs == 1
    assert said(await now(people, question)) == "Done run 1"
    assert sandbox.problems == []


async def test_one_click_delivered_twice_runs_it_once(bot: Rollcall, people: People):
    question = await people.answer(command="ask")
    await people.fault("deliver_twice", times=1)
    await press(people, question, "Confirm")
    await asyncio.sleep(0.15)
    assert bot.get_cog("Probe").runs == 1
    assert said(await now(people, question)) == "Done run 1"


async def test_cancelling_changes_nothing_and_a_late_confirmation_does_not_either(bot: Rollcall, people: People):
    question = await people.answer(command="ask")
    await asyncio.gather(press(people, question, "Cancel"), press(people, question, "Confirm"))
    await asyncio.sleep(0.1)
    assert bot.get_cog("Probe").runs == 0
    assert said(await now(people, question)) == "Cancelled Nothing was changed."


@pytest.mark.usefixtures("bot")
async def test_an_action_that_fails_is_told_and_leaves_no_live_button(people: People):
    question = await people.answer(command="ask", options={"crash": True})
    outcome = await people.outcome(await press(people, question, "Confirm"))
    await asyncio.sleep(0.15)
    _, outcome = await people.ask("GET", f"/api/interactions/{outcome['id']}")
    assert any("Something went wrong" in said(message) for message in outcome["messages"])
    left = await now(people, question)
    assert button(left, "Confirm")["disabled"]
    assert button(left, "Cancel")["disabled"]


async def test_a_question_that_nobody_answers_loses_its_buttons(bot: Rollcall, people: People):
    question = await people.answer(command="ask")
    [view] = [view for view in bot._connection._view_store._views.values() for view in {i.view for i in view.values()}]
    await view.on_timeout()
    assert button(await now(people, question), "Confirm")["disabled"]
