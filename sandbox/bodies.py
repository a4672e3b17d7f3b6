"""Request bodies of the bot: JSON, or multipart with a JSON part and files."""

import re
from typing import Any

import orjson
from aiohttp import BodyPartReader, web

from sandbox.attachments import LARGEST, Upload
from sandbox.errors import bad_json, too_large
from sandbox.form import Form
from sandbox.message_form import Draft

_FILE = re.compile(r"files\[(\d+)\]")


async def read_json(request: web.Request) -> Any:
    return _parsed(await request.read())


async def read_draft(request: web.Request) -> Draft:
    if not request.content_type.startswith("multipart/"):
        return Draft(payload=_object(await read_json(request)))
    payload: Any = {}
    files: list[Upload] = []
    async for part in await request.multipart():
        if not isinstance(part, BodyPartReader):
            continue
        content = await _limited(part)
        if part.name == "payload_json":
            payload = _parsed(content)
        elif found := _FILE.fullmatch(part.name or ""):
            files.append(Upload(id=found[1], filename=part.filename or "unknown", content=content))
        else:
            Form.fail(part.name or "_", "SANDBOX_UNKNOWN", "The sandbox does not know this part.")
    return Draft(payload=_object(payload), files=files)


async def _limited(part: BodyPartReader) -> bytes:
    content = bytearray()
    while chunk := await part.read_chunk(1 << 16):
        content += chunk
        if len(content) > LARGEST:
            raise too_large()
    return bytes(content)


def _parsed(content: bytes) -> Any:
    try:
        return orjson.loads(content)
    except orjson.JSONDecodeError:
        raise bad_json() from None


def _object(value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise bad_json()
    return value
