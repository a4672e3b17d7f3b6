"""/setup: what a guild's managers choose."""

from collections.abc import Mapping
from typing import Any, Final

import discord
from discord import app_commands
from discord.ext import commands

from bot.client import Rollcall
from bot.funnel import Interaction, UserError, defer, respond
from bot.replies import deliver
from cogs.settings import store, views
from cogs.settings.admin_roles import AdminRoleKeeper
from cogs.settings.context import context_of, guild_of
from cogs.settings.currency import LONGEST_NAME, LONGEST_SYMBOL
from cogs.settings.money import BadAmount, parse_amount
from cogs.settings.reasons import REASONS

CLEARABLE: Final = [
    app_commands.Choice(name="Announcements channel", value="announcements_channel"),
    app_commands.Choice(name="Admins' channel", value="admins_channel"),
    app_commands.Choice(name="Admin role", value="admin_role"),
]


class Settings(commands.Cog):
    def __init__(self, bot: Rollcall) -> None:
        self.bot = bot
        self._keeper = AdminRoleKeeper(bot.db, bot.admin_roles)

    async def cog_load(self) -> None:
        await self._keeper.start()

    async def cog_unload(self) -> None:
        await self._keeper.stop()

    @app_commands.command()
    @app_commands.default_permissions(manage_guild=True)
    @app_commands.describe(
        announcements="Where results and news are announced",
        admins_channel="Where the admins are told what needs them",
        admin_role="Who has it may run the admin commands; only managers of the server may change it",
        currency_symbol="One to four letters or signs, like $ or kr",
        currency_name="What the currency is called, like dollars",
        opening_balance="What a new wallet holds, like 1,000.00",
        confirm_above="Payments above this are confirmed first, like 500.00",
        clear="Take a channel or the role away again",
    )
    @app_commands.choices(clear=CLEARABLE)
    async def setup(
        self,
        interaction: Interaction,
        announcements: discord.TextChannel | None = None,
        admins_channel: discord.TextChannel | None = None,
        admin_role: discord.Role | None = None,
        currency_symbol: app_commands.Range[str, 1, LONGEST_SYMBOL] | None = None,
        currency_name: app_commands.Range[str, 1, LONGEST_NAME] | None = None,
        opening_balance: str | None = None,
        confirm_above: str | None = None,
        clear: str | None = None,
    ) -> None:
        """Show this server's settings, or change those that you give."""
        _require_manager(interaction)
        await defer(interaction)
        current = (await self.bot.db.read_known(store.get, guild=guild_of(interaction))).value
        symbol = currency_symbol or current.currency_symbol
        changes: dict[str, Any] = {
            "announcements_channel": announcements and announcements.id,
            "admins_channel": admins_channel and admins_channel.id,
            "admin_role": admin_role and admin_role.id,
            "currency_symbol": currency_symbol,
            "currency_name": currency_name,
            "opening_balance_cents": _cents(opening_balance, symbol),
            "confirm_above_cents": _cents(confirm_above, symbol),
        }
        _clear(changes, clear)
        if all(value is None for value in changes.values()):
            await respond(interaction, embed=views.overview(current, saved=False))
        else:
            await self._configure(interaction, changes)

    async def _configure(self, interaction: Interaction, changes: Mapping[str, Any]) -> None:
        result = await self.bot.db.write(store.configure, context_of(interaction, "setup"), **changes)
        # A repeated answer is of an earlier time: somebody may have named another role since.
        if result.ok and not result.repeated:
            self.bot.admin_roles.set(guild_of(interaction), result.value.admin_role_id)
        await deliver(interaction, result, REASONS, lambda saved: views.overview(saved, saved=True))


def _require_manager(interaction: Interaction) -> None:
    """The admin role is not enough: it is named here, and would name itself."""
    allowed = interaction.permissions
    if not (allowed.manage_guild or allowed.administrator):
        raise UserError("Only who may manage this server can see and change its settings.")


def _cents(text: str | None, symbol: str) -> int | None:
    if text is None:
        return None
    try:
        return parse_amount(text, symbol=symbol, allow_zero=True)
    except BadAmount as bad:
        raise UserError(str(bad)) from bad


def _clear(changes: dict[str, Any], setting: str | None) -> None:
    if setting is None:
        return
    if changes[setting] is not None:
        raise UserError("Either give a new value or clear the old one, not both at once.")
    changes[setting] = store.NOTHING
