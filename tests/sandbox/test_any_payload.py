"""Whatever a bot sends is taken or refused in Discord's words; it never makes the sandbox stumble.

Each test takes a payload with everything in it and puts every wrong thing into every place of it.
"""

import copy
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from sandbox.command_form import check_commands
from sandbox.default_world import default_world
from sandbox.errors import DiscordError
from sandbox.form import Form
from sandbox.mentions import mentions_in
from sandbox.message_form import Draft, check_message
from sandbox.modals import check_modal
from sandbox.options import check_choices

WRONG: list[Any] = [None, True, -1, 3, 10**30, 1.5, "", "x", "x" * 7000, [], [[]], [None], {}, {"type": []}, [{}]]

BUTTON = {"type": 2, "style": 1, "label": "Press", "custom_id": "press", "disabled": False, "emoji": {"name": "✅"}}
SELECT = {
    "type": 3,
    "custom_id": "take",
    "placeholder": "Take",
    "min_values": 1,
    "max_values": 1,
    "options": [{"label": "One", "value": "1", "description": "The first", "default": True}],
}
MESSAGE = {
    "content": "<@1> <@&2> @everyone",
    "tts": False,
    "flags": 64,
    "embeds": [
        {
            "title": "Title",
            "url": "https://example.org",
            "color": 7,
            "author": {"name": "Author", "icon_url": "https://example.org/a.png"},
            "image": {"url": "attachment://a.png"},
            "footer": {"text": "Footer"},
            "fields": [{"name": "n", "value": "v", "inline": True}],
        }
    ],
    "components": [{"type": 1, "components": [BUTTON]}, {"type": 1, "components": [SELECT]}],
    "allowed_mentions": {"parse": ["users"], "roles": ["1"], "replied_user": True},
    "attachments": [{"id": 0, "filename": "a.png", "description": "A"}],
}
OPTION = {
    "name": "amount",
    "description": "How much",
    "type": 4,
    "required": True,
    "min_value": 1,
    "max_value": 9,
    "choices": [{"name": "one", "value": 1}],
}
TEXT = {"name": "memo", "description": "What for", "type": 3, "min_length": 1, "max_length": 9, "autocomplete": True}
PLACE = {"name": "where", "description": "Where", "type": 7, "channel_types": [0]}
COMMANDS = [
    {"name": "pay", "description": "Pay", "type": 1, "options": [OPTION, TEXT, PLACE], "nsfw": False},
    {
        "name": "wallet",
        "description": "Wallet",
        "default_member_permissions": "32",
        "contexts": [0],
        "integration_types": [0],
        "options": [
            {
                "name": "history",
                "description": "History",
                "type": 2,
                "options": [{"name": "of", "description": "Of", "type": 1, "options": [TEXT]}],
            }
        ],
    },
    {"name": "Pay them", "type": 2},
]
INPUT = {
    "type": 4,
    "style": 1,
    "label": "Name",
    "custom_id": "name",
    "value": "Ada",
    "placeholder": "Your name",
    "min_length": 1,
    "max_length": 9,
    "required": True,
}
MODAL = {
    "custom_id": "form",
    "title": "Form",
    "components": [
        {"type": 1, "components": [INPUT]},
        {"type": 10, "content": "Read this"},
        {"type": 18, "label": "Take", "description": "One", "component": SELECT},
    ],
}


def _message(payload: Any) -> None:
    form = Form()
    check_message(form, Draft(payload=payload))
    form.check()
    world = default_world()
    channel = next(iter(world.channels.values()))
    mentions_in("<@1> <@&2> @everyone", payload.get("allowed_mentions"), channel, world)


def _choices(payload: Any) -> None:
    check_choices(payload["choices"], 3)


WHOLE: dict[str, tuple[Callable[[Any], object], Any]] = {
    "message": (_message, MESSAGE),
    "commands": (check_commands, COMMANDS),
    "modal": (check_modal, MODAL),
    "choices": (_choices, {"choices": [{"name": "one", "value": "1"}]}),
}


def _places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The path of everything within `value`."""
    items: Any = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*path, key)
        yield from _places(inner, (*path, key))


def _with(whole: Any, path: tuple[str | int, ...], wrong: Any) -> Any:
    changed = copy.deepcopy(whole)
    place = changed
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = wrong
    return changed


def _outcome(check: Callable[[Any], object], payload: Any) -> str:
    try:
        check(payload)
    except DiscordError as error:
        return f"refused with {error.code}"
    except Exception as error:  # noqa: BLE001 - that is what this test looks for
        return f"stumbled over {error!r}"
    return "taken"


@pytest.mark.parametrize(("check", "whole"), WHOLE.values(), ids=WHOLE)
def test_a_wrong_thing_anywhere_is_taken_or_refused(check: Callable[[Any], object], whole: Any):
    check(whole)
    outcomes = {
        (path, repr(wrong)[:20]): _outcome(check, _with(whole, path, wrong))
        for path in _places(whole)
        for wrong in WRONG
    }
    unheard = {place: outcome for place, outcome in outcomes.items() if outcome.startswith("stumbled")}
    assert not unheard
    assert {"taken", "refused with 50035"} == set(outcomes.values())
