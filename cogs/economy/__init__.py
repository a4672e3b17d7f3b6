"""Wallets, payments and the ledger behind them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.client import Rollcall


async def setup(bot: "Rollcall") -> None:
    # Imported here, so that the rules and the store beside it are imported without Discord.
    from cogs.economy.commands import Economy  # noqa: PLC0415
    from cogs.economy.endings import register_endings  # noqa: PLC0415

    register_endings(bot)
    await bot.add_cog(Economy(bot))
