"""The application's commands, as the bot registered them."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from sandbox.clock import Snowflakes
from sandbox.command_form import check_commands
from sandbox.errors import Refusal
from sandbox.kinds import CommandType, OptionType
from sandbox.world import Guild


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

    def find(self, guild: Guild, name: str, *, on_target: bool = False) -> Invocable:
        """The command with that qualified name ("wallet balance"); a guild's own wins over a global one."""
        wanted = " ".join(name.removeprefix("/").split())
        available = list(self._available(guild))
        found = [each for each in available if each.name == wanted]
        for each in found:
            if (each.command["type"] != CommandType.CHAT) is on_target:
                return each
        if found:
            raise Refusal(400, f"{wanted!r} takes no target" if on_target else f"{wanted!r} needs a target")
        inner = [f"/{each.name}" for each in available if each.name.startswith(f"{wanted} ")]
        if inner:
            raise Refusal(404, f"/{wanted} is a group; it has: {', '.join(inner)}")
        raise Refusal(404, f"there is no command /{wanted}")

    def _available(self, guild: Guild) -> Iterator[Invocable]:
        for scope in (guild.id, None):
            for command in self.listed(scope):
                yield from _invocables(command)

    def _registered(self, command: dict[str, Any], scope: str | None, known_id: str | None) -> dict[str, Any]:
        defaults = {
            "type": CommandType.CHAT,
            "description": "",
            "dm_permission": True,
            "nsfw": False,
        }
        identity: dict[str, Any] = {
            "id": known_id or self._ids.next(),
            "application_id": self._application_id,
            "version": self._ids.next(),
        }
        permissions = command.get("default_member_permissions")
        identity["default_member_permissions"] = None if permissions is None else str(permissions)
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
