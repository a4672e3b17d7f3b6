"""Uploaded files, and the route of the CDN that serves them."""

import mimetypes
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from aiohttp import web

from sandbox.clock import Snowflakes
from sandbox.errors import too_large

CDN = "https://cdn.discordapp.com"
ROUTE = "/attachments/{channel}/{attachment}/{name}"
LARGEST = 10 * 1024 * 1024
# Shown by a browser as they are; anything else is offered as a download, so that no upload can run as a page.
_SHOWN = ("image/png", "image/jpeg", "image/gif", "image/webp")


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    id: str
    """The n of files[n], by which the JSON part refers to it."""
    filename: str
    content: bytes


class Attachments:
    def __init__(self, ids: Snowflakes) -> None:
        self._ids = ids
        self._files: dict[str, tuple[Upload, str]] = {}

    def store(self, channel_id: str, upload: Upload, *, description: str | None = None) -> dict[str, Any]:
        """Keep the file; returns Discord's attachment object."""
        if len(upload.content) > LARGEST:
            raise too_large()
        attachment_id = self._ids.next()
        name = re.sub(r"[^\w.-]+", "_", upload.filename) or "unknown"
        media_type = mimetypes.guess_type(name)[0] or "application/octet-stream"
        path = f"/attachments/{channel_id}/{attachment_id}/{quote(name)}"
        self._files[path] = upload, media_type
        return {
            "id": attachment_id,
            "filename": name,
            "size": len(upload.content),
            "url": CDN + path,
            "proxy_url": CDN + path,
            "content_type": media_type,
            "description": description,
        }

    async def serve(self, request: web.Request) -> web.Response:
        found = self._files.get(request.rel_url.raw_path)
        if found is None:
            raise web.HTTPNotFound
        upload, media_type = found
        shown = media_type in _SHOWN
        headers = {
            "X-Content-Type-Options": "nosniff",
            "Content-Disposition": "inline" if shown else "attachment",
        }
        return web.Response(body=upload.content, content_type=media_type, headers=headers)
