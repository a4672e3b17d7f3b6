"""What admins and operators look at."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.client import Rollcall


async def setup(bot: "Rollcall") -> None:
    # Imported here, so that the rules and the store beside it are imported without Discord.
    from cogs.operations.commands import Operations  # noqa: PLC0415

    await bot.add_cog(Operations(bot))
