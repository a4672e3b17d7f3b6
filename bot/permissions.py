"""Who may do what: one matrix, command by command, checked before every one of them."""

from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Final, TypeAlias

import discord
from discord import app_commands

if TYPE_CHECKING:
    from bot.client import Rollcall

Interaction: TypeAlias = discord.Interaction[Any]


class Level(IntEnum):
    """Each level may do what the ones below it may."""

    PLAYER = 0
    ADMIN = 1  # Manage Server, or the role that /setup names, on their own server
    OPERATOR = 2  # ids in the configuration: the process and every server


# By feature, since a feature may be left out of the configuration.
FEATURES: Final[Mapping[str, Mapping[str, Level]]] = {
    "reference": {
        "ping": Level.PLAYER,
        "about": Level.PLAYER,
        "help": Level.PLAYER,
        "constitution article": Level.PLAYER,
        "constitution amendment": Level.PLAYER,
        "constitution search": Level.PLAYER,
        "roll": Level.PLAYER,
    },
    "settings": {
        "setup": Level.ADMIN,
    },
    "economy": {
        "wallet balance": Level.PLAYER,
        "wallet history": Level.PLAYER,
        "pay": Level.PLAYER,
        "leaderboard": Level.PLAYER,
        "grant": Level.ADMIN,
        "reverse": Level.ADMIN,
    },
    "operations": {
        "dbhealth": Level.ADMIN,
    },
}

MATRIX: Final[Mapping[str, Level]] = {command: level for rows in FEATURES.values() for command, level in rows.items()}

_NEEDED: Final[Mapping[Level, str]] = {
    Level.PLAYER: "Everybody may run this.",
    Level.ADMIN: "Only this server's admins may run this.",
    Level.OPERATOR: "Only the bot's operators may run this.",
}


class NotAllowed(app_commands.CheckFailure):
    """This user may not run this command; the text says who may."""

    def __init__(self, needed: Level) -> None:
        super().__init__(_NEEDED[needed])
        self.needed = needed


class AdminRoles:
    """The admin role of each guild as last heard, so that permissions hold while the database is away."""

    def __init__(self) -> None:
        self._roles: dict[int, int] = {}

    def get(self, guild: int) -> int | None:
        return self._roles.get(guild)

    def set(self, guild: int, role: int | None) -> None:
        if role is None:
            self._roles.pop(guild, None)
        else:
            self._roles[guild] = role


def level_of(bot: "Rollcall", user: discord.User | discord.Member, permissions: discord.Permissions) -> Level:
    """What this user is here; `permissions` are those that Discord sent with the interaction."""
    if user.id in bot.config.bot.operators:
        return Level.OPERATOR
    if not isinstance(user, discord.Member):
        return Level.PLAYER
    if permissions.administrator or permissions.manage_guild:
        return Level.ADMIN
    admin_role = bot.admin_roles.get(user.guild.id)
    if admin_role is not None and user.get_role(admin_role) is not None:
        return Level.ADMIN
    return Level.PLAYER


def check(interaction: Interaction) -> None:
    """Raise `NotAllowed` unless the caller may run this interaction's command."""
    command = interaction.command
    if command is None:
        return
    needed = MATRIX.get(command.qualified_name, Level.OPERATOR)
    if level_of(interaction.client, interaction.user, interaction.permissions) < needed:
        raise NotAllowed(needed)


def mismatches(commands: Iterable[str], features: Iterable[str]) -> list[str]:
    """What stands between the matrix and the commands that these features brought, one sentence each."""
    loaded = set(commands)
    expected = {command for feature in features for command in FEATURES.get(feature, {})}
    return [
        *(f"/{name} has no row in the permission matrix" for name in sorted(loaded - expected)),
        *(f"the permission matrix names /{name}, which no feature has" for name in sorted(expected - loaded)),
    ]
