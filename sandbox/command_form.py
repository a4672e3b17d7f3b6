"""What commands may be registered: the rules by which Discord checks a bulk overwrite.

They are those of its documentation of application commands (naming, structure, options, and the 8000 characters
in all), where every fault of the whole list is reported at once.
"""

import itertools
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from sandbox.form import Form, Path
from sandbox.kinds import LARGEST_INTEGER, CommandType, OptionType

# How many of each type a scope may hold.
COUNTS = {CommandType.CHAT: 100, CommandType.USER: 15, CommandType.MESSAGE: 15}
NAME = 32
DESCRIPTION = 100
OPTIONS = 25
CHOICES = 25
CHOICE = 100
LONGEST_STRING = 6000
TOTAL = 8000
"""Characters of names, descriptions and choice values of one command, its options included."""

_NESTED = (OptionType.SUBCOMMAND, OptionType.GROUP)
_WITH_CHOICES = (OptionType.STRING, OptionType.INTEGER, OptionType.NUMBER)
_WITH_RANGE = (OptionType.INTEGER, OptionType.NUMBER)
_CONTEXTS = (0, 1, 2)
_INSTALLATIONS = (0, 1)


def check_commands(payload: Any) -> None:
    """Raises DiscordError 50035 with all that is wrong, or returns."""
    if not isinstance(payload, list):
        Form.fail("_", "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
    form = Form()
    most = sum(COUNTS.values())
    for path, command in form.items({"commands": payload}, "commands", (), most=most):
        _check_command(form, path[1:], command)
    _check_together(form, payload)
    form.check()


def _check_together(form: Form, payload: list[Any]) -> None:
    named: list[tuple[Any, Any]] = []
    for index, command in enumerate(payload):
        if not isinstance(command, dict):
            continue
        kind = command.get("type", CommandType.CHAT)
        identity = (kind, command.get("name"))
        if identity in named:
            message = "Application command names must be unique"
            form.refuse((index, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
        named.append(identity)
    for kind, most in COUNTS.items():
        if sum(each == kind for each, _ in named) > most:
            message = f"Maximum number of application commands reached ({most})."
            form.refuse((), "APPLICATION_COMMANDS_LIMIT_REACHED", message)


def _check_command(form: Form, path: Path, command: dict[str, Any]) -> None:
    kind = command.get("type", CommandType.CHAT)
    if not form.one_of(kind, (*path, "type"), tuple(COUNTS)):
        return
    _check_permissions(form, path, command)
    form.flag(command, "nsfw", path)
    for name, allowed in (("contexts", _CONTEXTS), ("integration_types", _INSTALLATIONS)):
        for index, value in enumerate(form.values(command, name, path)):
            form.one_of(value, (*path, name, index), allowed)
    if kind != CommandType.CHAT:
        form.text(command, "name", path, shortest=1, longest=NAME, required=True)
        if command.get("description"):
            message = "Context menu commands cannot have description"
            form.refuse((*path, "description"), "APPLICATION_COMMAND_CONTEXT_MENU_DESCRIPTION", message)
        return
    _check_label(form, path, command)
    _check_options(form, path, command, depth=0)
    if _size(command) > TOTAL:
        message = f"Command exceeds maximum size ({TOTAL})"
        form.refuse(path, "APPLICATION_COMMAND_TOO_LARGE", message)


def _check_permissions(form: Form, path: Path, command: dict[str, Any]) -> None:
    permissions = command.get("default_member_permissions")
    if permissions is not None and not str(permissions).isdecimal():
        message = f"Could not interpret {permissions!r} as permissions."
        form.refuse((*path, "default_member_permissions"), "PERMISSIONS_TYPE_CONVERT", message)


def _check_label(form: Form, path: Path, holder: dict[str, Any]) -> None:
    form.text(holder, "description", path, shortest=1, longest=DESCRIPTION, required=True)
    name = form.text(holder, "name", path, shortest=1, longest=NAME, required=True)
    if name is not None and not _well_named(name):
        message = "String value did not match validation regex."
        form.refuse((*path, "name"), "APPLICATION_COMMAND_INVALID_NAME", message)


def _well_named(name: str) -> bool:
    """Letters, numbers, `-`, `_`, `'` and the marks of Devanagari and Thai; lower case where there is one."""
    return name == name.lower() and all(
        character in "-_'"
        or unicodedata.category(character)[0] in "LN"
        or unicodedata.name(character, "").startswith(("DEVANAGARI", "THAI"))
        for character in name
    )


def _check_options(form: Form, path: Path, holder: dict[str, Any], *, depth: int) -> None:
    """`depth` counts the commands around: 0 in a command, 1 in a group or a subcommand of it, 2 below that."""
    options = form.items(holder, "options", path, most=OPTIONS)
    names: list[Any] = []
    for option_path, option in options:
        if option.get("name") in names:
            message = "Option names must be unique"
            form.refuse((*option_path, "name"), "APPLICATION_COMMAND_OPTIONS_NAME_NOT_UNIQUE", message)
        names.append(option.get("name"))
        _check_label(form, option_path, option)
        _check_option(form, option_path, option, depth)
    kinds = [option.get("type") for _, option in options]
    if any(kind in _NESTED for kind in kinds) and not all(kind in _NESTED for kind in kinds):
        message = "Sub-command and sub-command group option types are mutually exclusive to all other types"
        form.refuse((*path, "options"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
    _check_required_first(form, path, [option for _, option in options])


def _check_required_first(form: Form, path: Path, options: Sequence[dict[str, Any]]) -> None:
    for index, (before, option) in enumerate(itertools.pairwise(options), start=1):
        if option.get("required") and not before.get("required"):
            message = "Required options must be placed before non-required options"
            form.refuse((*path, "options", index), "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)


def _check_option(form: Form, path: Path, option: dict[str, Any], depth: int) -> None:
    kind = option.get("type")
    allowed: tuple[int, ...] = tuple(range(OptionType.SUBCOMMAND, OptionType.ATTACHMENT + 1))
    if depth == 1:
        allowed = tuple(each for each in allowed if each != OptionType.GROUP)
    elif depth > 1:
        allowed = tuple(each for each in allowed if each not in _NESTED)
    if not form.one_of(kind, (*path, "type"), allowed):
        return
    if kind == OptionType.GROUP:
        _check_group(form, path, option)
    elif kind == OptionType.SUBCOMMAND:
        _check_options(form, path, option, depth=2)
    else:
        form.flag(option, "required", path)
        _check_value(form, path, option)


def _check_group(form: Form, path: Path, group: dict[str, Any]) -> None:
    _check_options(form, path, group, depth=1)
    inner = form.values(group, "options", path)
    if not inner or any(isinstance(each, dict) and each.get("type") != OptionType.SUBCOMMAND for each in inner):
        message = "A sub-command group holds one or more sub-commands and nothing else"
        form.refuse((*path, "options"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)


def _check_value(form: Form, path: Path, option: dict[str, Any]) -> None:
    kind = option["type"]
    _only_for(form, path, option, "choices", kind in _WITH_CHOICES)
    _only_for(form, path, option, "autocomplete", kind in _WITH_CHOICES)
    _only_for(form, path, option, "channel_types", kind == OptionType.CHANNEL)
    for name in ("min_value", "max_value"):
        _only_for(form, path, option, name, kind in _WITH_RANGE)
    for name in ("min_length", "max_length"):
        _only_for(form, path, option, name, kind == OptionType.STRING)
    if option.get("autocomplete") and option.get("choices"):
        message = "An option that completes what is typed cannot have choices"
        form.refuse((*path, "choices"), "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE", message)
    least = form.number(option, "min_length", path, least=0, most=LONGEST_STRING)
    most = form.number(option, "max_length", path, least=1, most=LONGEST_STRING)
    _check_order(form, (*path, "min_length"), least, most)
    _check_order(form, (*path, "min_value"), option.get("min_value"), option.get("max_value"))
    _check_choices(form, path, option)


def _only_for(form: Form, path: Path, option: dict[str, Any], name: str, fits: bool) -> None:
    if option.get(name) not in (None, False, []) and not fits:
        message = f"{name} is not valid for options of this type"
        form.refuse((*path, name), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)


def _check_order(form: Form, path: Path, least: Any, most: Any) -> None:
    bounds = [bound for bound in (least, most) if bound is not None]
    for bound in bounds:
        if not isinstance(bound, int | float) or abs(bound) > LARGEST_INTEGER:
            form.refuse(path, "NUMBER_TYPE_COERCE", f'Value "{bound}" is not a number in range.')
            return
    if bounds != sorted(bounds):
        form.refuse(path, "APPLICATION_COMMAND_OPTIONS_RANGE", "The minimum cannot exceed the maximum")


def _check_choices(form: Form, path: Path, option: dict[str, Any]) -> None:
    names: list[Any] = []
    for choice_path, choice in form.items(option, "choices", path, most=CHOICES):
        form.text(choice, "name", choice_path, shortest=1, longest=CHOICE, required=True)
        if choice.get("name") in names:
            message = "Choice names must be unique"
            form.refuse((*choice_path, "name"), "APPLICATION_COMMAND_OPTIONS_CHOICE_NAME_NOT_UNIQUE", message)
        names.append(choice.get("name"))
        check_choice_value(form, choice_path, choice, option["type"])


def check_choice_value(form: Form, path: Path, choice: dict[str, Any], kind: int | None) -> None:
    """A choice's value has the type of its option, at registration and in autocomplete alike."""
    value = choice.get("value")
    if kind == OptionType.STRING:
        form.text(choice, "value", path, shortest=1, longest=CHOICE, required=True)
    elif isinstance(value, bool) or not isinstance(value, int if kind == OptionType.INTEGER else int | float):
        form.refuse((*path, "value"), "NUMBER_TYPE_COERCE", f'Value "{value}" is not a number.')
    elif abs(value) > LARGEST_INTEGER:
        form.refuse((*path, "value"), "NUMBER_TYPE_MAX", f"Must be from -{LARGEST_INTEGER} to {LARGEST_INTEGER}.")


def _size(holder: dict[str, Any]) -> int:
    return sum(len(text) for text in _texts(holder))


def _texts(holder: dict[str, Any]) -> Iterator[str]:
    for name in ("name", "description", "value"):
        if isinstance(text := holder.get(name), str):
            yield text
    for name in ("options", "choices"):
        inner = holder.get(name)
        for each in inner if isinstance(inner, list) else ():
            if isinstance(each, dict):
                yield from _texts(each)
