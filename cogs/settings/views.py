"""What a guild's settings look like."""

import discord

from bot.ui import embeds
from cogs.settings.money import format_amount
from cogs.settings.store import GuildSettings

NOT_SET = "not set"


def overview(settings: GuildSettings, *, saved: bool) -> discord.Embed:
    """All settings; `saved` says that they have just been changed."""
    embed = embeds.success("Saved") if saved else embeds.info("This server's settings", _state(settings))
    symbol = settings.currency_symbol
    for name, value in (
        ("Announcements", _mention("#", settings.announcements_channel_id)),
        ("Admins' channel", _mention("#", settings.admins_channel_id)),
        ("Admin role", _mention("@&", settings.admin_role_id)),
        ("Currency", f"{symbol} · {settings.currency_name}"),
        ("Opening balance", format_amount(settings.opening_balance_cents, symbol)),
        ("Confirm payments above", format_amount(settings.confirm_above_cents, symbol)),
    ):
        embed.add_field(name=name, value=value)
    return embed


def _state(settings: GuildSettings) -> str:
    if settings.version == 0:
        return "Nothing has been set up yet: these are the defaults. Give `/setup` what you want changed."
    return "Give `/setup` what you want changed; the rest stays as it is."


def _mention(kind: str, target: int | None) -> str:
    return NOT_SET if target is None else f"<{kind}{target}>"
