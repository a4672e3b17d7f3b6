"""The gateway: who is connected, what is dispatched, and what a session that comes back has missed.

A session keeps the frames it was sent. A connection is a reader of that list from some position on, so that live
delivery and the replay after RESUME are the same thing: nothing is lost, nothing comes twice.
"""

import asyncio
import contextlib
from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import WSCloseCode, WSMsgType, web

from sandbox.errors import Refusal
from sandbox.events import Event, Events
from sandbox.faults import Faults
from sandbox.greeting import API_VERSION, guild_create, members_chunk, ready
from sandbox.intents import KNOWN, PRIVILEGED, Intent, seen_through
from sandbox.problems import Problem, Problems
from sandbox.session import Close, Op, Session
from sandbox.wire import dumps
from sandbox.world import World

# What Discord takes of a client in one frame.
LONGEST_FRAME = 4096


class _Closed(Exception):
    """The connection ends with this close code."""

    def __init__(self, code: int, reason: str) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason


class Gateway:
    """Every session of the bot, connected or waiting to be resumed."""

    def __init__(
        self,
        *,
        world: World,
        token: str,
        faults: Faults,
        events: Events,
        problems: Problems,
        privileged_intents: int,
        heartbeat_s: float,
    ) -> None:
        self.world = world
        self.token = token
        self.faults = faults
        self.problems = problems
        self.allowed_intents = KNOWN & ~(PRIVILEGED & ~privileged_intents)
        self.heartbeat_s = heartbeat_s
        self._events = events
        self._sessions: dict[str, Session] = {}
        self._connections: set[_Connection] = set()
        self._attached: dict[str, _Connection] = {}
        """By session, the connection that follows it."""

    @property
    def sessions(self) -> list[Session]:
        return list(self._sessions.values())

    @property
    def ready(self) -> bool:
        return bool(self._attached)

    @property
    def reachable(self) -> bool:
        """Whether an event sent now can arrive: at once, or by the replay after a RESUME."""
        return bool(self._sessions)

    async def handle(self, request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse(max_msg_size=LONGEST_FRAME)
        await socket.prepare(request)
        connection = _Connection(self, socket, request)
        self._connections.add(connection)
        try:
            await connection.run()
        finally:
            self._connections.discard(connection)
        return socket

    def dispatch(self, event: str, data: dict[str, Any], *, intent: Intent | None = None) -> None:
        """To each session whose intents ask for it; interactions need none."""
        for session in self._sessions.values():
            if intent is None or session.intents & intent:
                session.push(event, seen_through(session.intents, event, data, self.world.bot.id))

    def drop(self, *, resumable: bool, code: int | None = None) -> None:
        """Cut every connection, as a failing network does, or close it with `code`."""
        if not self._connections:
            raise Refusal(409, "the bot is not connected to the gateway")
        if not resumable:
            self._sessions.clear()
        for connection in list(self._connections):
            if code is None:
                connection.cut()
            else:
                connection.close(code)

    def identify(self, intents: int) -> Session:
        # A bot that identifies anew will not come back for the sessions it left behind.
        self._sessions = {key: kept for key, kept in self._sessions.items() if key in self._attached}
        session = Session(intents)
        self._sessions[session.id] = session
        return session

    def resumable(self, session_id: Any) -> Session | None:
        return self._sessions.get(session_id) if isinstance(session_id, str) else None

    def forget(self, session: Session) -> None:
        self._sessions.pop(session.id, None)

    def attach(self, session: Session, connection: "_Connection") -> None:
        """`connection` follows the session from now on; one that did so before is cut."""
        former = self._attached.get(session.id)
        self._attached[session.id] = connection
        if former is not None:
            former.cut()
        self._tell()

    def detach(self, session: Session, connection: "_Connection") -> None:
        if self._attached.get(session.id) is connection:
            del self._attached[session.id]
            self._tell()

    def _tell(self) -> None:
        self._events.publish(Event(name="bot", data={"ready": self.ready}))

    def close(self) -> None:
        for connection in list(self._connections):
            connection.close(WSCloseCode.GOING_AWAY)


class _Connection:
    """One websocket, from HELLO to its end."""

    def __init__(self, gateway: Gateway, socket: web.WebSocketResponse, request: web.Request) -> None:
        self._gateway = gateway
        self._socket = socket
        self._request = request
        self._session: Session | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._beaten = False
        self._closing: asyncio.Task[bool] | None = None
        self._left_with: int | None = None
        """The close code of a client that ended the connection itself."""

    async def run(self) -> None:
        interval_ms = int(self._gateway.heartbeat_s * 1000)
        await self._send(Op.HELLO, {"heartbeat_interval": interval_ms})
        self._tasks.append(asyncio.create_task(self._watch_heart()))
        try:
            self._check_version()
            while (message := await self._socket.receive()).type in (WSMsgType.TEXT, WSMsgType.BINARY):
                await self._receive(message.data, message.type)
            if message.type is WSMsgType.CLOSE:
                self._left_with = message.data
        except _Closed as end:
            self._gateway.problems.append(Problem(where="gateway", status=end.code, code=end.code, message=end.reason))
            self.close(end.code, end.reason)
        finally:
            self._detach()
        if self._closing is not None:
            await self._closing

    def _check_version(self) -> None:
        if self._request.query.get("v") != API_VERSION:
            raise _Closed(Close.INVALID_API_VERSION, "Invalid API version.")

    def cut(self) -> None:
        """End as a failing network does, without a word."""
        if self._request.transport is not None:
            self._request.transport.abort()

    def close(self, code: int, reason: str = "") -> None:
        """End with a close code; the reading loop stops, and waits until it is said."""
        if self._closing is None:
            self._closing = asyncio.create_task(self._socket.close(code=code, message=reason.encode()))

    def _detach(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self._session is None:
            return
        self._gateway.detach(self._session, self)
        # A client that closes with 1000 or 1001 has ended its session; any other end may be resumed.
        if self._left_with in (WSCloseCode.OK, WSCloseCode.GOING_AWAY):
            self._gateway.forget(self._session)

    async def _watch_heart(self) -> None:
        while True:
            self._beaten = False
            await asyncio.sleep(self._gateway.heartbeat_s * 2)
            if not self._beaten:
                break
        if self._session is not None:
            self._gateway.forget(self._session)
        self.close(Close.SESSION_TIMED_OUT, "Session timed out.")

    async def _receive(self, data: Any, kind: WSMsgType) -> None:
        frame = _decoded(data, kind)
        op, body = frame.get("op"), frame.get("d")
        if op == Op.HEARTBEAT:
            self._beaten = True
            await self._send(Op.HEARTBEAT_ACK, None)
        elif op == Op.IDENTIFY:
            await self._identify(_mapping(body))
        elif op == Op.RESUME:
            await self._resume(_mapping(body))
        elif self._session is None:
            raise _Closed(Close.NOT_AUTHENTICATED, "Not authenticated.")
        elif op == Op.REQUEST_MEMBERS:
            self._send_members(self._session, _mapping(body))
        elif op not in (Op.PRESENCE, Op.VOICE_STATE):
            raise _Closed(Close.UNKNOWN_OPCODE, f"Unknown opcode {op!r}.")

    async def _identify(self, body: Mapping[str, Any]) -> None:
        self._authenticate(body)
        code = self._gateway.faults.identify_code()
        if code is not None:
            self.close(code)
            return
        intents = body.get("intents")
        if not isinstance(intents, int) or intents & ~KNOWN:
            raise _Closed(Close.INVALID_INTENTS, "Invalid intent(s).")
        if intents & ~self._gateway.allowed_intents:
            raise _Closed(Close.DISALLOWED_INTENTS, "Disallowed intent(s).")
        session = self._gateway.identify(intents)
        self._greet(session, body.get("shard", [0, 1]))
        self._attach(session, after=0)

    async def _resume(self, body: Mapping[str, Any]) -> None:
        self._authenticate(body)
        session, sequence = self._gateway.resumable(body.get("session_id")), body.get("seq")
        if session is None or not isinstance(sequence, int) or not session.remembers(sequence):
            await self._send(Op.INVALID_SESSION, False)
            return
        if sequence > session.sequence:
            self._gateway.forget(session)
            raise _Closed(Close.INVALID_SEQUENCE, "Invalid seq.")
        session.push("RESUMED", {})
        self._attach(session, after=sequence)

    def _authenticate(self, body: Mapping[str, Any]) -> None:
        if self._session is not None:
            raise _Closed(Close.ALREADY_AUTHENTICATED, "Already authenticated.")
        if body.get("token") != self._gateway.token:
            raise _Closed(Close.AUTHENTICATION_FAILED, "Authentication failed.")

    def _attach(self, session: Session, *, after: int) -> None:
        self._session = session
        self._tasks.append(asyncio.create_task(self._follow(session, after)))
        self._gateway.attach(session, self)

    async def _follow(self, session: Session, sequence: int) -> None:
        """Send what the session has after `sequence`, and then whatever is added to it."""
        with contextlib.suppress(ConnectionError):  # cut: what did not arrive is sent again after RESUME
            while True:
                session.grew.clear()
                for frame in session.frames_after(sequence):
                    await self._socket.send_str(frame)
                    sequence += 1
                await session.grew.wait()

    def _greet(self, session: Session, shard: Any) -> None:
        world, allowed = self._gateway.world, self._gateway.allowed_intents
        session.push("READY", ready(world, session_id=session.id, shard=shard, intents=allowed))
        if session.intents & Intent.GUILDS:
            for guild in world.guilds.values():
                session.push("GUILD_CREATE", guild_create(world, guild))

    def _send_members(self, session: Session, body: Mapping[str, Any]) -> None:
        everybody = body.get("user_ids") is None and not body.get("query")
        if everybody and not session.intents & Intent.GUILD_MEMBERS:
            raise _Closed(Close.DISALLOWED_INTENTS, "Disallowed intent(s).")
        guild = self._gateway.world.guilds.get(str(body.get("guild_id")))
        if guild is not None:
            session.push("GUILD_MEMBERS_CHUNK", members_chunk(self._gateway.world, guild, body))

    async def _send(self, op: int, data: Any) -> None:
        with contextlib.suppress(ConnectionError):  # the reading loop notices, and ends
            await self._socket.send_str(dumps({"op": op, "d": data, "s": None, "t": None}))


def _decoded(data: Any, kind: WSMsgType) -> Mapping[str, Any]:
    try:
        frame = orjson.loads(data) if kind is WSMsgType.TEXT else None
    except orjson.JSONDecodeError:
        frame = None
    return _mapping(frame)


def _mapping(value: Any) -> Mapping[str, Any]:
    if isinstance(value, dict):
        return value
    raise _Closed(Close.DECODE_ERROR, "Error while decoding payload.")
