"""What needs no database: the Constitution, dice, help."""

from random import SystemRandom

from bot.client import Rollcall
from cogs.reference.commands import Reference


async def setup(bot: Rollcall) -> None:
    await bot.add_cog(Reference(bot, SystemRandom()))
