"""Answering an interaction whatever state it is in: first answer, edit of what was deferred, or follow-up."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, cast

import aiohttp
import discord
from loguru import logger

Interaction: TypeAlias = discord.Interaction[Any]

# Discord's error codes for an interaction that can no longer, or need no longer, be answered.
UNKNOWN_MESSAGE = 10008
UNKNOWN_WEBHOOK = 10015
UNKNOWN_INTERACTION = 10062
ALREADY_ACKNOWLEDGED = 40060
INVALID_WEBHOOK_TOKEN = 50027
TOO_LATE = {UNKNOWN_MESSAGE, UNKNOWN_WEBHOOK, UNKNOWN_INTERACTION, INVALID_WEBHOOK_TOKEN}

# Keys in Interaction.extras. discord.py forgets an acknowledgement whose reply was lost; we must not.
_ACKNOWLEDGED = "rollcall.acknowledged"
_ANSWERED = "rollcall.answered"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Message:
    content: str | None
    embeds: list[discord.Embed]
    view: discord.ui.View | None
    files: list[discord.File]
    mentions: discord.AllowedMentions

    def new(self) -> dict[str, Any]:
        return {
            "content": self.content or discord.utils.MISSING,
            "embeds": self.embeds,
            "view": self.view or discord.utils.MISSING,
            "files": self.files,
            "allowed_mentions": self.mentions,
        }

    def edit(self) -> dict[str, Any]:
        return {
            "content": self.content,
            "embeds": self.embeds,
            "view": self.view,
            "attachments": self.files,
            "allowed_mentions": self.mentions,
        }


class Attached(Protocol):
    """A view that wants to know the message it ended up on, to edit it when it times out."""

    message: discord.Message | None


def acknowledged(interaction: Interaction) -> bool:
    """Whether Discord has had a first response to this interaction, as far as we can know."""
    return interaction.response.is_done() or _ACKNOWLEDGED in interaction.extras


async def defer(interaction: Interaction, *, ephemeral: bool = True, thinking: bool = True) -> None:
    """Acknowledge now, answer later with `respond`: Discord forgets an interaction after 3 s.

    With `thinking=False` a button's or select's own message is what `respond` then edits.
    Does not fail where the acknowledgement was already made: by a reply that got lost, or by the first of
    two deliveries. The command then goes on, and its operation id sees to it that nothing happens twice.
    """
    if acknowledged(interaction):
        return
    try:
        await _insist(lambda: interaction.response.defer(ephemeral=ephemeral, thinking=thinking))
    except discord.HTTPException as error:
        if error.code != ALREADY_ACKNOWLEDGED:
            raise
        logger.debug("interaction {} had been acknowledged before", interaction.id)
    interaction.extras[_ACKNOWLEDGED] = True


async def respond(
    interaction: Interaction,
    content: str | None = None,
    *,
    embed: discord.Embed | None = None,
    embeds: Sequence[discord.Embed] | None = None,
    view: discord.ui.View | None = None,
    files: Sequence[discord.File] = (),
    ephemeral: bool = True,
    allowed_mentions: discord.AllowedMentions | None = None,
    replace: bool = True,
) -> None:
    """Say this to the user, by whichever way the interaction's state leaves.

    What was deferred is edited (a button's own message, where it was deferred with `thinking=False`), and
    loses its buttons unless a view is given. `replace=False` leaves a button's message alone and follows up.
    `ephemeral` counts where a new message is sent; a deferred one has it from `defer`.
    An interaction that Discord no longer knows is logged, not raised: there is nobody left to tell.
    """
    message = _Message(
        content=content,
        embeds=[embed] if embed is not None else list(embeds or ()),
        view=view,
        files=list(files),
        mentions=allowed_mentions or discord.AllowedMentions.none(),
    )
    sent = None
    try:
        sent = await _send(interaction, message, ephemeral=ephemeral, replace=replace)
    except discord.HTTPException as error:
        if error.code == ALREADY_ACKNOWLEDGED:
            logger.info("interaction {} had been answered before: {}", interaction.id, error)
        elif error.code in TOO_LATE:
            logger.warning("interaction {} can no longer be answered: {}", interaction.id, error)
        else:
            raise
    interaction.extras |= {_ACKNOWLEDGED: True, _ANSWERED: True}
    if sent is not None and hasattr(view, "message"):
        cast("Attached", view).message = sent


async def _send(
    interaction: Interaction, message: _Message, *, ephemeral: bool, replace: bool
) -> discord.Message | None:
    if not acknowledged(interaction):
        first: dict[str, Any] = {**message.new(), "ephemeral": ephemeral}
        callback = await _insist(lambda: interaction.response.send_message(**first))
        return callback.resource if isinstance(callback.resource, discord.Message) else None
    if _has_something_to_edit(interaction, replace=replace):
        edit = message.edit()
        return await _insist(lambda: interaction.edit_original_response(**edit))
    return await interaction.followup.send(**message.new(), ephemeral=ephemeral, wait=True)


def _has_something_to_edit(interaction: Interaction, *, replace: bool) -> bool:
    if _ANSWERED in interaction.extras:
        return False
    match interaction.response.type:
        case discord.InteractionResponseType.deferred_message_update:
            return replace
        case discord.InteractionResponseType.deferred_channel_message:
            return True
        case None:  # acknowledged, but the reply that said so was lost
            return replace or interaction.type is discord.InteractionType.application_command
        case _:
            return False


async def _insist(send: Callable[[], Awaitable[Any]]) -> Any:
    """Try once more where the connection broke: a first answer or an edit has no second effect."""
    try:
        return await send()
    except (aiohttp.ClientError, TimeoutError) as error:
        logger.warning("lost the connection while answering, trying once more: {}", error)
        return await send()
