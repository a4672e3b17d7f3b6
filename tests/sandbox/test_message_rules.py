"""What Discord would refuse in a message or a modal, one rule a row."""

from typing import Any

import pytest

from sandbox.errors import DiscordError
from sandbox.form import Form
from sandbox.message_form import Draft, check_message
from sandbox.modals import check_modal


def button(**changes: Any) -> dict[str, Any]:
    return {"type": 2, "style": 1, "label": "Press", "custom_id": "press", **changes}


def select(options: int = 1, **changes: Any) -> dict[str, Any]:
    listed = [{"label": f"l{n}", "value": f"v{n}"} for n in range(options)]
    return {"type": 3, "custom_id": "take", "options": listed, **changes}


def rows(*components: dict[str, Any]) -> dict[str, Any]:
    return {"components": [{"type": 1, "components": [component]} for component in components]}


def embed(**changes: Any) -> dict[str, Any]:
    return {"embeds": [changes]}


ACCEPTED: dict[str, dict[str, Any]] = {
    "2000 characters": {"content": "a" * 2000},
    "a title of 256": embed(title="t" * 256),
    "6000 in all": {"embeds": [{"description": "d" * 3000}, {"description": "d" * 3000}]},
    "25 fields": embed(fields=[{"name": "n", "value": "v"}] * 25),
    "an image among the files": embed(image={"url": "attachment://chart.png"}),
    "5 rows": rows(*(button(custom_id=f"b{n}") for n in range(5))),
    "5 buttons in a row": {"components": [{"type": 1, "components": [button(custom_id=f"{n}") for n in range(5)]}]},
    "a button with an emoji alone": rows(button(label=None, emoji={"name": "✅"})),
    "a link": rows(button(style=5, custom_id=None, url="https://example.org")),
    "25 options": rows(select(25)),
    "a custom id of 100": rows(button(custom_id="c" * 100)),
    "all of 3 options": rows(select(3, min_values=0, max_values=3)),
    "nobody mentioned": {"allowed_mentions": {"parse": []}},
}

REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "2001 characters": ({"content": "a" * 2001}, "BASE_TYPE_MAX_LENGTH"),
    "a number for a text": ({"content": 7}, "STRING_TYPE_CONVERT"),
    "11 embeds": ({"embeds": [{"title": "t"}] * 11}, "BASE_TYPE_MAX_LENGTH"),
    "a title of 257": (embed(title="t" * 257), "BASE_TYPE_MAX_LENGTH"),
    "a description of 4097": (embed(description="d" * 4097), "BASE_TYPE_MAX_LENGTH"),
    "26 fields": (embed(fields=[{"name": "n", "value": "v"}] * 26), "BASE_TYPE_MAX_LENGTH"),
    "a field without a value": (embed(fields=[{"name": "n", "value": ""}]), "BASE_TYPE_REQUIRED"),
    "a field's value of 1025": (embed(fields=[{"name": "n", "value": "v" * 1025}]), "BASE_TYPE_BAD_LENGTH"),
    "a footer of 2049": (embed(footer={"text": "f" * 2049}), "BASE_TYPE_MAX_LENGTH"),
    "an author of 257": (embed(author={"name": "a" * 257}), "BASE_TYPE_MAX_LENGTH"),
    "6001 in all": (
        {"embeds": [{"description": "d" * 3000}, {"description": "d" * 3000, "footer": {"text": "f"}}]},
        "MAX_EMBED_SIZE_EXCEEDED",
    ),
    "a colour beyond white": (embed(color=1 << 24), "NUMBER_TYPE_MAX"),
    "a script for a link": (embed(url="javascript:alert(1)"), "URL_TYPE_INVALID_SCHEME"),
    "6 rows": (rows(*(button(custom_id=f"b{n}") for n in range(6))), "BASE_TYPE_MAX_LENGTH"),
    "a button outside a row": ({"components": [button()]}, "BASE_TYPE_CHOICES"),
    "6 buttons in a row": (
        {"components": [{"type": 1, "components": [button(custom_id=f"{n}") for n in range(6)]}]},
        "BASE_TYPE_BAD_LENGTH",
    ),
    "a select beside a button": (
        {"components": [{"type": 1, "components": [button(), select()]}]},
        "COMPONENT_LAYOUT_WIDTH_EXCEEDED",
    ),
    "two of one custom id": (rows(button(), button()), "COMPONENT_CUSTOM_ID_DUPLICATED"),
    "a custom id of 101": (rows(button(custom_id="c" * 101)), "BASE_TYPE_BAD_LENGTH"),
    "no custom id": (rows(button(custom_id=None)), "BASE_TYPE_REQUIRED"),
    "a label of 81": (rows(button(label="l" * 81)), "BASE_TYPE_MAX_LENGTH"),
    "a button with nothing on it": (rows(button(label=None)), "BUTTON_COMPONENT_INVALID_LABEL"),
    "a link with a custom id": (
        rows(button(style=5, url="https://example.org")),
        "BUTTON_COMPONENT_CUSTOM_ID_AND_URL",
    ),
    "a style that is none": (rows(button(style=9)), "BASE_TYPE_CHOICES"),
    "26 options": (rows(select(26)), "BASE_TYPE_BAD_LENGTH"),
    "no options": (rows(select(0)), "BASE_TYPE_BAD_LENGTH"),
    "two options of one value": (
        rows(select(options=0) | {"options": [{"label": "l", "value": "v"}] * 2}),
        "SELECT_COMPONENT_OPTION_VALUE_DUPLICATED",
    ),
    "more values than options": (rows(select(1, max_values=2)), "SELECT_COMPONENT_MAX_VALUES"),
    "least above most": (rows(select(3, min_values=3, max_values=2)), "SELECT_COMPONENT_MIN_VALUES"),
    "a text input in a message": (rows({"type": 4, "custom_id": "c", "style": 1}), "BASE_TYPE_CHOICES"),
    "an unknown mention": ({"allowed_mentions": {"parse": ["all"]}}, "BASE_TYPE_CHOICES"),
    "mentions both parsed and listed": (
        {"allowed_mentions": {"parse": ["users"], "users": ["1"]}},
        "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE",
    ),
    "components of version 2": ({"flags": 1 << 15}, "SANDBOX_UNKNOWN"),
}


def checked(payload: dict[str, Any]) -> None:
    form = Form()
    check_message(form, Draft(payload=payload))
    form.check()


@pytest.mark.parametrize("payload", ACCEPTED.values(), ids=ACCEPTED)
def test_discord_takes_a_message_with(payload: dict[str, Any]):
    checked(payload)


@pytest.mark.parametrize(("payload", "code"), REFUSED.values(), ids=REFUSED)
def test_discord_refuses_a_message_with(payload: dict[str, Any], code: str):
    with pytest.raises(DiscordError) as refused:
        checked(payload)
    assert (refused.value.status, refused.value.code) == (400, 50035)
    assert code in str(refused.value.errors)


def text_input(**changes: Any) -> dict[str, Any]:
    return {"type": 4, "custom_id": "c", "label": "Name", "style": 1, **changes}


def modal(*inputs: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {"custom_id": "m", "title": "Form", **rows(*inputs), **changes}


REFUSED_FORMS: dict[str, tuple[dict[str, Any], str]] = {
    "6 inputs": (modal(*(text_input(custom_id=f"c{n}") for n in range(6))), "BASE_TYPE_BAD_LENGTH"),
    "no input": (modal(), "BASE_TYPE_BAD_LENGTH"),
    "a title of 46": (modal(text_input(), title="t" * 46), "BASE_TYPE_BAD_LENGTH"),
    "a label of 46": (modal(text_input(label="l" * 46)), "BASE_TYPE_BAD_LENGTH"),
    "two inputs of one id": (modal(text_input(), text_input()), "COMPONENT_CUSTOM_ID_DUPLICATED"),
    "a value that is too long": (modal(text_input(max_length=2, value="abc")), "BASE_TYPE_MAX_LENGTH"),
    "a value that is too short": (modal(text_input(min_length=4, value="abc")), "BASE_TYPE_BAD_LENGTH"),
    "a range upside down": (modal(text_input(min_length=4, max_length=3)), "TEXT_INPUT_COMPONENT_MIN_LENGTH"),
    "a placeholder of 101": (modal(text_input(placeholder="p" * 101)), "BASE_TYPE_MAX_LENGTH"),
    "a button": (modal(button()), "BASE_TYPE_CHOICES"),
}


def test_discord_takes_a_form():
    assert check_modal(modal(text_input()))["title"] == "Form"


@pytest.mark.parametrize(("form", "code"), REFUSED_FORMS.values(), ids=REFUSED_FORMS)
def test_discord_refuses_a_form_with(form: dict[str, Any], code: str):
    with pytest.raises(DiscordError) as refused:
        check_modal(form)
    assert code in str(refused.value.errors)
