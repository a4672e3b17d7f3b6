"""Every error of every command, button and form reaches its user, and the log."""

import asyncio
import re
from typing import Any

import pytest

from bot import funnel
from bot.client import Rollcall
from sandbox.server import Sandbox
from tests.bot.talking import press, said
from tests.sandbox.people import People

ERROR_ID = re.compile(r"E-[0-9A-HJKMNP-TV-Z]{6}")


@pytest.mark.usefixtures("bot")
async def test_a_refusal_is_said_to_its_user_alone_and_is_no_error(people: People, log: list[str]):
    message = await people.answer(command="refuse")
    assert "you have not got that many" in said(message)
    assert message["ephemeral"]
    assert not ERROR_ID.search(said(message))
    assert not any(line.startswith("ERROR") for line in log)


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize("early", [True, False])
async def test_an_error_is_answered_with_an_id_that_the_log_has_too(people: People, log: list[str], early: bool):
    message = await people.answer(command="crash", options={"early": early})
    [error_id] = ERROR_ID.findall(said(message))
    [record] = [line for line in log if error_id in line]
    assert "RuntimeError: the secret reason" in record
    assert "secret" not in said(message)
    assert message["ephemeral"]


@pytest.mark.usefixtures("bot")
async def test_an_error_of_the_database_keeps_the_id_it_was_recorded_under(people: People, log: list[str]):
    message = await people.answer(command="database")
    [error_id] = ERROR_ID.findall(said(message))
    assert "could not be processed" in said(message)
    assert any(error_id in line and "no such table" in line for line in log)


@pytest.mark.usefixtures("bot")
async def test_a_command_that_forgets_to_answer_is_answered_for(people: People, log: list[str]):
    message = await people.answer(command="mute")
    assert ERROR_ID.search(said(message))
    assert any("ended without an answer" in line for line in log)


@pytest.mark.usefixtures("bot")
async def test_a_second_answer_becomes_a_second_message(people: People, sandbox: Sandbox):
    outcome = await people.outcome(await people.interact(command="overanswer"))
    await asyncio.sleep(0.05)
    _, outcome = await people.ask("GET", f"/api/interactions/{outcome['id']}")
    assert [message["content"] for message in outcome["messages"]] == ["one", "two"]
    assert sandbox.problems == []


@pytest.mark.usefixtures("bot")
async def test_a_button_that_raises_tells_its_user_and_leaves_the_message_alone(people: People, log: list[str]):
    message = await people.answer(command="press")
    refused = await people.outcome(await press(people, message, "refuse"))
    assert "not with this button" in said(refused["messages"][-1])
    crashed = await people.outcome(await press(people, message, "crash"))
    [error_id] = ERROR_ID.findall(said(crashed["messages"][-1]))
    assert any(error_id in line and "the button's secret reason" in line for line in log)
    assert crashed["messages"][-1]["ephemeral"]
    [still] = [each for each in await people.messages() if each["id"] == message["id"]]
    assert still["content"] == "press"


@pytest.mark.usefixtures("bot")
async def test_a_button_answers_only_the_one_who_ran_the_command(people: People):
    message = await people.answer(command="press")
    outcome = await people.outcome(await press(people, message, "fine", as_="benjamin"))
    assert "belong to the one who ran the command" in said(outcome["messages"][-1])


@pytest.mark.usefixtures("bot")
async def test_a_deferred_button_replaces_its_message_and_takes_its_buttons_away(people: People):
    message = await people.answer(command="press")
    await people.outcome(await press(people, message, "fine"))
    [now] = [each for each in await people.messages() if each["id"] == message["id"]]
    assert now["content"] == "replaced"
    assert now["components"] == []


async def test_the_button_of_a_view_that_is_gone_is_answered(
    bot: Rollcall, people: People, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(funnel, "ORPHAN_GRACE_S", 0.05)
    message = await people.answer(command="press")
    bot.get_cog("Probe").view.stop()
    outcome = await people.outcome(await press(people, message, "fine"))
    assert "no longer active" in said(outcome["messages"][-1])


async def test_a_view_that_times_out_shows_it(bot: Rollcall, people: People):
    message = await people.answer(command="press")
    await bot.get_cog("Probe").view.on_timeout()
    [now] = [each for each in await people.messages() if each["id"] == message["id"]]
    assert all(each["disabled"] for row in now["components"] for each in row["components"])


@pytest.mark.usefixtures("bot")
async def test_a_form_that_raises_tells_its_user(people: People, log: list[str]):
    opened = await people.outcome(await people.interact(command="form"))
    filled = await people.interact(modal=opened["id"], fields={"words": "crash"})
    outcome = await people.outcome(filled)
    [error_id] = ERROR_ID.findall(said(outcome["messages"][-1]))
    assert any(error_id in line and "the form's secret reason" in line for line in log)


@pytest.mark.usefixtures("bot")
async def test_a_completion_that_raises_gives_no_choices(people: People, caplog: pytest.LogCaptureFixture):
    asked = {"as": "abigail", "channel": "general", "command": "complete", "focused": "word"}
    assert await people.ask("POST", "/api/autocomplete", {**asked, "options": {"word": "a"}}) == (
        200,
        {"choices": [{"name": "a", "value": "a"}]},
    )
    assert await people.ask("POST", "/api/autocomplete", {**asked, "options": {"word": "crash"}}) == (
        200,
        {"choices": []},
    )
    assert "the completion's secret reason" in caplog.text


@pytest.mark.usefixtures("bot")
@pytest.mark.parametrize(
    ("command", "answer", "fault"),
    [
        ("refuse", "you have not got that many", {"kind": "lose_reply"}),
        ("plain", "hello", {"kind": "lose_reply"}),
        ("plain", "hello", {"kind": "status", "status": 502}),
    ],
)
async def test_an_acknowledgement_whose_reply_is_lost_does_not_lose_the_answer(
    people: People, command: str, answer: str, fault: dict[str, Any], log: list[str]
):
    await people.fault(**fault, route="/interactions/", times=1)
    assert said(await people.answer(command=command)) == answer
    assert not [line for line in log if line.startswith("ERROR")]
    assert fault["kind"] == "status" or any("lost the connection while answering" in line for line in log)


@pytest.mark.usefixtures("bot")
async def test_an_edit_whose_reply_is_lost_is_made_again(people: People, log: list[str]):
    await people.fault("lose_reply", route="PATCH", times=1)
    assert said(await people.answer(command="refuse")) == "you have not got that many"
    await asyncio.sleep(0.05)
    assert any("lost the connection while answering" in line for line in log)


@pytest.mark.usefixtures("bot")
async def test_an_interaction_delivered_twice_has_one_answer(people: People):
    await people.fault("deliver_twice", times=1)
    first = await people.outcome(await people.interact(command="refuse"))
    await asyncio.sleep(0.1)
    _, later = await people.ask("GET", f"/api/interactions/{first['id']}")
    assert ["you have not got that many" in said(message) for message in later["messages"]].count(True) >= 1


async def test_what_runs_at_the_end_is_waited_for_and_nothing_new_begins(bot: Rollcall, people: People):
    late = await people.interact(command="late")
    drained = asyncio.create_task(bot.drain(5))
    await asyncio.sleep(0)
    assert "restarting" in said(await people.answer(command="plain"))
    assert not drained.done()
    bot.get_cog("Probe").release.set()
    await drained
    outcome = await people.outcome(late)
    assert said(outcome["messages"][-1]).strip() == "at last"
