"""What writes announce arrives: once, in order, by the way that is open, and without pinging anybody it should not."""

import asyncio
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import discord
import pytest
import pytest_asyncio

from bot.app import MIGRATIONS
from bot.endings import KIND
from db import Context, DatabaseSettings, Transaction, announcements, open_database, operation
from db.announcements import Announcement, announce
from tests.conftest import ENGINE
from tests.e2e import world
from tests.e2e.books import Books
from tests.e2e.control import Message, Player, eventually
from tests.e2e.process import BotProcess, bot_process
from tests.e2e.stage import Stage, Town, discord_here

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHANNEL_ROUTE = "POST /api/v10/channels"
FOLLOW_UP_ROUTE = "POST /api/v10/webhooks"
ALICE = world.user_id("alice")
AN_HOUR_MS = 3_600_000

ROWS = "SELECT way, outcome, problem, token, held FROM announcement WHERE guild_id = ? ORDER BY id"

numbers = iter(range(1, 10_000))


@operation("test.cry", redact=frozenset({"target"}))
def tell(tx: Transaction, *, target: dict[str, Any], bodies: list[dict[str, Any]], kind: str = "test") -> None:
    for body in bodies:
        announce(tx, target=target, body=body, kind=kind)


class Row(NamedTuple):
    way: str
    outcome: str | None
    problem: str
    token: str | None
    held: int


class Crier:
    """Announces in a test's own server."""

    def __init__(self, stage: Stage, town: Town) -> None:
        self.stage, self.town = stage, town
        [channel] = stage.discord.sandbox.world.guilds[str(town.guild)].channels
        self.channel = int(channel)
        self.alice = town.player("alice")

    async def says(self, *texts: str, **target: Any) -> None:
        await self.facts(*({"text": text} for text in texts), **target)

    async def facts(self, *bodies: dict[str, Any], kind: str = "test", **target: Any) -> None:
        context = Context(operation_id=f"told:{self.town.guild}:{next(numbers)}", actor=1, guild=self.town.guild)
        target = {"channel": self.channel} | target
        assert (await self.stage.database.write(tell, context, target=target, bodies=list(bodies), kind=kind)).ok

    async def follow_up(self, *, until_ms: int | None = None) -> dict[str, Any]:
        """A target: an interaction of alice's that has been answered."""
        answer = await self.alice.run("ping")
        interaction = self.stage.discord.sandbox.hub.interactions.get(answer.interaction)
        assert interaction is not None
        application = self.stage.discord.sandbox.world.bot.id
        until_ms = until_ms or now_ms() + AN_HOUR_MS
        return {"application_id": application, "token": interaction.token, "until_ms": until_ms, "user": ALICE}

    async def heard(self, player: Player | None = None) -> list[str]:
        """The announcements that are seen in the channel, oldest first."""
        return [each.text for each in await (player or self.alice).sees() if "Pong" not in each.text]

    async def hears(self, *texts: str) -> None:
        await eventually(lambda: self._hears(list(texts)))
        await eventually(lambda: not self.unsent())
        assert await self.heard() == list(texts)

    async def _hears(self, texts: list[str]) -> bool:
        return len(await self.heard()) >= len(texts)

    async def direct(self, name: str) -> list[Message]:
        found = await self.town.control.ask("GET", "/api/messages", channel="DM", **{"as": name})
        return [Message.of(raw) for raw in found["messages"]]

    def rows(self, outcome: str = "") -> list[Row]:
        """All announcements of this server, or those with that outcome."""
        rows = [Row(*row) for row in self.town.books.rows(ROWS, self.town.guild)]
        return [row for row in rows if not outcome or row.outcome == outcome]

    def unsent(self) -> list[Row]:
        return [row for row in self.rows() if row.outcome is None]

    def troubled(self) -> list[Row]:
        return [row for row in self.rows() if row.problem]


async def plainly(announcement: Announcement, *, private: bool) -> discord.Embed:
    return discord.Embed(description=announcement.body["text"] + (" (private)" if private else ""))


@pytest.fixture(autouse=True)
def without_delays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(announcements, "FOLLOW_UP_DELAY_MS", 0)
    monkeypatch.setattr(announcements, "FIRST_DELAY_MS", 50)


@pytest_asyncio.fixture(loop_scope="module")
async def crier(stage: Stage, town: Town) -> Crier:
    stage.bot.announcer.renderers.register("test", plainly)
    return Crier(stage, town)


async def test_what_a_write_announces_is_sent_once_in_order(crier: Crier):
    texts = [f"number {number}" for number in range(12)]
    await crier.says(*texts[:6])
    await crier.says(*texts[6:])
    await crier.hears(*texts)


async def test_a_repetition_after_a_lost_reply_is_not_shown(stage: Stage, crier: Crier):
    await crier.town.control.fault("lose_reply", route=CHANNEL_ROUTE)
    await crier.says("first", "second")
    await crier.hears("first", "second")
    assert [record for record in stage.log if "retry" in record]


async def test_what_fails_for_a_while_is_not_overtaken(crier: Crier):
    await crier.town.control.fault("status", status=503, route=CHANNEL_ROUTE, times=3)
    await crier.says("first")
    await crier.says("second", "third")
    await crier.hears("first", "second", "third")


async def test_a_rate_limit_is_waited_for(crier: Crier):
    await crier.town.control.fault("status", status=429, retry_after=0.05, route=CHANNEL_ROUTE, times=2)
    await crier.says("first", "second")
    await crier.hears("first", "second")


async def test_a_follow_up_is_seen_by_its_author_alone(stage: Stage, crier: Crier):
    target = await crier.follow_up()
    await crier.says("yours", **target)
    await crier.hears("yours (private)")
    assert await crier.heard(crier.town.player("bob")) == []
    assert crier.rows() == [Row("follow-up", "sent", "", None, 0)]
    assert target["token"] not in "".join(stage.log)


async def test_a_follow_up_that_may_have_arrived_says_so_when_it_comes_again(crier: Crier):
    target = await crier.follow_up()
    await crier.town.control.fault("lose_reply", route=FOLLOW_UP_ROUTE)
    await crier.says("yours", **target)
    await crier.hears("yours (private)", "yours (private)\nSent again to be sure: you may have seen this before.")


@pytest.mark.parametrize("code", [10015, 50027])
async def test_a_dead_token_becomes_a_notice_that_pings_its_author_alone(stage: Stage, crier: Crier, code: int):
    target = await crier.follow_up()
    await crier.town.control.fault("deny", code=code, route=FOLLOW_UP_ROUTE)
    await crier.says("yours, not @everyone's", **target)
    await crier.hears(f"<@{ALICE}>\nyours, not @everyone's")
    [notice] = await crier.town.player("bob").sees()
    assert notice.raw["mentions"] == {"users": [str(ALICE)], "roles": [], "everyone": False}
    assert target["token"] not in "".join(stage.log)


async def test_a_token_whose_time_is_over_is_not_even_tried(crier: Crier):
    target = await crier.follow_up(until_ms=now_ms() + 1_000)
    await crier.town.control.fault("deny", code=50027, route=FOLLOW_UP_ROUTE)
    await crier.says("late", **target)
    await crier.hears(f"<@{ALICE}>\nlate")
    untouched = (await crier.town.control.ask("GET", "/api/faults"))["faults"]
    assert [fault["kind"] for fault in untouched] == ["deny"]
    await crier.town.control.fault("none")


@pytest.mark.parametrize("code", [10003, 50001, 50013])
async def test_a_closed_channel_becomes_a_direct_message(crier: Crier, code: int):
    await crier.town.control.fault("deny", code=code, route=CHANNEL_ROUTE)
    await crier.says(f"yours {code}", user=ALICE)
    await eventually(lambda: crier.rows("sent"))
    message = (await crier.direct("alice"))[-1]
    assert message.text == f"yours {code} (private)"
    assert not message.pings
    assert await crier.heard() == []


async def test_what_is_closed_everywhere_is_given_up_and_counted(stage: Stage, crier: Crier):
    before = stage.bot.announcer.given_up
    await crier.town.control.fault("deny", code=50007, route=CHANNEL_ROUTE, times=2)
    await crier.says("nobody's", user=world.user_id("bob"))
    await crier.says("somebody's")
    await crier.hears("somebody's")
    await eventually(lambda: stage.bot.announcer.given_up == before + 1)
    [given_up] = crier.rows("given up")
    assert given_up == Row("direct", "given up", "403 50007 Cannot send messages to this user", None, 0)
    assert (await stage.database.read(announcements.counts)).given_up >= 1
    assert [record for record in stage.log if record.startswith("ERROR") and "given up" in record]


async def test_what_is_held_waits_for_an_operator(stage: Stage, crier: Crier, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(announcements, "FIRST_DELAY_MS", 60_000)
    await crier.town.control.fault("status", status=503, route=CHANNEL_ROUTE, times=1)
    await crier.says("first", "second")
    await eventually(crier.troubled)
    assert (await stage.database.write(announcements.hold, operator())).value == 2
    await crier.says("third")
    await eventually(lambda: crier.rows("sent"))
    assert await crier.heard() == ["third"]
    assert (await stage.database.write(announcements.release, operator())).ok
    await crier.hears("third", "first", "second")


async def test_nothing_leaves_while_nothing_can_be_stored(stage: Stage, crier: Crier, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(announcements, "FIRST_DELAY_MS", 500)
    await crier.town.control.fault("status", status=503, route=CHANNEL_ROUTE, times=1)
    await crier.says("later")
    await eventually(crier.troubled)
    stage.database.set_switch(degraded=True)
    try:
        await asyncio.sleep(0.9)  # by now it is due, and the announcer has looked for what is
        assert await crier.heard() == []
    finally:
        stage.database.set_switch(degraded=False)
    await crier.hears("later")


async def test_what_arrived_while_the_database_went_away_is_not_sent_again(
    stage: Stage, crier: Crier, monkeypatch: pytest.MonkeyPatch
):
    sent = on_arrival(stage.discord.sandbox.hub, monkeypatch, lambda: stage.database.set_switch(degraded=True))
    await crier.says("once")
    await eventually(lambda: [record for record in stage.log if "is not stored" in record])
    assert len(crier.unsent()) == 1
    stage.database.set_switch(degraded=False)
    await crier.hears("once")
    assert len(sent) == 1


async def test_a_kind_that_nobody_knows_yet_waits_for_its_renderer(stage: Stage, crier: Crier):
    await crier.facts({"text": "patient"}, kind="test.unknown")
    await eventually(crier.troubled)
    assert "nobody puts" in crier.rows()[0].problem
    stage.bot.announcer.renderers.register("test.unknown", plainly)
    await crier.hears("patient")


@pytest.mark.parametrize(
    ("amount", "how"), [("100", "It has been carried out."), ("300", "You have only **$200.00**.")]
)
async def test_a_payment_that_had_to_wait_is_told_to_its_payer_when_it_ended(
    stage: Stage, crier: Crier, amount: str, how: str
):
    for _ in range(2):
        assert (await crier.alice.run("pay", user="bob", amount="400")).message.title == "Paid"
    stage.database._writing.trip("a test says so")
    waiting = await crier.alice.run("pay", user="bob", amount=amount)
    assert waiting.message.title == "Stored for later"
    await eventually(lambda: crier.rows("sent"), within_s=10)
    told = (await crier.alice.sees())[-1]
    assert told.ephemeral
    assert how in told.text
    assert how not in "".join(await crier.heard(crier.town.player("bob")))


ENDING = {"operation": "economy.transfer", "operation_id": "1:pay", "asked_at_ms": 1_700_000_000_000, "text": "Words."}
REFUSED = {**ENDING, "outcome": "rejected", "reason": "INSUFFICIENT_FUNDS", "details": {"available_cents": 5_00}}
ASKED = "Your payment of <t:1700000000:f>"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (ENDING | {"outcome": "committed", "reason": "COMMITTED"}, "It has been carried out."),
        (REFUSED, "You have only **$5.00**. Nothing was paid."),
        (REFUSED | {"reason": "BY_A_LATER_RULE"}, "Words."),
        (ENDING | {"outcome": "failed", "reason": "OPERATION_FAILED"}, "An operator has it."),
    ],
    ids=lambda each: each.get("reason") if isinstance(each, dict) else None,
)
async def test_the_end_of_what_had_to_wait_is_told_in_the_features_words(crier: Crier, body: Any, said: str):
    await crier.facts(body, kind=KIND, **await crier.follow_up())
    await eventually(lambda: crier.rows("sent"))
    [text] = await crier.heard()
    assert ASKED in text
    assert said in text


async def test_what_is_in_a_wallet_is_not_told_to_everybody(crier: Crier):
    await crier.facts(REFUSED, kind=KIND, user=ALICE)
    await crier.hears(f"<@{ALICE}>\n{ASKED} was refused. Nothing was changed.")


async def test_killed_between_sending_and_noting_it_the_bot_sends_it_again_and_it_is_shown_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    books = Books(tmp_path / "data")
    async with discord_here() as discord_:
        town = discord_.town(books)
        await announced_before_the_start(books, discord_.sandbox.world, town)
        process = await BotProcess.start(books.directory, discord_.socket)
        arrivals = on_arrival(discord_.sandbox.hub, monkeypatch, lambda: os.kill(process.pid, signal.SIGKILL))
        await process.ended()
        assert len(arrivals) == 1
        assert books.rows("SELECT outcome FROM announcement") == [(None,)]
        async with bot_process(discord_, books.directory):
            await eventually(lambda: books.rows("SELECT outcome FROM announcement") == [("sent",)])
        assert [ASKED in message.text for message in await town.player("alice").sees()] == [True]


async def announced_before_the_start(books: Books, places: Any, town: Town) -> None:
    [channel] = places.guilds[str(town.guild)].channels
    settings = DatabaseSettings(directory=books.directory, engine=ENGINE)
    async with open_database(settings, MIGRATIONS) as database:
        context = Context(operation_id="told:before", actor=1, guild=town.guild)
        target = {"channel": int(channel)}
        assert (await database.write(tell, context, target=target, bodies=[REFUSED], kind=KIND)).ok


def on_arrival(hub: Any, monkeypatch: pytest.MonkeyPatch, then: Callable[[], object]) -> list[str]:
    """Do something when a message with a nonce has arrived, before the bot hears of it; returns what has arrived."""
    arrived: list[str] = []
    remember = hub.nonces.remember

    def remember_and_act(nonce: str, message_id: str) -> None:
        remember(nonce, message_id)
        arrived.append(message_id)
        then()

    monkeypatch.setattr(hub.nonces, "remember", remember_and_act)
    return arrived


def operator() -> Context:
    return Context(operation_id=f"operator:{next(numbers)}", actor=world.user_id(world.OPERATOR), guild=0)


def now_ms() -> int:
    return time.time_ns() // 1_000_000
