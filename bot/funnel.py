"""Every outcome and error of a command ends here, and the user is always answered."""

import asyncio
import time
from typing import Any, TypeAlias

import aiohttp
import discord
from discord import app_commands
from loguru import logger

from bot import permissions
from bot.replies import safe_text
from bot.responding import ALREADY_ACKNOWLEDGED, TOO_LATE, Interaction, acknowledged, defer, respond
from bot.ui import embeds
from db import DatabaseError, new_error_id

__all__ = ["Interaction", "SafeModal", "SafeView", "Tree", "UserError", "defer", "report", "respond"]

# A follow-up may be sent for 15 minutes; a view must time out while its message can still be edited.
VIEW_TIMEOUT_S = 600.0

# How long after a click we wait for a handler to come forward; Discord waits 3 s for an answer.
ORPHAN_GRACE_S = 1.0

# In Interaction.extras: a view or form of ours is at work on it, however long it takes to answer.
_TAKEN = "rollcall.taken"

AnyItem: TypeAlias = discord.ui.Item[Any]


class UserError(Exception):
    """The user asked for something that cannot be; the text says what, and nothing was stored."""

    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


async def report(interaction: Interaction, error: BaseException, where: str) -> None:
    """Log what went wrong and tell the user: a plain sentence, with an error id where the fault is ours."""
    cause = _root(error)
    if isinstance(cause, discord.HTTPException) and cause.code in TOO_LATE | {ALREADY_ACKNOWLEDGED}:
        # Too late, or somebody has answered: an error message would be refused or would overwrite the answer.
        logger.warning("{}: Discord would not take the answer: {}", where, cause)
        return
    text = _plain(cause)
    if text is None:
        text, error_id = _ours(cause)
        text = f"{text}\n-# Error {error_id}"
        logger.opt(exception=cause).error(
            "{} failed for user {} in guild {} [{}]",
            where,
            interaction.user.id,
            interaction.guild_id,
            error_id,
        )
    else:
        logger.debug("{} refused user {}: {}", where, interaction.user.id, text)
    await _tell(interaction, text)


async def _tell(interaction: Interaction, text: str) -> None:
    try:
        if interaction.type is discord.InteractionType.autocomplete:
            if not interaction.response.is_done():
                await interaction.response.autocomplete([])
            return
        await respond(interaction, embed=embeds.failure(text), replace=False)
    except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
        logger.error("interaction {} could not be answered: {}", interaction.id, error)


def _root(error: BaseException) -> BaseException:
    """What was raised in the command, without discord.py's wrapping."""
    if isinstance(error, app_commands.CommandInvokeError):
        return error.original
    if isinstance(error, app_commands.TransformerError):
        cause = error.__cause__
        return cause if isinstance(cause, UserError | DatabaseError) else error
    return error


def _ours(error: BaseException) -> tuple[str, str]:
    """What the user hears of a fault that is ours, and its id."""
    if isinstance(error, DatabaseError):
        return error.text, error.error_id
    if isinstance(error, discord.HTTPException):
        # It may have come after a write: nothing is known here of whether there was one.
        return "Discord did not take the bot's answer. Look before you repeat it.", new_error_id()
    return "Something went wrong on our side.", new_error_id()


def _plain(error: BaseException) -> str | None:
    """The sentence for what is the user's to put right; None where the fault is ours."""
    text = None
    match error:
        case UserError() | permissions.NotAllowed():
            text = str(error)
        case app_commands.NoPrivateMessage():
            text = "This works only in a server."
        case app_commands.CommandOnCooldown():
            text = f"Not so fast: try again in {error.retry_after:.0f} s."
        case app_commands.TransformerError():
            text = f"“{safe_text(str(error.value))}” is not a valid value here."
        case app_commands.CheckFailure():
            text = "You may not use this command."
        case discord.Forbidden():
            text = "Discord does not let the bot do that here: it lacks a permission."
        case app_commands.CommandNotFound() | app_commands.CommandSignatureMismatch():
            text = "This command has changed. Wait a minute, or restart Discord, and try it again."
        case _:
            pass
    return text


class Tree(app_commands.CommandTree[Any]):
    """The commands, with the permission check before and the funnel behind every one of them."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._under_way: set[asyncio.Task[Any]] = set()
        self._draining = False

    async def drain(self, within_s: float) -> None:
        """Refuse new commands, and wait this long for those that are under way."""
        self._draining = True
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=within_s)

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        if self._draining:
            raise UserError("The bot is restarting. Please try again in a moment.")
        permissions.check(interaction)
        return True

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        await report(interaction, error, _name(interaction))
        if isinstance(error, permissions.NotAllowed):
            facts = {"command": _name(interaction), "needed": error.needed.name.lower()}
            database = interaction.client.db
            await database.record_event("permission.refused", interaction.guild_id or 0, interaction.user.id, facts)

    async def _call(self, interaction: Interaction) -> None:
        # discord.py leaves two cases without an answer: an exception from interaction_check that is not
        # its own, and an autocomplete that raised. This is the one place every command passes through.
        task = asyncio.current_task()
        assert task is not None
        began = time.monotonic()
        self._under_way.add(task)
        try:
            await super()._call(interaction)  # pyright: ignore[reportPrivateUsage]
        except app_commands.AppCommandError:
            raise
        except Exception as error:  # noqa: BLE001 - the funnel is where everything ends
            await report(interaction, error, _name(interaction))
        finally:
            self._under_way.discard(task)
            logger.debug("{} by {}: {:.1f} ms", _name(interaction), interaction.user.id, _ms_since(began))
        if not acknowledged(interaction):
            await self._answer_for(interaction)

    async def _answer_for(self, interaction: Interaction) -> None:
        if interaction.type is discord.InteractionType.autocomplete:
            await _tell(interaction, "")
        elif not interaction.command_failed:
            await report(interaction, RuntimeError("the command ended without an answer"), _name(interaction))


def _name(interaction: Interaction) -> str:
    return f"/{interaction.command.qualified_name}" if interaction.command else "an unknown command"


def _ms_since(began: float) -> float:
    return (time.monotonic() - began) * 1000


class SafeView(discord.ui.View):
    """Buttons and selects whose errors reach the funnel, and which show that they have timed out.

    `author` is the only user who may press them (None: everyone).
    """

    def __init__(self, *, author: int | None = None, timeout: float | None = VIEW_TIMEOUT_S) -> None:
        super().__init__(timeout=timeout)
        self.author = author
        self.message: discord.Message | None = None

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        interaction.extras[_TAKEN] = True
        if self.author is not None and interaction.user.id != self.author:
            raise UserError("These buttons belong to the one who ran the command.")
        return True

    async def on_error(self, interaction: Interaction, error: Exception, item: AnyItem, /) -> None:
        label = getattr(item, "label", None) or getattr(item, "custom_id", "?")
        await report(interaction, error, f"{type(self).__name__}, {label!r}")

    async def on_timeout(self) -> None:
        self.disable()
        await self.refresh()

    def disable(self) -> None:
        for item in self.children:
            if isinstance(item, discord.ui.Button | discord.ui.Select):
                item.disabled = True

    async def refresh(self) -> None:
        """Show the view's present state on its message, if that is still there."""
        if self.message is None:
            return
        try:
            await self.message.edit(view=self)
        except (discord.HTTPException, aiohttp.ClientError, TimeoutError) as error:
            logger.debug("{} could not be updated: {}", type(self).__name__, error)


class SafeModal(discord.ui.Modal):
    """A form whose errors reach the funnel."""

    async def interaction_check(self, interaction: Interaction, /) -> bool:
        interaction.extras[_TAKEN] = True
        return True

    async def on_error(self, interaction: Interaction, error: Exception, /) -> None:
        await report(interaction, error, type(self).__name__)


async def answer_orphan(interaction: Interaction) -> None:
    """Answer a button or form whose handler is gone: it timed out, or the bot has been restarted since."""
    await asyncio.sleep(ORPHAN_GRACE_S)
    if _TAKEN not in interaction.extras and not acknowledged(interaction):
        await _tell(interaction, "This is no longer active. Please run the command again.")
