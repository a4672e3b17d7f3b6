"""The application's commands, as the bot registered them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from sandbox.clock import Snowflakes
from sandbox.command_form import check_commands
from sandbox.errors import Refusal
from sandbox.world import Guild


class CommandType:
    CHAT: Final = 1
    USER: Final = 2
    MESSAGE: Final = 3


class OptionType:
    SUBCOMMAND: Final = 1
    GROUP: Final = 2
    STRING: Final = 3
    INTEGER: Final = 4
    BOOLEAN: Final = 5
    USER: Final = 6
    CHANNEL: Final = 7
    ROLE: Final = 8
    MENTIONABLE: Final = 9
    NUMBER: Final = 10
    ATTACHMENT: Final = 11


@dataclass(frozen=True, slots=True, kw_only=True)
class Invocable:
    """What a person can invoke: a command, or a subcommand within one."""

    command: dict[str, Any]
    path: tuple[dict[str, Any], ...]
    """The group and the subcommand, from the outside in; empty for a command without any."""

    @property
    def name(self) -> str:
        return " ".join(each["name"] for each in (self.command, *self.path))

    @property
    def options(self) -> list[dict[str, Any]]:
        return (self.path[-1] if self.path else self.command).get("options") or []


class Commands:
    """Scopes are guild ids, and None for the commands of all guilds."""

    def __init__(self, application_id: str, ids: Snowflakes) -> None:
        self._application_id = application_id
        self._ids = ids
        self._scopes: dict[str | None, list[dict[str, Any]]] = {}

    def listed(self, scope: str | None) -> list[dict[str, Any]]:
        return self._scopes.get(scope, [])

    def everything(self) -> list[dict[str, Any]]:
        return [command for scope in self._scopes.values() for command in scope]

    def overwrite(self, scope: str | None, payload: Any) -> list[dict[str, Any]]:
        """Replace all of a scope, as PUT does; a command that keeps its name and type keeps its id."""
        check_commands(payload)
        ids = {(each["type"], each["name"]): each["id"] for each in self.listed(scope)}
        self._scopes[scope] = [
            self._registered(each, scope, ids.get((each.get("type", CommandType.CHAT), each["name"])))
            for each in payload
        ]
        return self._scopes[scope]

    def find(self, guild: Guild, name: str, *, kinds: tuple[int, ...] = (CommandType.CHAT,)) -> Invocable:
        """The command with that qualified name ("wallet balance"); a guild's own wins over a global one."""
        wanted = " ".join(str(name).removeprefix("/").split())
        found = [
            invocable
            for scope in (guild.id, None)
            for command in self.listed(scope)
            for invocable in _invocables(command)
            if invocable.name == wanted
        ]
        fitting = [each for each in found if each.command["type"] in kinds]
        if fitting:
            return fitting[0]
        if found:
            raise Refusal(
                400,
                f"{wanted!r} is used on a target: give one"
                if CommandType.CHAT in kinds
                else f"/{wanted} takes no target",
            )
        if any(each.name.startswith(f"{wanted} ") for each in self._all_for(guild)):
            inner = ", ".join(f"/{each.name}" for each in self._all_for(guild) if each.name.startswith(f"{wanted} "))
            raise Refusal(404, f"/{wanted} is a group; it has: {inner}")
        raise Refusal(404, f"there is no command /{wanted}")

    def _all_for(self, guild: Guild) -> list[Invocable]:
        return [
            invocable
            for scope in (guild.id, None)
            for command in self.listed(scope)
            for invocable in _invocables(command)
        ]

    def _registered(self, command: dict[str, Any], scope: str | None, known_id: str | None) -> dict[str, Any]:
        defaults = {
            "type": CommandType.CHAT,
            "description": "",
            "default_member_permissions": None,
            "dm_permission": True,
            "nsfw": False,
        }
        identity = {
            "id": known_id or self._ids.next(),
            "application_id": self._application_id,
            "version": self._ids.next(),
        }
        return defaults | command | identity | ({"guild_id": scope} if scope else {})


def _invocables(command: dict[str, Any]) -> Iterator[Invocable]:
    inner = [each for each in command.get("options") or [] if each["type"] in _NESTED]
    if not inner:
        yield Invocable(command=command, path=())
    for option in inner:
        if option["type"] == OptionType.SUBCOMMAND:
            yield Invocable(command=command, path=(option,))
        else:
            for sub in option.get("options") or []:
                yield Invocable(command=command, path=(option, sub))


_NESTED = (OptionType.SUBCOMMAND, OptionType.GROUP)
