"""Discord's two deadlines, 3 s and 15 minutes: what comes too late is logged, and breaks nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.client import Rollcall
from sandbox.clock import ManualClock
from sandbox.server import Sandbox
from tests.bot.talking import said
from tests.sandbox.people import People


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def sandbox(socket: Path, clock: ManualClock) -> AsyncIterator[Sandbox]:
    async with Sandbox(socket=socket, clock=clock) as sandbox:
        yield sandbox


async def until(log: list[str], words: str) -> None:
    async with asyncio.timeout(5):
        while not any(words in line for line in log):
            await asyncio.sleep(0.01)


async def test_an_answer_after_three_seconds_is_logged_and_not_an_error(
    bot: Rollcall, people: People, clock: ManualClock, log: list[str]
):
    probe = bot.get_cog("Probe")
    asked = asyncio.create_task(people.refused(command="late", options={"deferred": False}))
    async with asyncio.timeout(5):
        await probe.entered.wait()
    clock.advance(3.1)
    await asked
    probe.release.set()
    await until(log, "can no longer be answered")
    assert not [line for line in log if line.startswith("ERROR")]
    assert said(await people.answer(command="plain")) == "hello"


async def test_an_answer_after_a_quarter_of_an_hour_is_logged_and_not_an_error(
    bot: Rollcall, people: People, clock: ManualClock, log: list[str]
):
    await people.interact(command="late")
    clock.advance(15 * 60 + 1)
    bot.get_cog("Probe").release.set()
    await until(log, "can no longer be answered")
    assert not [line for line in log if line.startswith("ERROR")]


@pytest.mark.usefixtures("bot")
async def test_an_acknowledgement_that_comes_too_late_is_no_error_of_the_command(
    people: People, clock: ManualClock, log: list[str]
):
    await people.fault("delay", route="/interactions/", seconds=0.2)
    asked = asyncio.create_task(people.refused(command="refuse"))
    await asyncio.sleep(0.1)
    clock.advance(3.1)
    await asked
    await until(log, "Discord would not take the answer")
    assert not [line for line in log if line.startswith("ERROR")]
