"""Modals: Discord's limits of the form, and what a person fills in."""

from typing import Any

from sandbox.components import (
    CUSTOM_ID,
    Component,
    check_custom_id_once,
    check_select,
)
from sandbox.errors import Refusal
from sandbox.form import Form, Path
from sandbox.selects import chosen

ITEMS = 5
LONGEST_VALUE = 4000
_SHORT = 1
_PARTS = (Component.ROW, Component.TEXT, Component.LABEL)


def check_modal(data: dict[str, Any]) -> dict[str, Any]:
    """The modal, checked."""
    form = Form()
    form.text(data, "custom_id", (), shortest=1, longest=CUSTOM_ID, required=True)
    form.text(data, "title", (), shortest=1, longest=45, required=True)
    seen: set[str] = set()
    for path, part in form.items(data, "components", (), least=1, most=ITEMS):
        if form.one_of(part.get("type"), (*path, "type"), _PARTS):
            _check_part(form, path, part, seen)
    form.check()
    return {key: data[key] for key in ("custom_id", "title", "components")}


def _check_part(form: Form, path: Path, part: dict[str, Any], seen: set[str]) -> None:
    if part["type"] == Component.TEXT:
        form.text(part, "content", path, shortest=1, longest=4000, required=True)
        return
    if part["type"] == Component.LABEL:
        form.text(part, "label", path, shortest=1, longest=45, required=True)
        form.text(part, "description", path, longest=100)
        inner, path = part.get("component"), (*path, "component")
    else:
        inner_parts = form.items(part, "components", path, least=1, most=1)
        inner, path = (inner_parts[0][1] if inner_parts else None), (*path, "components", 0)
        if isinstance(inner, dict):
            form.text(inner, "label", path, shortest=1, longest=45, required=True)
    if not isinstance(inner, dict):
        form.refuse(path, "BASE_TYPE_REQUIRED", "This field is required")
    elif form.one_of(inner.get("type"), (*path, "type"), (Component.TEXT_INPUT, Component.STRING_SELECT)):
        _check_input(form, path, inner)
        check_custom_id_once(form, path, inner, seen)


def _check_input(form: Form, path: Path, component: dict[str, Any]) -> None:
    if component["type"] == Component.STRING_SELECT:
        check_select(form, path, component)
        return
    form.text(component, "custom_id", path, shortest=1, longest=CUSTOM_ID, required=True)
    form.one_of(component.get("style"), (*path, "style"), (_SHORT, 2))
    form.text(component, "placeholder", path, longest=100)
    least = form.number(component, "min_length", path, least=0, most=LONGEST_VALUE) or 0
    most = form.number(component, "max_length", path, least=1, most=LONGEST_VALUE) or LONGEST_VALUE
    if least > most:
        message = "min_length cannot be greater than max_length"
        form.refuse((*path, "min_length"), "TEXT_INPUT_COMPONENT_MIN_LENGTH", message)
    value = form.text(component, "value", path, longest=most)
    if value and len(value) < least:
        message = f"Must be between {least} and {most} in length."
        form.refuse((*path, "value"), "BASE_TYPE_BAD_LENGTH", message)


def filled_in(modal: dict[str, Any], fields: dict[str, Any]) -> list[dict[str, Any]]:
    """The components of a submission. `fields` names inputs by custom id or by label.

    Raises Refusal for what a real client would not let a person send.
    """
    left = dict(fields)
    parts: list[dict[str, Any]] = []
    for part in modal["components"]:
        if part["type"] == Component.TEXT:
            parts.append({"type": Component.TEXT, "id": part.get("id", 0)})
            continue
        labelled = part["type"] == Component.LABEL
        component = part["component"] if labelled else part["components"][0]
        label = part["label"] if labelled else component["label"]
        given = left.pop(component["custom_id"], left.pop(label, None))
        answer = _answer(component, label, given)
        parts.append(
            {"type": part["type"], "component": answer} if labelled else {"type": part["type"], "components": [answer]}
        )
    if left:
        raise Refusal(400, f"the form has no field {', '.join(map(repr, left))}")
    return parts


def _answer(component: dict[str, Any], label: str, given: Any) -> dict[str, Any]:
    answer = {"type": component["type"], "custom_id": component["custom_id"]}
    if component["type"] == Component.STRING_SELECT:
        return answer | {"values": chosen(component, label, given)}
    value = component.get("value") or "" if given is None else given
    if not isinstance(value, str):
        raise Refusal(400, f"{label} takes a text")
    longest = component.get("max_length") or LONGEST_VALUE
    if not value and component.get("required", True):
        raise Refusal(400, f"{label} must be filled in")
    if value and len(value) < (component.get("min_length") or 0):
        raise Refusal(400, f"{label} needs at least {component['min_length']} characters")
    if len(value) > longest:
        raise Refusal(400, f"{label} takes at most {longest} characters")
    if component["style"] == _SHORT and "\n" in value:
        raise Refusal(400, f"{label} is a single line")
    return answer | {"value": value}
