"""What an admin chose for a guild. The defaults stand here alone."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cogs.settings import currency
from cogs.settings.money import MAX_CENTS
from db import Priority, Rejected, Snapshot, Transaction, operation, query

# In `configure`, what takes a channel or a role away (None leaves it as it is); no Discord id is 0.
NOTHING = 0

GET = """
    SELECT announcements_channel_id, admins_channel_id, admin_role_id, currency_symbol, currency_name,
           opening_balance_cents, confirm_above_cents, version
    FROM guild_settings WHERE guild_id = ?
"""
INSERT_DEFAULTS = """
    INSERT INTO guild_settings (guild_id, currency_symbol, currency_name, opening_balance_cents,
                                confirm_above_cents, version, updated_by, updated_at_ms)
    VALUES (?, ?, ?, ?, ?, 0, ?, ?)
    ON CONFLICT (guild_id) DO NOTHING
"""
UPDATE = """
    UPDATE guild_settings SET
        announcements_channel_id = NULLIF(COALESCE(?, announcements_channel_id), 0),
        admins_channel_id = NULLIF(COALESCE(?, admins_channel_id), 0),
        admin_role_id = NULLIF(COALESCE(?, admin_role_id), 0),
        currency_symbol = COALESCE(?, currency_symbol),
        currency_name = COALESCE(?, currency_name),
        opening_balance_cents = COALESCE(?, opening_balance_cents),
        confirm_above_cents = COALESCE(?, confirm_above_cents),
        version = version + 1,
        updated_by = ?,
        updated_at_ms = ?
    WHERE guild_id = ?
"""
ADMIN_ROLES = """
    SELECT guild_id, admin_role_id FROM guild_settings
    WHERE admin_role_id IS NOT NULL AND guild_id > ? ORDER BY guild_id LIMIT ?
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuildSettings:
    announcements_channel_id: int | None = None
    admins_channel_id: int | None = None
    admin_role_id: int | None = None
    currency_symbol: str = "$"
    currency_name: str = "dollars"
    # Enough to pay somebody on the first day; what a wallet holds when it is opened.
    opening_balance_cents: int = 1_000_00
    # A payment above this is confirmed by its sender first.
    confirm_above_cents: int = 1_000_00
    # 0: nobody has set anything up yet; each change adds one.
    version: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminRole:
    guild_id: int
    role_id: int


@query("settings.get", remember=True)
def get(tx: Snapshot, *, guild: int) -> GuildSettings:
    """The guild's settings; the defaults where nothing was ever set."""
    row = tx.fetch_one(GET, guild)
    if row is None:
        return GuildSettings()
    return GuildSettings(
        announcements_channel_id=row[0],
        admins_channel_id=row[1],
        admin_role_id=row[2],
        currency_symbol=row[3],
        currency_name=row[4],
        opening_balance_cents=row[5],
        confirm_above_cents=row[6],
        version=row[7],
    )


@query("settings.admin_roles")
def admin_roles(tx: Snapshot, *, after_guild: int, limit: int) -> list[AdminRole]:
    """Up to `limit` guilds that named an admin role, by guild id, from the first above `after_guild`."""
    rows = tx.fetch_all(ADMIN_ROLES, after_guild, limit)
    return [AdminRole(guild_id=guild, role_id=role) for guild, role in rows]


@operation("settings.configure", queue=Priority.LOW)
def configure(
    tx: Transaction,
    *,
    announcements_channel: int | None,
    admins_channel: int | None,
    admin_role: int | None,
    currency_symbol: str | None,
    currency_name: str | None,
    opening_balance_cents: int | None,
    confirm_above_cents: int | None,
) -> GuildSettings:
    """Change what is not None; NOTHING takes a channel or the role away. Returns the settings that result.

    Raises Rejected with BAD_SYMBOL, BAD_NAME, BAD_AMOUNT or EVERYONE_IS_NO_ADMIN.
    """
    _check_currency(currency_symbol, currency_name)
    _check_amounts({"opening_balance": opening_balance_cents, "confirm_above": confirm_above_cents})
    if admin_role == tx.guild:  # Discord gives the role of everyone the guild's own id
        raise Rejected("EVERYONE_IS_NO_ADMIN")
    _ensure_row(tx)
    tx.execute(
        UPDATE,
        announcements_channel,
        admins_channel,
        admin_role,
        currency_symbol,
        currency_name,
        opening_balance_cents,
        confirm_above_cents,
        tx.actor,
        tx.now,
        tx.guild,
    )
    return get(tx, guild=tx.guild)


def _ensure_row(tx: Transaction) -> None:
    defaults = GuildSettings()
    tx.execute(
        INSERT_DEFAULTS,
        tx.guild,
        defaults.currency_symbol,
        defaults.currency_name,
        defaults.opening_balance_cents,
        defaults.confirm_above_cents,
        tx.actor,
        tx.now,
    )


def _check_currency(symbol: str | None, name: str | None) -> None:
    if symbol is not None and not currency.is_symbol(symbol):
        raise Rejected("BAD_SYMBOL")
    if name is not None and not currency.is_name(name):
        raise Rejected("BAD_NAME")


def _check_amounts(amounts: Mapping[str, Any]) -> None:
    for setting, cents in amounts.items():
        if cents is not None and not 0 <= cents <= MAX_CENTS:
            raise Rejected("BAD_AMOUNT", setting=setting)
