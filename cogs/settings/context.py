"""Who asks for a write, and the id under which it happens once."""

from discord import app_commands

from bot.funnel import Interaction
from db import JSON, Context


def guild_of(interaction: Interaction) -> int:
    """The guild that was asked in; commands exist in guilds alone, so its absence is a mistake of the client."""
    if interaction.guild_id is None:
        raise app_commands.NoPrivateMessage
    return interaction.guild_id


def context_of(interaction: Interaction, step: str) -> Context:
    """For the write that `interaction` began; `step` tells a flow's writes apart.

    If it has to wait, its author hears of the end by a follow-up, or once Discord has forgotten the interaction, by
    a notice in the channel.
    """
    reply_to: dict[str, JSON] = {
        "application_id": interaction.application_id,
        "token": interaction.token,
        "until_ms": int(interaction.expires_at.timestamp() * 1000),
        "channel": interaction.channel_id,
        "user": interaction.user.id,
    }
    return Context(
        operation_id=f"{interaction.id}:{step}",
        actor=interaction.user.id,
        guild=guild_of(interaction),
        reply_to=reply_to,
    )
