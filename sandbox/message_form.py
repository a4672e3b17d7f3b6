"""What a message may be: Discord's limits, and the upload of its files."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sandbox.attachments import Attachments, Upload
from sandbox.components import check_rows
from sandbox.direct import Place
from sandbox.embeds import check_embeds
from sandbox.form import Form
from sandbox.mentions import KINDS, mentions_in
from sandbox.messages import Body
from sandbox.world import World

CONTENT = 2000
FILES = 10
LISTED_MENTIONS = 100
NONCE = 25
COMPONENTS_V2 = 1 << 15
LARGEST_FLAGS = (1 << 31) - 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """A message as the bot sent it: JSON, and files where it was multipart."""

    payload: dict[str, Any]
    files: Sequence[Upload] = ()


class MessageForm:
    def __init__(self, world: World, attachments: Attachments) -> None:
        self._world = world
        self._attachments = attachments

    def body(self, draft: Draft, place: Place, *, before: Body | None = None, replied_to: str | None = None) -> Body:
        """The checked message; what `draft` leaves out stays as it was `before`."""
        payload, before = draft.payload, before or Body()
        form = Form()
        check_message(form, draft)
        form.check()
        attachments = self._kept(payload, before, len(draft.files)) + self._upload(draft, place)
        content = before.content
        if "content" in payload:
            content = (payload["content"] or "").strip()
        allowed = payload.get("allowed_mentions")
        return Body(
            content=content,
            embeds=tuple(_with_files(embed, attachments) for embed in _given(payload, "embeds", before.embeds)),
            components=_given(payload, "components", before.components),
            attachments=attachments,
            mentions=mentions_in(content, allowed, place, self._world, replied_to=replied_to),
        )

    def _upload(self, draft: Draft, place: Place) -> tuple[dict[str, Any], ...]:
        described = {str(each.get("id")): each.get("description") for each in draft.payload.get("attachments") or ()}
        return tuple(
            self._attachments.store(place.id, file, description=described.get(file.id)) for file in draft.files
        )

    @staticmethod
    def _kept(payload: dict[str, Any], before: Body, uploaded: int) -> tuple[dict[str, Any], ...]:
        """Of the earlier attachments those that the payload names; all, where it names none at all."""
        if payload.get("attachments") is None:
            return before.attachments
        named = {str(each.get("id")) for each in payload["attachments"]}
        if unknown := named - {each["id"] for each in before.attachments} - {str(i) for i in range(uploaded)}:
            Form.fail("attachments", "ATTACHMENT_NOT_FOUND", f"Attachments not found: {sorted(unknown)}")
        return tuple(each for each in before.attachments if each["id"] in named)


def check_message(form: Form, draft: Draft) -> None:
    payload = draft.payload
    form.text(payload, "content", (), longest=CONTENT)
    form.flag(payload, "tts", ())
    _check_nonce(form, payload)
    flags = form.number(payload, "flags", (), least=0, most=LARGEST_FLAGS) or 0
    if flags & COMPONENTS_V2:
        form.refuse(("flags",), "SANDBOX_UNKNOWN", "The sandbox does not know components of version 2 yet.")
    check_embeds(form, payload)
    check_rows(form, payload)
    _check_allowed_mentions(form, payload)
    form.items(payload, "attachments", (), most=FILES)
    if len(draft.files) > FILES:
        form.refuse(("files",), "BASE_TYPE_MAX_LENGTH", f"Must be {FILES} or fewer in length.")


def _check_nonce(form: Form, payload: dict[str, Any]) -> None:
    nonce = payload.get("nonce")
    form.flag(payload, "enforce_nonce", ())
    if isinstance(nonce, bool) or not isinstance(nonce, str | int | None):
        form.refuse(("nonce",), "NONCE_TYPE_INVALID", "Must be a string or an integer.")
    elif isinstance(nonce, str) and len(nonce) > NONCE:
        form.refuse(("nonce",), "NONCE_TYPE_TOO_LONG", f"Must be {NONCE} or fewer in length.")


def _check_allowed_mentions(form: Form, payload: dict[str, Any]) -> None:
    allowed, path = form.part(payload, "allowed_mentions", ()), ("allowed_mentions",)
    parse = form.values(allowed, "parse", path)
    for index, kind in enumerate(parse):
        form.one_of(kind, (*path, "parse", index), KINDS)
    form.flag(allowed, "replied_user", path)
    for kind in ("users", "roles"):
        listed = form.values(allowed, kind, path)
        if listed and kind in parse:
            message = f'parse:["{kind}"] and {kind}: [ids...] are mutually exclusive.'
            form.refuse(path, "MESSAGE_ALLOWED_MENTIONS_PARSE_EXCLUSIVE", message)
        if len(listed) > LISTED_MENTIONS:
            message = f"Must be {LISTED_MENTIONS} or fewer in length."
            form.refuse((*path, kind), "BASE_TYPE_MAX_LENGTH", message)


def _given(payload: dict[str, Any], name: str, before: tuple[dict[str, Any], ...]) -> tuple[dict[str, Any], ...]:
    return tuple(payload[name] or ()) if name in payload else before


def _with_files(embed: dict[str, Any], attachments: tuple[dict[str, Any], ...]) -> dict[str, Any]:
    """The embed with each attachment://name replaced by the address of that file."""
    addresses = {f"attachment://{each['filename']}": each["url"] for each in attachments}

    def resolved(part: Any) -> Any:
        if isinstance(part, dict):
            return {
                key: addresses.get(value, value) if key in _LINKS else resolved(value) for key, value in part.items()
            }
        return part

    return {"type": "rich", **resolved(embed)}


_LINKS = ("url", "icon_url")
