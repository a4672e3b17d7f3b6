"""Who asks for a write, and the id under which it happens once."""

from discord import app_commands

from bot.funnel import Interaction
from db import Context


def guild_of(interaction: Interaction) -> int:
    """The guild that was asked in; commands exist in guilds alone, so its absence is a mistake of the client."""
    if interaction.guild_id is None:
        raise app_commands.NoPrivateMessage
    return interaction.guild_id


def context_of(interaction: Interaction, step: str) -> Context:
    """For the write that `interaction` began; `step` tells a flow's writes apart."""
    return Context(operation_id=f"{interaction.id}:{step}", actor=interaction.user.id, guild=guild_of(interaction))
