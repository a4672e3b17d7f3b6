"""A person's options: converted as a client does, or refused in plain words."""

import base64
import binascii
import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.attachments import Attachments, Upload
from sandbox.command_form import CHOICE, CHOICES, LONGEST_STRING, check_choice_value
from sandbox.commands import Invocable
from sandbox.errors import Refusal
from sandbox.form import Form
from sandbox.kinds import LARGEST_INTEGER, OptionType
from sandbox.world import Channel, Guild, World

TEXT_CHANNEL = 0


@dataclass(slots=True)
class Resolved:
    """The objects that options refer to; empty kinds are left out, for discord.py stumbles over empty ones."""

    world: World
    guild: Guild
    found: dict[str, dict[str, Any]] = field(default_factory=dict)

    def user(self, reference: Any) -> str:
        user = self.world.find_user(reference)
        self._add("users", user.id, user.payload())
        if user.id in self.guild.members:
            member = self.world.member_payload(self.guild, user.id, with_user=False)
            permissions = {"permissions": str(self.guild.permissions(user.id))}
            self._add("members", user.id, member | permissions)
        return user.id

    def role(self, reference: Any) -> str:
        role = self.world.find_role(reference, self.guild)
        self._add("roles", role.id, role.payload())
        return role.id

    def channel(self, reference: Any) -> str:
        channel = self.world.find_channel(reference)
        if channel.id not in self.guild.channels:
            raise Refusal(404, f"#{channel.name} is not a channel of {self.guild.name}")
        permissions = {"permissions": str(self.guild.permissions(self.world.bot.id))}
        self._add("channels", channel.id, channel.payload() | permissions)
        return channel.id

    def mentionable(self, reference: Any) -> str:
        try:
            return self.user(reference)
        except Refusal:
            return self.role(reference)

    def attachment(self, payload: dict[str, Any]) -> str:
        self._add("attachments", payload["id"], payload)
        return payload["id"]

    def _add(self, kind: str, key: str, value: dict[str, Any]) -> None:
        self.found.setdefault(kind, {})[key] = value


class Options:
    """Fills in the options of one invocation."""

    def __init__(self, *, channel: Channel, attachments: Attachments, resolved: Resolved) -> None:
        self._channel = channel
        self._attachments = attachments
        self._resolved = resolved

    def fill(self, invocable: Invocable, given: dict[str, Any]) -> list[dict[str, Any]]:
        """Discord's option list for the innermost command, in the order in which they are declared."""
        _check_known(invocable, given)
        filled: list[dict[str, Any]] = []
        for option in invocable.options:
            value = given.get(option["name"])
            if value is not None:
                filled.append(_entry(option, self._convert(option, value)))
            elif option.get("required"):
                raise Refusal(400, f"/{invocable.name} needs the option {option['name']!r}")
        return filled

    def fill_partly(self, invocable: Invocable, given: dict[str, Any], focused: str) -> list[dict[str, Any]]:
        """The same while a person is still typing `focused`: nothing is required, that one is not yet valid."""
        _check_known(invocable, {**given, focused: None})
        filled: list[dict[str, Any]] = []
        for option in invocable.options:
            value = given.get(option["name"])
            if option["name"] == focused:
                if not option.get("autocomplete"):
                    raise Refusal(400, f"the option {focused!r} does not complete what is typed")
                filled.append(_entry(option, "" if value is None else str(value)) | {"focused": True})
            elif value is not None:
                filled.append(_entry(option, self._convert(option, value)))
        return filled

    def _convert(self, option: dict[str, Any], value: Any) -> Any:
        kind, name = option["type"], option["name"]
        if option.get("choices"):
            return _chosen(option, value)
        if kind == OptionType.ATTACHMENT:
            upload = _upload(name, value)
            return self._resolved.attachment(self._attachments.store(self._channel.id, upload))
        references: dict[int, Callable[[Any], str]] = {
            OptionType.USER: self._resolved.user,
            OptionType.ROLE: self._resolved.role,
            OptionType.CHANNEL: self._resolved.channel,
            OptionType.MENTIONABLE: self._resolved.mentionable,
        }
        if kind in references:
            return _referenced(option, value, references[kind])
        return _VALUES[kind](option, value)


def nested(invocable: Invocable, filled: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """`filled` within its subcommand and group, as Discord sends it."""
    for each in reversed(invocable.path):
        filled = [{"name": each["name"], "type": each["type"], "options": filled}]
    return filled


def _check_known(invocable: Invocable, given: dict[str, Any]) -> None:
    names = [option["name"] for option in invocable.options]
    for name in given:
        if name not in names:
            listed = f"it has: {', '.join(names)}" if names else "it has none"
            raise Refusal(400, f"/{invocable.name} has no option {name!r}; {listed}")


def _entry(option: dict[str, Any], value: Any) -> dict[str, Any]:
    return {"name": option["name"], "type": option["type"], "value": value}


def _chosen(option: dict[str, Any], value: Any) -> Any:
    for choice in option["choices"]:
        if value in (choice["value"], choice["name"]) and not isinstance(value, bool):
            return choice["value"]
    names = ", ".join(choice["name"] for choice in option["choices"])
    raise Refusal(400, f"{value!r} is no choice of the option {option['name']!r}; they are: {names}")


def _referenced(option: dict[str, Any], value: Any, find: Callable[[Any], str]) -> str:
    if not isinstance(value, str):
        raise Refusal(400, f"the option {option['name']!r} takes an id or a name, as a text")
    kinds = option.get("channel_types")
    if kinds and TEXT_CHANNEL not in kinds:
        raise Refusal(400, f"the option {option['name']!r} takes no text channel")
    return find(value)


def _string(option: dict[str, Any], value: Any) -> str:
    name = option["name"]
    if not isinstance(value, str):
        raise Refusal(400, f"the option {name!r} takes a text")
    least, most = option.get("min_length") or 0, option.get("max_length") or LONGEST_STRING
    if not value:  # a client does not send what was left empty
        raise Refusal(400, f"the option {name!r} is empty: leave it out")
    if len(value) < least:
        raise Refusal(400, f"the option {name!r} needs at least {least} characters")
    if len(value) > most:
        raise Refusal(400, f"the option {name!r} takes at most {most} characters")
    return value


def _integer(option: dict[str, Any], value: Any) -> int:
    try:
        number = int(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if not isinstance(number, int) or isinstance(number, bool):
        raise Refusal(400, f"the option {option['name']!r} takes a whole number")
    _check_range(option, number)
    return number


def _number(option: dict[str, Any], value: Any) -> float:
    try:
        number = float(value) if isinstance(value, str) else value
    except ValueError:
        number = None
    if not isinstance(number, int | float) or isinstance(number, bool) or not math.isfinite(number):
        raise Refusal(400, f"the option {option['name']!r} takes a number")
    _check_range(option, number)
    return number


def _check_range(option: dict[str, Any], number: float) -> None:
    least, most = option.get("min_value"), option.get("max_value")
    least = -LARGEST_INTEGER if least is None else least
    most = LARGEST_INTEGER if most is None else most
    if number < least:
        raise Refusal(400, f"the option {option['name']!r} takes {least} or more")
    if number > most:
        raise Refusal(400, f"the option {option['name']!r} takes {most} or less")


def _boolean(option: dict[str, Any], value: Any) -> bool:
    known = {True: True, False: False, "true": True, "false": False}
    try:
        return known[value.lower() if isinstance(value, str) else value]
    except (KeyError, TypeError):
        raise Refusal(400, f"the option {option['name']!r} takes true or false") from None


_VALUES: dict[int, Callable[[dict[str, Any], Any], Any]] = {
    OptionType.STRING: _string,
    OptionType.INTEGER: _integer,
    OptionType.BOOLEAN: _boolean,
    OptionType.NUMBER: _number,
}


def _upload(name: str, value: Any) -> Upload:
    if isinstance(value, dict) and isinstance(value.get("filename"), str):
        try:
            content = base64.b64decode(value.get("content_base64", ""), validate=True)
        except (binascii.Error, TypeError, ValueError):
            content = None
        if content is not None:
            return Upload(id=name, filename=value["filename"], content=content)
    raise Refusal(400, f"the option {name!r} takes {{filename, content_base64}}")


def check_choices(choices: Any, option_type: int | None) -> list[dict[str, Any]]:
    """The choices that the bot offers while a person types, checked."""
    form = Form()
    found: list[dict[str, Any]] = []
    for path, choice in form.items({"choices": choices}, "choices", (), most=CHOICES):
        form.text(choice, "name", path, shortest=1, longest=CHOICE, required=True)
        check_choice_value(form, path, choice, option_type)
        found.append({"name": choice.get("name"), "value": choice.get("value")})
    form.check()
    return found
