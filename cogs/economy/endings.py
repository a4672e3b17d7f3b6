"""What the end of a payment or a grant that had to wait for the database is called in words."""

from typing import TYPE_CHECKING

from bot.replies import Reasons
from cogs.economy import store
from cogs.economy.reasons import reasons
from cogs.settings import store as settings

if TYPE_CHECKING:
    from bot.client import Rollcall


def register_endings(bot: "Rollcall") -> None:
    async def of_guild(guild: int) -> Reasons:
        return reasons((await bot.db.read(settings.get, guild=guild)).currency_symbol)

    bot.endings.register(store.transfer.name, "payment", of_guild)
    bot.endings.register(store.grant.name, "grant", of_guild)
