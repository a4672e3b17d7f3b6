"""REST with an interaction's token: the callback, follow-ups, and the original answer."""

from collections.abc import Iterator

from aiohttp import web

from sandbox.bodies import read_draft
from sandbox.hub import Hub
from sandbox.interaction import Interaction
from sandbox.messages import Message
from sandbox.rest_resources import Route
from sandbox.wire import nothing, respond


class Webhooks:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> Iterator[Route]:
        followups = "/webhooks/{application}/{token}"
        message = followups + "/messages/{message}"
        yield "POST", "/interactions/{interaction}/{token}/callback", self._callback
        yield "POST", followups, self._follow_up
        yield "GET", message, self._get
        yield "PATCH", message, self._edit
        yield "DELETE", message, self._delete

    async def _callback(self, request: web.Request) -> web.Response:
        match, hub = request.match_info, self._hub
        draft = await read_draft(request)
        interaction = hub.interactions.to_acknowledge(match["interaction"], match["token"])
        resource = hub.answers.callback(interaction, draft)
        return respond(resource) if request.query.get("with_response") in ("1", "true") else nothing()

    async def _follow_up(self, request: web.Request) -> web.Response:
        draft = await read_draft(request)
        message = self._hub.answers.follow_up(self._interaction(request), draft)
        return respond(self._hub.messages.payload(message))

    async def _get(self, request: web.Request) -> web.Response:
        _, message = self._named(request)
        return respond(self._hub.messages.payload(message))

    async def _edit(self, request: web.Request) -> web.Response:
        draft = await read_draft(request)
        interaction, message = self._named(request)
        return respond(self._hub.messages.payload(self._hub.answers.edit(interaction, message, draft)))

    async def _delete(self, request: web.Request) -> web.Response:
        self._hub.answers.delete(*self._named(request))
        return nothing()

    def _interaction(self, request: web.Request) -> Interaction:
        match = request.match_info
        return self._hub.interactions.by_token(match["application"], match["token"])

    def _named(self, request: web.Request) -> tuple[Interaction, Message]:
        interaction = self._interaction(request)
        return interaction, self._hub.answers.message(interaction, request.match_info["message"])
