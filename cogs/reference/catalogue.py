"""Which commands there are, and which of them somebody may run here."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any, TypeAlias

import discord
from discord import app_commands

from bot.permissions import FEATURES, MATRIX, Level

AnyCommand: TypeAlias = app_commands.Command[Any, ..., Any] | app_commands.Group | app_commands.ContextMenu

_FEATURE_OF = {command: feature for feature, rows in FEATURES.items() for command in rows}
_WHO = {
    Level.PLAYER: "Everybody may run it.",
    Level.ADMIN: "Server admins may run it.",
    Level.OPERATOR: "The bot's operators may run it.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parameter:
    name: str
    description: str
    required: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A command as the help shows it."""

    feature: str
    name: str  # without the slash: "wallet balance"
    description: str
    parameters: tuple[Parameter, ...]
    level: Level

    @property
    def usage(self) -> str:
        marks = [p.name if p.required else f"[{p.name}]" for p in self.parameters]
        return " ".join([f"/{self.name}", *marks])


def runnable(commands: Iterable[AnyCommand], level: Level, held: discord.Permissions) -> list[Entry]:
    """What a caller of this level, with these permissions, may run, by feature and name.

    Discord's rule (a command's default permissions) and ours (the matrix) must both allow it.
    """
    entries = [
        _entry(leaf)
        for command in commands
        if not isinstance(command, app_commands.ContextMenu) and _shown_by_discord(command, held)
        for leaf in _leaves(command)
    ]
    order = list(FEATURES)
    allowed = (entry for entry in entries if entry.level <= level)
    return sorted(allowed, key=lambda entry: (order.index(entry.feature), entry.name))


def named(entries: Sequence[Entry], name: str) -> list[Entry]:
    """The command of that name, or those of the group of that name; the slash may be there or not."""
    wanted = " ".join(name.casefold().replace("/", " ").split())
    return [entry for entry in entries if entry.name == wanted or entry.name.startswith(f"{wanted} ")]


def matching(entries: Sequence[Entry], typed: str) -> list[str]:
    """Names for the completion: those that begin with what was typed, then those that hold it."""
    wanted = typed.casefold().lstrip("/").strip()
    names = [entry.name for entry in entries if wanted in entry.name]
    return sorted(names, key=lambda name: not name.startswith(wanted))


def summary(entries: Sequence[Entry]) -> list[str]:
    """One block of text for each feature."""
    return [
        "\n".join([f"**{feature.title()}**", *(f"`/{entry.name}` {entry.description}" for entry in of_feature)])
        for feature, of_feature in groupby(entries, key=lambda entry: entry.feature)
    ]


def detail(entry: Entry) -> str:
    lines = [f"**`{entry.usage}`**", entry.description]
    lines += [
        f"- `{parameter.name}` {parameter.description}{'' if parameter.required else ' (optional)'}"
        for parameter in entry.parameters
    ]
    return "\n".join([*lines, f"-# {_WHO[entry.level]}"])


def _shown_by_discord(
    command: app_commands.Command[Any, ..., Any] | app_commands.Group, held: discord.Permissions
) -> bool:
    needed = command.default_permissions
    return needed is None or held.administrator or held.is_superset(needed)


def _leaves(
    command: app_commands.Command[Any, ..., Any] | app_commands.Group,
) -> Iterable[app_commands.Command[Any, ..., Any]]:
    if isinstance(command, app_commands.Command):
        yield command
        return
    for child in command.commands:
        yield from _leaves(child)


def _entry(command: app_commands.Command[Any, ..., Any]) -> Entry:
    return Entry(
        feature=_FEATURE_OF[command.qualified_name],
        name=command.qualified_name,
        description=command.description,
        parameters=tuple(
            Parameter(name=p.display_name, description=str(p.description), required=p.required)
            for p in command.parameters
        ),
        level=MATRIX[command.qualified_name],
    )
