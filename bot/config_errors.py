"""What is wrong with a configuration, in one line a problem: where, which key, its value, what is allowed."""

import difflib
import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final, TypeAlias

from pydantic import BaseModel, ValidationError

from bot.exits import StartFailure

PREFIX: Final = "ROLLCALL_"
DELIMITER: Final = "__"
TOKEN_HINT: Final = "the token belongs into the environment: DISCORD_TOKEN, or DISCORD_TOKEN_FILE naming a file"  # noqa: S105

_LONGEST_VALUE: Final = 60
_SECRET_KEY: Final = re.compile(r"token|secret|passw|key$", re.IGNORECASE)
# Discord's bot tokens: three parts in base64url. One that strayed into a setting is not repeated on a screen.
_LOOKS_SECRET: Final = re.compile(r"[\w-]{20,}\.[\w-]{5,}\.[\w-]{20,}")

Location: TypeAlias = tuple[int | str, ...]
Model: TypeAlias = type[BaseModel]


class ConfigError(StartFailure):
    """The configuration cannot be used; `problems` has one line each, `str()` the first of them."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        more = len(self.problems) - 1
        rest = f" (and {more} more: see `rollcall config check`)" if more else ""
        super().__init__(self.problems[0] + rest, os.EX_CONFIG)


def in_file(model: Model, file: str, data: Mapping[str, Any], error: ValidationError) -> ConfigError:
    """What pydantic found in the file. Values are taken from `data`, as the operator wrote them."""

    def value(location: Location) -> str:
        found: Any = data
        for step in location:
            found = found[step]
        return f" = {_shown(found)}"

    return ConfigError(_lines(model, error, lambda location: f"{file}: {_dotted(location)}", value))


def in_environment(model: Model, variables: Mapping[str, str], error: ValidationError) -> ConfigError:
    """The same for the environment; `variables` are ours, by their name in capitals."""

    def place(location: Location) -> str:
        name = PREFIX + DELIMITER.join(str(step) for step in location[:2]).upper()
        return name if name in variables else f"config.toml with the environment: {_dotted(location)}"

    def value(location: Location) -> str:
        name = place(location)
        return f" = {_shown(variables[name])}" if name in variables else ""

    return ConfigError(_lines(model, error, place, value))


def known_variables(model: Model, environ: Mapping[str, str]) -> dict[str, str]:
    """The variables meant for us, by their name in capitals; raises ConfigError for one that is no setting."""
    ours = {name.upper(): value for name, value in environ.items() if name.upper().startswith(PREFIX)}
    sections = model.model_json_schema()["properties"]
    known = [f"{PREFIX}{section}{DELIMITER}{key}".upper() for section in sections for key in _schema(model, (section,))]
    if unknown := sorted(ours.keys() - set(known)):
        raise ConfigError(f"{name}: there is no such setting{_closest(name, known)}" for name in unknown)
    return ours


def _lines(
    model: Model, error: ValidationError, place: Callable[[Location], str], value: Callable[[Location], str]
) -> list[str]:
    lines: list[str] = []
    for problem in error.errors(include_url=False, include_context=False):
        location, kind = problem["loc"], problem["type"]
        if kind == "extra_forbidden":
            lines.append(_unknown(model, place(location), location))
        elif kind == "value_error":
            shown = value(location) if len(location) > 1 else ""
            lines.append(f"{place(location)}{shown}: {problem['msg'].removeprefix('Value error, ')}")
        else:
            lines.append(f"{place(location)}{value(location)}: allowed is {_allowed(model, location)}")
    return lines


def _unknown(model: Model, place: str, location: Location) -> str:
    *parent, key = (str(step) for step in location)
    if _SECRET_KEY.search(key):
        return f"{place}: there is no such key; {TOKEN_HINT}"
    what = "key" if parent else "section"
    return f"{place}: there is no such {what}{_hint(key, _schema(model, tuple(parent)))}"


def _hint(name: str, known: Iterable[str]) -> str:
    return _closest(name, known) or f"; there are {', '.join(sorted(known))}"


def _closest(name: str, known: Iterable[str]) -> str:
    # The prefix that all of them share would make anything look alike.
    bare = {each.removeprefix(PREFIX): each for each in known}
    close = difflib.get_close_matches(name.removeprefix(PREFIX), bare, n=1)
    return f"; did you mean {bare[close[0]]}?" if close else ""


def _allowed(model: Model, location: Location) -> str:
    """What may stand at this key, from the same model that refused what does."""
    if len(location) == 1:
        return f"a table: [{location[0]}]"
    field = _schema(model, location[:1])[str(location[1])]
    return _described(field)


def _described(schema: Mapping[str, Any]) -> str:
    if choices := schema.get("enum"):
        return "one of " + ", ".join(json.dumps(choice) for choice in choices)
    match schema["type"]:
        case "boolean":
            return "true or false"
        case "integer":
            return f"an integer{_range(schema)}"
        case "number":
            return f"a number{_range(schema)}"
        case "array":
            return f"a list, each {_described(schema['items'])}"
        case _:
            kind = "a path" if schema.get("format") == "path" else "a text"
            return f"{kind} matching {schema['pattern']}" if "pattern" in schema else kind


def _range(schema: Mapping[str, Any]) -> str:
    return f" from {schema['minimum']} to {schema['maximum']}"


def _schema(model: Model, location: Location) -> Mapping[str, Any]:
    """The properties of a section, or of the whole, as JSON Schema describes them."""
    schema = model.model_json_schema()
    if not location:
        return schema["properties"]
    reference = schema["properties"].get(str(location[0]), {}).get("$ref", "")
    return schema["$defs"].get(reference.rpartition("/")[2], {}).get("properties", {})


def _dotted(location: Location) -> str:
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in location).removeprefix(".")


def _shown(value: object) -> str:
    """The value as TOML would have it, short, and never a secret."""
    try:
        text = json.dumps(value, ensure_ascii=False, default=str)
    except ValueError:
        text = repr(value)
    if _LOOKS_SECRET.search(text):
        return "(hidden: it looks like a token)"
    return text if len(text) <= _LONGEST_VALUE else f"{text[: _LONGEST_VALUE - 1]}…"
