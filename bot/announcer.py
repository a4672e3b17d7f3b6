"""Sends what writes announced: at least once, in order for each address, and on Discord once.

Messages in channels and direct messages bear a nonce: sent again within Discord's window of a few minutes, after a
reply that got lost or a process that was killed, they are not shown again. Discord has no such thing for the follow-up
of an interaction, so each is noted before it is sent, and one that is sent again says that it may be a repetition.

A follow-up is seen by its author alone. When its time is over, a notice in the channel pings him, without what others
need not know; the whole is sent as a direct message only where the channel is closed to the bot, since the
direct messages of a bot are easily missed, and unasked for.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import discord
from loguru import logger

from bot.renderers import Renderers
from bot.responding import INVALID_WEBHOOK_TOKEN
from db import Context, DatabaseError, DatabaseManager, Mode, Operation, announcements
from db.announcements import Announcement, Verdict, Way

# The disk is asked when something was committed, and else once a second for what has become due by time.
_IDLE_S: Final = 1.0
# How often it is looked whether something was committed, which is in memory.
_PAUSE_S: Final = 0.1
_AT_ONCE: Final = 16
# discord.py itself waits for rate limits and retries what is Discord's fault; this is for when it never ends.
_SEND_WITHIN_S: Final = 60.0
_UNRECORDED_PAUSE_S: Final = 2.0
_CLOSING_GRACE_S: Final = 1.0
# A follow-up sent so shortly before its token ends would likely arrive after.
_TOKEN_MARGIN_MS: Final = 5_000

_NOT_FOR_EVER: Final = {401, 408, 429}
_CLIENT_ERRORS: Final = range(400, 500)
_REPEATED: Final = "Sent again to be sure: you may have seen this before."
_OVER: Final = "the time to follow up the interaction is over"


class _NotNow(Exception):
    """The database cannot note what is needed first: nothing was sent, and it is no failure of the announcement."""


class _Closed(Exception):
    """This way is closed, as is known without asking Discord."""


@dataclass(frozen=True, slots=True)
class _Failure:
    problem: str
    permanent: bool
    retry_after_ms: int = 0


class Announcer:
    """One for each process. `sent` and `given_up` count since its start."""

    def __init__(self, client: discord.Client, db: DatabaseManager) -> None:
        self._client = client
        self._db = db
        self._under_way: dict[int, asyncio.Task[None]] = {}
        self._arrived: set[int] = set()  # sent, and not yet recorded as that
        self._ways: dict[Way, Callable[[Announcement, discord.Embed], Awaitable[Any]]] = {
            Way.FOLLOW_UP: self._follow_up,
            Way.CHANNEL: self._in_channel,
            Way.DIRECT: self._directly,
        }
        self.renderers = Renderers()
        self.sent = 0
        self.given_up = 0

    async def run(self) -> None:
        """Send what is due until cancelled; what is being sent then gets a moment to end."""
        try:
            await self._client.wait_until_ready()
            while True:
                seen = self._db.version
                await self._begin_due()
                await self._rest(seen)
        finally:
            await self._finish()

    async def _begin_due(self) -> None:
        # What cannot be recorded as sent would be sent again and again: nothing leaves while nothing can be stored.
        if self._db.mode is not Mode.READ_WRITE or len(self._under_way) >= _AT_ONCE:
            return
        try:
            found = await self._db.read(announcements.due, now_ms=_now_ms(), limit=2 * _AT_ONCE)
        except DatabaseError as error:
            logger.debug("announcements cannot be read: {} [{}]", error, error.error_id)
            return
        for each in found:
            if each.id not in self._under_way and len(self._under_way) < _AT_ONCE:
                task = asyncio.create_task(self._deliver(each), name=f"announcement {each.id}")
                self._under_way[each.id] = task
                task.add_done_callback(lambda _, ended=each.id: self._under_way.pop(ended, None))

    async def _rest(self, seen: int | None) -> None:
        until = time.monotonic() + _IDLE_S
        await asyncio.sleep(_PAUSE_S)
        while time.monotonic() < until and self._db.version in (seen, None):  # noqa: ASYNC110 - it is but a number
            await asyncio.sleep(_PAUSE_S)

    async def _finish(self) -> None:
        tasks = list(self._under_way.values())
        if tasks:
            await asyncio.wait(tasks, timeout=_CLOSING_GRACE_S)
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _deliver(self, announcement: Announcement) -> None:
        try:
            if announcement.id not in self._arrived:
                await self._send(announcement)
                self._arrived.add(announcement.id)
        except _NotNow:
            await asyncio.sleep(_UNRECORDED_PAUSE_S)
        except Exception as error:  # noqa: BLE001 - a renderer's mistake must not end the announcer
            await self._record_failure(announcement, _failure_of(error))
        else:
            await self._record_arrival(announcement)

    async def _send(self, announcement: Announcement) -> None:
        embed = await self.renderers.render(announcement)
        async with asyncio.timeout(_SEND_WITHIN_S):
            await self._ways[announcement.way](announcement, embed)

    async def _follow_up(self, announcement: Announcement, embed: discord.Embed) -> None:
        assert announcement.application is not None
        assert announcement.token is not None
        if _now_ms() + _TOKEN_MARGIN_MS >= (announcement.token_until_ms or 0):
            raise _Closed(_OVER)
        if announcement.follow_up_begun:
            embed.set_footer(text=_REPEATED)
        elif await self._record(announcements.follow_up_begun, announcement, "begun") is not True:
            raise _NotNow
        webhook = discord.Webhook.partial(announcement.application, announcement.token, client=self._client)
        # `partial` takes it for a channel's webhook, and those have no ephemeral messages.
        webhook.type = discord.WebhookType.application
        nobody = discord.AllowedMentions.none()
        await webhook.send(embed=embed, ephemeral=True, wait=True, allowed_mentions=nobody)

    async def _in_channel(self, announcement: Announcement, embed: discord.Embed) -> None:
        assert announcement.channel is not None
        channel, user = self._client.get_partial_messageable(announcement.channel), announcement.user
        pinged = discord.AllowedMentions.none()
        if user is None:
            await channel.send(embed=embed, nonce=announcement.nonce, allowed_mentions=pinged)
        else:
            pinged.users = [discord.Object(user)]
            await channel.send(f"<@{user}>", embed=embed, nonce=announcement.nonce, allowed_mentions=pinged)

    async def _directly(self, announcement: Announcement, embed: discord.Embed) -> None:
        assert announcement.user is not None
        channel = await self._client.create_dm(discord.Object(announcement.user))
        nobody = discord.AllowedMentions.none()
        await channel.send(embed=embed, nonce=announcement.nonce, allowed_mentions=nobody)

    async def _record_arrival(self, announcement: Announcement) -> None:
        try:
            await self._record(announcements.sent, announcement, "sent")
        except _NotNow:
            await asyncio.sleep(_UNRECORDED_PAUSE_S)
            return
        self._arrived.discard(announcement.id)
        self.sent += 1
        logger.debug("announcement {} ({}) was sent: {}", announcement.id, announcement.kind, announcement.way)

    async def _record_failure(self, announcement: Announcement, failure: _Failure) -> None:
        step = f"{announcement.way}:{announcement.attempts}:failed"
        about = {"problem": failure.problem, "permanent": failure.permanent, "retry_after_ms": failure.retry_after_ms}
        try:
            verdict = await self._record(announcements.failed, announcement, step, **about)
        except _NotNow:
            await asyncio.sleep(_UNRECORDED_PAUSE_S)
            return
        if verdict is Verdict.GIVEN_UP:
            self.given_up += 1
        level = {Verdict.GIVEN_UP: "ERROR", Verdict.RETRY: "WARNING"}.get(verdict, "INFO")
        what = (announcement.id, announcement.kind, announcement.guild, announcement.way)
        logger.log(level, "announcement {} ({}, guild {}) by {}: {}; {}", *what, failure.problem, verdict)

    async def _record(self, operation: Operation[..., Any], announcement: Announcement, step: str, **about: Any) -> Any:
        """What the operation returned; raises _NotNow where it was not stored."""
        context = Context(operation_id=f"announcement:{announcement.id}:{step}", actor=0, guild=announcement.guild)
        result = await self._db.write(operation, context, announcement=announcement.id, **about)
        if not result.has_value:
            logger.warning("announcement {}: {} is not stored: {}", announcement.id, step, result.reason)
            raise _NotNow
        return result.value


def _failure_of(error: Exception) -> _Failure:
    match error:
        case _Closed():
            return _Failure(str(error), permanent=True)
        case discord.RateLimited():
            return _Failure("429", permanent=False, retry_after_ms=int(error.retry_after * 1000))
        case discord.HTTPException():
            problem = _printable(f"{error.status} {error.code} {error.text}")
            return _Failure(problem, permanent=_is_permanent(error))
        case aiohttp.ClientError() | OSError():  # whose text may hold the address, and so the token
            return _Failure(type(error).__name__, permanent=False)
        case _:
            logger.opt(exception=error).error("an announcement could not be put together")
            return _Failure(_printable(f"{type(error).__name__}: {error}"), permanent=False)


def _is_permanent(error: discord.HTTPException) -> bool:
    """A dead token of an interaction is a 401 like a bad one of the bot, which says nothing about one announcement."""
    if error.code == INVALID_WEBHOOK_TOKEN:
        return True
    return error.status in _CLIENT_ERRORS and error.status not in _NOT_FOR_EVER


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else " " for character in text)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
