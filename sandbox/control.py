"""What people and tests use, on 127.0.0.1: the control API below /api, and the page.

Whatever is refused is answered with 4xx (503 and 504 where it is the bot that is away or silent) and
`{"error": "…"}` in plain words. Users, channels and roles are named by id, name or mention; ids are strings.
A fault's `kind` is one of FAULTS; those of requests take `route`, a part of "METHOD /path", and `times`.
"""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
from aiohttp import web
from aiohttp.typedefs import Middleware

from sandbox.attachments import ROUTE
from sandbox.errors import DiscordError, Refusal
from sandbox.events import Event
from sandbox.faults import positive, request_fault
from sandbox.hub import Hub
from sandbox.wire import dumps, nothing, respond

PAGE = Path(__file__).parent / "page"
LARGEST_BODY = 16 * 1024 * 1024
KEEP_ALIVE_S = 15.0
_CSP = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
_ERRORS_FROM = 400


def control_app(hub: Hub, port: Callable[[], int]) -> web.Application:
    """`port` is asked at each request: with port 0 it is known only once the site listens."""
    app = web.Application(middlewares=[_guard(port), _plain_errors], client_max_size=LARGEST_BODY)
    control = _Control(hub)
    app.router.add_get("/api/state", control.state)
    app.router.add_post("/api/interactions", control.interact)
    app.router.add_get("/api/interactions/{interaction}", control.interaction)
    app.router.add_post("/api/autocomplete", control.autocomplete)
    app.router.add_post("/api/messages", control.say)
    app.router.add_get("/api/messages", control.messages)
    app.router.add_get("/api/events", control.events)
    app.router.add_post("/api/faults", control.add_fault)
    app.router.add_get("/api/faults", control.faults)
    app.router.add_get("/api/problems", control.problems)
    app.router.add_delete("/api/problems", control.forget_problems)
    app.router.add_get(ROUTE, hub.attachments.serve)
    app.router.add_get("/", _file(PAGE / "index.html"))
    for path in PAGE.iterdir():
        app.router.add_get(f"/{path.name}", _file(path))
    return app


def _guard(port: Callable[[], int]) -> Middleware:
    """Refuse what another web site could make a browser send: a foreign Host (DNS rebinding) or Origin."""

    @web.middleware
    async def middleware(request: web.Request, handler: _Handler) -> web.StreamResponse:
        hosts = {f"127.0.0.1:{port()}", f"localhost:{port()}"}
        origin = request.headers.get("Origin")
        if request.headers.get("Host") not in hosts:
            return respond({"error": "this Host is not served here"}, status=403)
        if origin is not None and origin.removeprefix("http://") not in hosts:
            return respond({"error": "requests from this Origin are refused"}, status=403)
        return await handler(request)

    return middleware


@web.middleware
async def _plain_errors(request: web.Request, handler: _Handler) -> web.StreamResponse:
    try:
        return await handler(request)
    except Refusal as refusal:
        return respond({"error": refusal.text, **refusal.details}, status=refusal.status)
    except DiscordError as error:
        return respond({"error": error.message}, status=error.status)
    except web.HTTPException as error:
        if error.status < _ERRORS_FROM:
            raise
        return respond({"error": f"{request.method} {request.path}: {error.reason}"}, status=error.status)


class _Control:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    async def state(self, _request: web.Request) -> web.Response:
        hub = self._hub
        world = hub.world
        first = next(iter(world.guilds.values()))
        guilds = [
            {
                "id": guild.id,
                "name": guild.name,
                "channels": [{"id": each.id, "name": each.name} for each in guild.channels.values()],
                "roles": [{"id": each.id, "name": each.name} for each in guild.roles.values()],
            }
            for guild in world.guilds.values()
        ]
        users = [
            {
                "id": user.id,
                "name": user.name,
                "display_name": user.display_name,
                "bot": user.bot,
                "roles": [first.roles[role].name for role in first.members.get(user.id, ())],
                "permissions": str(first.permissions(user.id)),
                "direct": direct.id if (direct := hub.places.of(user.id)) else None,
            }
            for user in world.users.values()
        ]
        commands = hub.commands.everything()
        bot = {"id": world.bot.id, "name": world.bot.name, "ready": hub.gateway.ready}
        return respond({"guilds": guilds, "users": users, "commands": commands, "bot": bot})

    async def interact(self, request: web.Request) -> web.Response:
        interaction = await self._hub.actions.interact(await _body(request))
        return respond({"interaction": interaction.id})

    async def interaction(self, request: web.Request) -> web.Response:
        reference = request.match_info["interaction"]
        interaction = self._hub.interactions.get(reference)
        if interaction is None:
            raise Refusal(404, f"there is no interaction {reference!r}")
        return respond(interaction.shown(self._hub.messages))

    async def autocomplete(self, request: web.Request) -> web.Response:
        return respond({"choices": await self._hub.actions.complete(await _body(request))})

    async def say(self, request: web.Request) -> web.Response:
        message = self._hub.actions.say(await _body(request))
        return respond({"message": message.id})

    async def messages(self, request: web.Request) -> web.Response:
        query, hub = request.query, self._hub
        if "channel" not in query:
            raise Refusal(400, "'channel' is missing: it takes an id or a name")
        viewer = self._viewer(request)
        place = hub.places.seen_by(viewer, query["channel"])
        after = query.get("after") or "0"
        if not after.isdecimal():
            raise Refusal(400, "'after' takes the id of a message")
        found = hub.messages.in_channel(place, viewer=viewer, after=int(after))
        return respond({"messages": [hub.messages.shown(message) for message in found]})

    async def events(self, request: web.Request) -> web.StreamResponse:
        viewer, channel = self._viewer(request), request.query.get("channel")
        place = self._hub.places.seen_by(viewer, channel).id if channel else None
        response = web.StreamResponse(headers={"Content-Type": "text/event-stream", "Cache-Control": "no-store"})
        await response.prepare(request)
        with self._hub.events.watch() as watcher, suppress(ConnectionResetError):  # whoever watched has left
            await response.write(b": watching\n\n")
            while True:
                try:
                    event = await asyncio.wait_for(watcher.get(), KEEP_ALIVE_S)
                except TimeoutError:
                    await response.write(b": still here\n\n")
                    continue
                if event is None:
                    break
                if event.visible_to in (None, viewer) and place in (None, event.channel or place):
                    await response.write(_frame(event))
        return response

    async def add_fault(self, request: web.Request) -> web.Response:
        body, faults = await _body(request), self._hub.faults
        match body.get("kind"):
            case "drop_gateway":
                self._hub.gateway.drop(resumable=body.get("resumable", True), code=_close_code(body, None))
            case "refuse_identify":
                faults.refuse_identify(_close_code(body, 4014) or 4014, positive(body, "times"))
            case "deliver_twice":
                faults.double_deliveries(positive(body, "times"))
            case ("status" | "deny" | "delay" | "lose_reply") as kind:
                faults.on_requests(request_fault(kind, body))
            case "none":
                faults.clear()
            case other:
                raise Refusal(400, f"there is no fault {other!r}; there are: {', '.join(FAULTS)}")
        return nothing()

    async def faults(self, _request: web.Request) -> web.Response:
        """What was ordered and has not happened yet: a fault that is never hit proves nothing."""
        return respond({"faults": self._hub.faults.outstanding()})

    async def problems(self, _request: web.Request) -> web.Response:
        return respond({"problems": [problem.payload() for problem in self._hub.problems]})

    async def forget_problems(self, _request: web.Request) -> web.Response:
        self._hub.problems.clear()
        return nothing()

    def _viewer(self, request: web.Request) -> str | None:
        """Whoever looks; without `as`, somebody who sees only what everybody sees."""
        viewer = request.query.get("as")
        return self._hub.world.find_user(viewer).id if viewer else None


CLOSE_CODES = range(1000, 5000)
FAULTS = ("drop_gateway", "refuse_identify", "deliver_twice", "status", "deny", "delay", "lose_reply", "none")


def _close_code(body: dict[str, Any], default: int | None) -> int | None:
    code = body.get("code", default)
    if code is None or (isinstance(code, int) and code in CLOSE_CODES):
        return code
    raise Refusal(400, "code takes a close code, such as 4014")


def _frame(event: Event) -> bytes:
    return f"event: {event.name}\ndata: {dumps(event.data)}\n\n".encode()


async def _body(request: web.Request) -> dict[str, Any]:
    try:
        body = orjson.loads(await request.read())
    except orjson.JSONDecodeError:
        raise Refusal(400, "the body is not JSON") from None
    if not isinstance(body, dict):
        raise Refusal(400, "the body takes a JSON object")
    return body


def _file(path: Path) -> _Handler:
    headers = {
        "Content-Security-Policy": _CSP,
        "X-Content-Type-Options": "nosniff",
        "Referrer-Policy": "no-referrer",
        "Cache-Control": "no-cache",
    }

    async def serve(_request: web.Request) -> web.StreamResponse:
        return web.FileResponse(path, headers=headers)

    return serve
