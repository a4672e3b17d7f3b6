"""REST with the bot's token: the application and its commands, users, channels, messages."""

from collections.abc import Awaitable, Callable, Iterator
from typing import Any

from aiohttp import web

from sandbox.bodies import read_draft, read_json
from sandbox.direct import DirectChannel, Place
from sandbox.errors import (
    DiscordError,
    bad_json,
    cannot_message_user,
    empty_message,
    not_the_author,
    unauthorized,
    unknown_channel,
    unknown_guild,
    unknown_member,
    unknown_message,
    unknown_user,
)
from sandbox.form import Form
from sandbox.greeting import RESUME_URL
from sandbox.hub import Hub
from sandbox.intents import application_flags
from sandbox.messages import Message
from sandbox.wire import nothing, respond

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Route = tuple[str, str, Handler]
PAGE = 100


class Resources:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub
        self._world = hub.world

    def routes(self) -> Iterator[Route]:
        """Method, path and handler; every one of them demands the bot's token."""
        messages = "/channels/{channel}/messages"
        commands = "/applications/{application}/commands"
        guild_commands = "/applications/{application}/guilds/{guild}/commands"
        for method, path, handler in (
            ("GET", "/gateway", self._gateway),
            ("GET", "/gateway/bot", self._gateway_bot),
            ("GET", "/users/@me", self._me),
            ("POST", "/users/@me/channels", self._open_direct),
            ("GET", "/users/{user}", self._user),
            ("GET", "/oauth2/applications/@me", self._application),
            ("GET", "/applications/@me", self._application),
            ("GET", commands, self._commands),
            ("PUT", commands, self._overwrite_commands),
            ("GET", guild_commands, self._commands),
            ("PUT", guild_commands, self._overwrite_commands),
            ("GET", "/guilds/{guild}/members/{user}", self._member),
            ("GET", "/channels/{channel}", self._channel),
            ("GET", messages, self._history),
            ("POST", messages, self._send),
            ("GET", messages + "/{message}", self._message),
            ("PATCH", messages + "/{message}", self._edit),
            ("DELETE", messages + "/{message}", self._delete),
        ):
            yield method, path, self._authorized(handler)

    def _authorized(self, handler: Handler) -> Handler:
        expected = f"Bot {self._hub.token}"

        async def checked(request: web.Request) -> web.StreamResponse:
            if request.headers.get("Authorization") != expected:
                raise unauthorized()
            return await handler(request)

        return checked

    async def _gateway(self, _request: web.Request) -> web.Response:
        return respond({"url": RESUME_URL})

    async def _gateway_bot(self, _request: web.Request) -> web.Response:
        limit = {"total": 1000, "remaining": 1000, "reset_after": 0, "max_concurrency": 1}
        return respond({"url": RESUME_URL, "shards": 1, "session_start_limit": limit})

    async def _me(self, _request: web.Request) -> web.Response:
        private = {"verified": True, "mfa_enabled": False, "locale": "en-US", "flags": 0}
        return respond(self._world.bot.payload() | private)

    async def _user(self, request: web.Request) -> web.Response:
        user = self._world.users.get(request.match_info["user"])
        if user is None:
            raise unknown_user()
        return respond(user.payload())

    async def _open_direct(self, request: web.Request) -> web.Response:
        body = await read_json(request)
        if not isinstance(body, dict):
            raise bad_json()
        return respond(self._hub.places.open(str(body.get("recipient_id"))).payload())

    async def _application(self, _request: web.Request) -> web.Response:
        bot = self._world.bot
        owner = next(iter(self._world.guilds.values())).owner_id
        return respond(
            {
                "id": bot.id,
                "name": bot.display_name,
                "icon": None,
                "description": "",
                "bot_public": False,
                "bot_require_code_grant": False,
                "verify_key": "0" * 64,
                "owner": self._world.users[owner].payload(),
                "team": None,
                "flags": application_flags(self._hub.gateway.allowed_intents),
                "approximate_guild_count": len(self._world.guilds),
            }
        )

    async def _commands(self, request: web.Request) -> web.Response:
        return respond(self._hub.commands.listed(self._scope(request)))

    async def _overwrite_commands(self, request: web.Request) -> web.Response:
        return respond(self._hub.register(self._scope(request), await read_json(request)))

    def _scope(self, request: web.Request) -> str | None:
        if request.match_info["application"] != self._world.bot.id:
            raise DiscordError(404, 10002, "Unknown Application", problem=True)
        guild_id = request.match_info.get("guild")
        if guild_id is not None and guild_id not in self._world.guilds:
            raise unknown_guild()
        return guild_id

    async def _member(self, request: web.Request) -> web.Response:
        guild = self._world.guilds.get(request.match_info["guild"])
        if guild is None:
            raise unknown_guild()
        if request.match_info["user"] not in guild.members:
            raise unknown_member()
        return respond(self._world.member_payload(guild, request.match_info["user"]))

    async def _channel(self, request: web.Request) -> web.Response:
        return respond(self._in(request).payload())

    async def _history(self, request: web.Request) -> web.Response:
        """Newest first, as Discord has it."""
        limit = _number(request, "limit") or 50
        if limit > PAGE:
            Form.fail("limit", "NUMBER_TYPE_MAX", f"int value should be less than or equal to {PAGE}.")
        after, before = (_number(request, name) for name in ("after", "before"))
        found = self._hub.messages.in_channel(self._in(request), viewer=None, after=after or 0)
        if before is not None:
            found = [message for message in found if int(message.id) < before]
        taken = found[:limit] if after is not None else found[-limit:]
        return respond([self._hub.messages.payload(message) for message in reversed(taken)])

    async def _send(self, request: web.Request) -> web.Response:
        channel, draft = self._in(request), await read_draft(request)
        payload = draft.payload
        if isinstance(channel, DirectChannel) and not channel.reachable:
            raise cannot_message_user()
        replied = self._replied_to(payload, channel)
        body = self._hub.message_form.body(draft, channel, replied_to=replied.author.id if replied else None)
        if body.empty:
            raise empty_message()
        message = self._said_before(payload)
        if message is None:
            reference = replied.id if replied else None
            message = self._hub.messages.post(channel, self._world.bot, body, reference=reference)
            if payload.get("enforce_nonce") and payload.get("nonce"):
                self._hub.nonces.remember(str(payload["nonce"]), message.id)
        return respond(self._hub.messages.payload(message) | {"nonce": payload.get("nonce")})

    def _said_before(self, payload: dict[str, Any]) -> Message | None:
        """The bot's message of the last minutes with the same nonce, where it asked for that to be looked after."""
        if not (payload.get("enforce_nonce") and payload.get("nonce")):
            return None
        earlier = self._hub.nonces.earlier(str(payload["nonce"]))
        return self._hub.messages.find(earlier) if earlier else None

    def _replied_to(self, payload: dict[str, Any], channel: Place) -> Message | None:
        reference = payload.get("message_reference")
        if not isinstance(reference, dict):
            return None
        message = self._hub.messages.find(str(reference.get("message_id")))
        if message is None or message.channel is not channel or message.ephemeral:
            if reference.get("fail_if_not_exists", True):
                Form.fail("message_reference", "REPLIES_UNKNOWN_MESSAGE", "Unknown message")
            return None
        return message

    async def _message(self, request: web.Request) -> web.Response:
        return respond(self._hub.messages.payload(self._named(request)))

    async def _edit(self, request: web.Request) -> web.Response:
        message = self._named(request)
        if message.author is not self._world.bot:
            raise not_the_author()
        body = self._hub.message_form.body(await read_draft(request), message.channel, before=message.body)
        if body.empty:
            raise empty_message()
        return respond(self._hub.messages.payload(self._hub.messages.edit(message, body)))

    async def _delete(self, request: web.Request) -> web.Response:
        self._hub.messages.delete(self._named(request))
        return nothing()

    def _in(self, request: web.Request) -> Place:
        place = self._hub.places.get(request.match_info["channel"])
        if place is None:
            raise unknown_channel()
        return place

    def _named(self, request: web.Request) -> Message:
        """The message in the path. What is ephemeral cannot be had here, only by its interaction's token."""
        channel = self._in(request)
        message = self._hub.messages.get(request.match_info["message"])
        if message.channel is not channel or message.ephemeral:
            raise unknown_message()
        return message


def _number(request: web.Request, name: str) -> int | None:
    value = request.query.get(name)
    if value is None:
        return None
    if not value.isdecimal():
        Form.fail(name, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
    return int(value)
