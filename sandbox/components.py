"""Buttons and selects: Discord's limits, and finding the one that a person uses."""

from collections.abc import Iterator
from typing import Any, Final

from sandbox.form import Form, Path

ROWS = 5
ROW = 5
OPTIONS = 25
CUSTOM_ID = 100


class Component:
    ROW: Final = 1
    BUTTON: Final = 2
    STRING_SELECT: Final = 3
    TEXT_INPUT: Final = 4
    USER_SELECT: Final = 5
    ROLE_SELECT: Final = 6
    MENTIONABLE_SELECT: Final = 7
    CHANNEL_SELECT: Final = 8
    TEXT: Final = 10
    LABEL: Final = 18


SELECTS = (
    Component.STRING_SELECT,
    Component.USER_SELECT,
    Component.ROLE_SELECT,
    Component.MENTIONABLE_SELECT,
    Component.CHANNEL_SELECT,
)
LINK_STYLE = 5


def check_rows(form: Form, payload: dict[str, Any]) -> None:
    seen: set[str] = set()
    for path, row in form.items(payload, "components", (), most=ROWS):
        if not form.one_of(row.get("type"), (*path, "type"), (Component.ROW,)):
            continue
        inner = form.items(row, "components", path, least=1, most=ROW)
        for inner_path, component in inner:
            if form.one_of(component.get("type"), (*inner_path, "type"), (Component.BUTTON, *SELECTS)):
                check_used_in_message(form, inner_path, component)
                check_custom_id_once(form, inner_path, component, seen)
        if len(inner) > 1 and any(component.get("type") in SELECTS for _, component in inner):
            message = "A select menu takes up a whole row."
            form.refuse((*path, "components"), "COMPONENT_LAYOUT_WIDTH_EXCEEDED", message)


def check_used_in_message(form: Form, path: Path, component: dict[str, Any]) -> None:
    form.flag(component, "disabled", path)
    if component["type"] == Component.BUTTON:
        _check_button(form, path, component)
    else:
        check_select(form, path, component)


def check_custom_id_once(form: Form, path: Path, component: dict[str, Any], seen: set[str]) -> None:
    custom_id = component.get("custom_id")
    if not isinstance(custom_id, str):
        return
    if custom_id in seen:
        message = "Component custom id cannot be duplicated"
        form.refuse((*path, "custom_id"), "COMPONENT_CUSTOM_ID_DUPLICATED", message)
    seen.add(custom_id)


def _check_button(form: Form, path: Path, button: dict[str, Any]) -> None:
    if not form.one_of(button.get("style"), (*path, "style"), (1, 2, 3, 4, LINK_STYLE)):
        return
    label = form.text(button, "label", path, longest=80)
    if not label and not button.get("emoji"):
        form.refuse(path, "BUTTON_COMPONENT_INVALID_LABEL", "A button must have a label or an emoji.")
    if button["style"] != LINK_STYLE:
        form.text(button, "custom_id", path, shortest=1, longest=CUSTOM_ID, required=True)
        if button.get("url") is not None:
            message = "A url is not allowed on a button that has a custom id"
            form.refuse((*path, "url"), "BUTTON_COMPONENT_UNEXPECTED_URL", message)
        return
    form.text(button, "url", path, shortest=1, longest=512, required=True)
    if button.get("custom_id") is not None:
        message = "A custom id and url cannot both be specified"
        form.refuse((*path, "custom_id"), "BUTTON_COMPONENT_CUSTOM_ID_AND_URL", message)


def check_select(form: Form, path: Path, select: dict[str, Any]) -> None:
    form.text(select, "custom_id", path, shortest=1, longest=CUSTOM_ID, required=True)
    form.text(select, "placeholder", path, longest=150)
    least = form.number(select, "min_values", path, least=0, most=OPTIONS)
    most = form.number(select, "max_values", path, least=1, most=OPTIONS)
    options = _checked_options(form, path, select) if select["type"] == Component.STRING_SELECT else OPTIONS
    if (1 if least is None else least) > (1 if most is None else most):
        message = "min_values cannot be greater than max_values"
        form.refuse((*path, "min_values"), "SELECT_COMPONENT_MIN_VALUES", message)
    if (most or 1) > options > 0:
        message = f"max_values cannot be greater than the number of options ({options})"
        form.refuse((*path, "max_values"), "SELECT_COMPONENT_MAX_VALUES", message)


def _checked_options(form: Form, path: Path, select: dict[str, Any]) -> int:
    """Check a string select's options; returns how many there are."""
    values: list[Any] = []
    for option_path, option in form.items(select, "options", path, least=1, most=OPTIONS):
        form.text(option, "label", option_path, shortest=1, longest=100, required=True)
        form.text(option, "value", option_path, shortest=1, longest=100, required=True)
        form.text(option, "description", option_path, longest=100)
        if option.get("value") in values:
            message = "The specified option value is already used"
            form.refuse((*option_path, "value"), "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED", message)
        values.append(option.get("value"))
    return len(values)


def usable(rows: tuple[dict[str, Any], ...]) -> Iterator[dict[str, Any]]:
    """The components within the rows of a message, in the order they are shown."""
    for row in rows:
        yield from row["components"]
