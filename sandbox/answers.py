"""What the bot says to an interaction: callbacks, follow-ups, and its original answer."""

from enum import IntEnum
from typing import Any

from sandbox.errors import empty_message, unknown_message
from sandbox.form import Form
from sandbox.interaction import Interaction, Kind, State
from sandbox.interactions import Interactions
from sandbox.message_form import LARGEST_FLAGS, Draft, MessageForm
from sandbox.messages import EPHEMERAL, LOADING, Body, Message, Messages
from sandbox.modals import check_modal
from sandbox.options import check_choices
from sandbox.world import World


class Callback(IntEnum):
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


_ALLOWED: dict[Kind, tuple[Callback, ...]] = {
    Kind.COMMAND: (Callback.MESSAGE, Callback.DEFERRED_MESSAGE, Callback.MODAL),
    Kind.COMPONENT: (
        Callback.MESSAGE,
        Callback.DEFERRED_MESSAGE,
        Callback.DEFERRED_UPDATE,
        Callback.UPDATE,
        Callback.MODAL,
    ),
    Kind.AUTOCOMPLETE: (Callback.CHOICES,),
    Kind.MODAL: (
        Callback.MESSAGE,
        Callback.DEFERRED_MESSAGE,
        Callback.DEFERRED_UPDATE,
        Callback.UPDATE,
    ),
}


class Answers:
    def __init__(self, *, world: World, messages: Messages, interactions: Interactions, form: MessageForm) -> None:
        self._world = world
        self._messages = messages
        self._interactions = interactions
        self._form = form

    def callback(self, interaction: Interaction, draft: Draft) -> dict[str, Any]:
        """Apply the bot's one callback; the answer is Discord's callback resource."""
        kind = _callback_kind(interaction, draft.payload)
        data = draft.payload.get("data") or {}
        if not isinstance(data, dict):
            Form.fail("data", "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        message: Message | None = None
        if kind is Callback.MESSAGE:
            message = self._say(interaction, Draft(payload=data, files=draft.files))
        elif kind is Callback.DEFERRED_MESSAGE:
            message = self._post(interaction, Body(), _ephemeral(data) | LOADING)
        elif kind in (Callback.DEFERRED_UPDATE, Callback.UPDATE):
            message = self._source(interaction)
            if kind is Callback.UPDATE:
                message = self._edit(interaction, message, Draft(payload=data, files=draft.files))
        elif kind is Callback.CHOICES:
            interaction.choices = check_choices(data.get("choices"), interaction.focused_type)
        else:
            self._interactions.open_modal(interaction, check_modal(data))
        if message is not None:
            interaction.original = message.id
        deferred = kind in (Callback.DEFERRED_MESSAGE, Callback.DEFERRED_UPDATE)
        self._interactions.move(interaction, State.DEFERRED if deferred else State.ANSWERED)
        return self._resource(interaction, kind, message)

    def follow_up(self, interaction: Interaction, draft: Draft) -> Message:
        """A further message; the first one after "is thinking" becomes the answer that was announced."""
        original = self._messages.find(interaction.original) if interaction.original else None
        if original is not None and original.loading:
            return self.edit(interaction, original, draft)
        message = self._say(interaction, draft)
        self._interactions.move(interaction, State.ANSWERED)
        return message

    def message(self, interaction: Interaction, reference: str) -> Message:
        """The message that `reference`, an id or @original, means for this interaction's token."""
        message_id = interaction.original if reference == "@original" else reference
        if message_id is None or message_id not in (interaction.original, *interaction.messages):
            raise unknown_message()
        return self._messages.get(message_id)

    def edit(self, interaction: Interaction, message: Message, draft: Draft) -> Message:
        changed = self._edit(interaction, message, draft)
        self._interactions.move(interaction, State.ANSWERED)
        return changed

    def delete(self, interaction: Interaction, message: Message) -> None:
        self._messages.delete(message)
        self._interactions.move(interaction, State.ANSWERED)

    def _say(self, interaction: Interaction, draft: Draft) -> Message:
        body = self._form.body(draft, interaction.channel)
        if body.empty:
            raise empty_message()
        return self._post(interaction, body, _ephemeral(draft.payload))

    def _post(self, interaction: Interaction, body: Body, flags: int) -> Message:
        bot, origin = self._world.bot, interaction.origin
        message = self._messages.post(interaction.channel, bot, body, flags=flags, origin=origin)
        interaction.messages.append(message.id)
        return message

    def _edit(self, interaction: Interaction, message: Message, draft: Draft) -> Message:
        body = self._form.body(draft, message.channel, before=message.body)
        if body.empty:
            raise empty_message()
        if message.id not in interaction.messages:
            interaction.messages.append(message.id)
        return self._messages.edit(message, body)

    def _source(self, interaction: Interaction) -> Message:
        if interaction.source is None:
            Form.fail("type", "BASE_TYPE_CHOICES", "There is no message to update.")
        return self._messages.get(interaction.source)

    def _resource(self, interaction: Interaction, kind: Callback, message: Message | None) -> dict[str, Any]:
        about: dict[str, Any] = {"id": interaction.id, "type": interaction.kind.value}
        answer: dict[str, Any] = {"interaction": about}
        if message is not None:
            about["response_message_id"] = message.id
            about["response_message_loading"] = message.loading
            about["response_message_ephemeral"] = message.ephemeral
            answer["resource"] = {"type": kind.value, "message": self._messages.payload(message)}
        return answer


def _callback_kind(interaction: Interaction, payload: dict[str, Any]) -> Callback:
    allowed = _ALLOWED[interaction.kind]
    kind = payload.get("type")
    if kind not in allowed:
        choices = ", ".join(str(each.value) for each in allowed)
        Form.fail("type", "BASE_TYPE_CHOICES", f"Value must be one of {{{choices}}}.")
    return Callback(kind)


def _ephemeral(payload: dict[str, Any]) -> int:
    form = Form()
    flags = form.number(payload, "flags", (), least=0, most=LARGEST_FLAGS)
    form.check()
    return (flags or 0) & EPHEMERAL
