"""/dbhealth: how the database is. It answers whatever the database does."""

import time

from discord import app_commands
from discord.ext import commands

from bot.client import Rollcall
from bot.funnel import Interaction, respond
from bot.permissions import Level, level_of
from cogs.operations import views


class Operations(commands.Cog):
    def __init__(self, bot: Rollcall) -> None:
        self.bot = bot

    @app_commands.command()
    async def dbhealth(self, interaction: Interaction) -> None:
        """Whether the database is well, and what it has been doing (admins)."""
        is_operator = level_of(self.bot, interaction.user, interaction.permissions) >= Level.OPERATOR
        # The status is what is known already: nothing here waits for the database.
        status = self.bot.db.status()
        await respond(
            interaction,
            embed=views.database_health(
                status, self.bot.db.advice(status), with_paths=is_operator, now_ms=int(time.time() * 1000)
            ),
        )
