"""What Discord's hosts answer on the unix socket: REST below /api/v10, the gateway at /, the CDN.

discord.com, gateway.discord.gg and cdn.discordapp.com all arrive here; their paths do not overlap.
"""

import asyncio
from collections.abc import Awaitable, Callable

from aiohttp import web

from sandbox.attachments import LARGEST, ROUTE
from sandbox.errors import DiscordError, not_found, too_large
from sandbox.faults import DENIALS, RequestFault
from sandbox.hub import Hub
from sandbox.problems import Problem
from sandbox.rest_resources import Resources
from sandbox.rest_webhooks import Webhooks
from sandbox.wire import respond

API = "/api/v10"
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def discord_app(hub: Hub) -> web.Application:
    app = web.Application(middlewares=[_Edge(hub).middleware], client_max_size=10 * LARGEST)
    app.router.add_get("/", hub.gateway.handle)
    app.router.add_get(ROUTE, hub.attachments.serve)
    for group in (Resources(hub), Webhooks(hub)):
        for method, path, handler in group.routes():
            app.router.add_route(method, API + path, handler)
    return app


class _Edge:
    """Around every request: the faults that were ordered, Discord's errors as JSON, problems remembered."""

    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    @web.middleware
    async def middleware(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        if not request.path.startswith("/api/"):
            return await handler(request)
        fault = self._hub.faults.for_request(request.method, request.path)
        if fault is not None:
            if fault.delay_s:
                await asyncio.sleep(fault.delay_s)
            if fault.status is not None:
                return _faulty(fault, fault.status)
            if fault.code is not None:
                return respond(DENIALS[fault.code].payload(), status=DENIALS[fault.code].status)
            if fault.loses_reply:
                self._hub.interactions.disturb(request.match_info.get("interaction"))
        response = await self._answer(request, handler)
        if fault is not None and fault.loses_reply and request.transport is not None:
            request.transport.abort()
        return response

    async def _answer(self, request: web.Request, handler: _Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPNotFound:
            error = not_found()
        except web.HTTPMethodNotAllowed:
            error = DiscordError(405, 0, "405: Method Not Allowed", problem=True)
        except web.HTTPRequestEntityTooLarge:
            error = too_large()
        except DiscordError as caught:
            error = caught
        if error.problem:
            self._remember(request, error)
        return respond(error.payload(), status=error.status)

    def _remember(self, request: web.Request, error: DiscordError) -> None:
        self._hub.problems.append(
            Problem(
                where=f"{request.method} {request.path}",
                status=error.status,
                code=error.code,
                message=error.message,
                errors=error.errors,
            )
        )


def _faulty(fault: RequestFault, status: int) -> web.Response:
    if status != 429:  # noqa: PLR2004 - the one status with a body of its own
        return respond({"message": "Internal Server Error", "code": 0}, status=status)
    wait = fault.retry_after_s
    # Without Via discord.py takes a 429 for a ban by the proxy in front of Discord, and gives up.
    headers = {"Via": "1.1 google", "Retry-After": str(int(wait) + 1)}
    body = {"message": "You are being rate limited.", "retry_after": wait, "global": False}
    return respond(body, status=429, headers=headers)
