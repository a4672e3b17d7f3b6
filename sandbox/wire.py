"""JSON on the wire."""

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web


def dumps(value: Any) -> str:
    return orjson.dumps(value).decode()


def respond(value: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    # A body of bytes keeps aiohttp from adding a charset, which discord.py would take for "not JSON".
    return web.Response(body=orjson.dumps(value), status=status, headers=headers, content_type="application/json")


def nothing() -> web.Response:
    return web.Response(status=204)
