"""What a person takes in a select."""

from typing import Any

from sandbox.errors import Refusal


def chosen(select: dict[str, Any], name: str, given: Any) -> list[str]:
    """The values taken in a string select, if a client would let them be taken."""
    values = [given] if isinstance(given, str) else given
    if values is None:
        values = [option["value"] for option in select["options"] if option.get("default")]
    if not isinstance(values, list) or not all(isinstance(value, str) for value in values):
        raise Refusal(400, f"{name} takes a list of values")
    check_chosen_count(select, name, values)
    known = [option["value"] for option in select["options"]]
    for value in values:
        if value not in known:
            raise Refusal(400, f"{name} has no option {value!r}; it has: {', '.join(known)}")
    return values


def check_chosen_count(select: dict[str, Any], name: str, values: list[str]) -> None:
    least = select.get("min_values", 1)
    least = 1 if least is None else least
    if select.get("required") is False and not values:
        return
    most = select.get("max_values") or 1
    if not least <= len(values) <= most:
        raise Refusal(400, f"{name} takes {least} to {most} values, not {len(values)}")
    if len(set(values)) != len(values):
        raise Refusal(400, f"{name} takes each value once")
