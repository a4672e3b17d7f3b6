"""Discord's limits of embeds."""

from typing import Any

from sandbox.form import Form, Path

COUNT = 10
FIELDS = 25
TOTAL = 6000
"""Characters in all embeds of one message together."""
_COLOUR = 0xFFFFFF


def check_embeds(form: Form, payload: dict[str, Any]) -> None:
    counted = 0
    for path, embed in form.items(payload, "embeds", (), most=COUNT):
        counted += _check_embed(form, path, embed)
        if counted > TOTAL:
            message = f"Embed size exceeds maximum size of {TOTAL}"
            form.refuse(path, "MAX_EMBED_SIZE_EXCEEDED", message)
            return


def _check_embed(form: Form, path: Path, embed: dict[str, Any]) -> int:
    """Check one; returns how many characters of it count."""
    texts = [
        form.text(embed, "title", path, longest=256),
        form.text(embed, "description", path, longest=4096),
    ]
    form.number(embed, "color", path, least=0, most=_COLOUR)
    for name, key, longest in (("footer", "text", 2048), ("author", "name", 256)):
        texts.append(form.text(form.part(embed, name, path), key, (*path, name), longest=longest))
    for field_path, field in form.items(embed, "fields", path, most=FIELDS):
        texts.append(form.text(field, "name", field_path, longest=256, shortest=1, required=True))
        texts.append(form.text(field, "value", field_path, longest=1024, shortest=1, required=True))
    _check_links(form, path, embed)
    return sum(len(text) for text in texts if text)


def _check_links(form: Form, path: Path, embed: dict[str, Any]) -> None:
    media = ("http", "https", "attachment")
    links: list[tuple[Path, dict[str, Any], str, tuple[str, ...]]] = [(path, embed, "url", media[:2])]
    for name, key in (("image", "url"), ("thumbnail", "url"), ("author", "icon_url"), ("footer", "icon_url")):
        links.append(((*path, name), form.part(embed, name, path), key, media))
    for where, holder, key, schemes in links:
        link = form.text(holder, key, where, longest=2048)
        if link and link.partition("://")[0] not in schemes:
            wanted = ", ".join(f"'{scheme}'" for scheme in schemes)
            message = f"Scheme '{link.partition(':')[0]}' is not supported. Scheme must be one of ({wanted})."
            form.refuse((*where, key), "URL_TYPE_INVALID_SCHEME", message)
