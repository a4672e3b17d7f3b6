"""What an admin chooses for a guild."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bot.client import Rollcall


async def setup(bot: "Rollcall") -> None:
    # Imported here, so that the rules and the store beside it are imported without Discord.
    from cogs.settings.commands import Settings  # noqa: PLC0415
    from cogs.settings.reasons import REASONS  # noqa: PLC0415
    from cogs.settings.store import configure  # noqa: PLC0415

    bot.endings.register(configure.name, "change of the settings", REASONS)
    await bot.add_cog(Settings(bot))
