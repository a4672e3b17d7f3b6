"""The gateway's numbers, and what of a session outlives its connections."""

import asyncio
import secrets
from typing import Any, Final

from sandbox.wire import dumps

# Discord replays a limited number of events too; beyond it a session has to start anew.
REPLAY_LIMIT = 5_000


class Op:
    DISPATCH: Final = 0
    HEARTBEAT: Final = 1
    IDENTIFY: Final = 2
    PRESENCE: Final = 3
    VOICE_STATE: Final = 4
    RESUME: Final = 6
    REQUEST_MEMBERS: Final = 8
    INVALID_SESSION: Final = 9
    HELLO: Final = 10
    HEARTBEAT_ACK: Final = 11


class Close:
    UNKNOWN_OPCODE: Final = 4001
    DECODE_ERROR: Final = 4002
    NOT_AUTHENTICATED: Final = 4003
    AUTHENTICATION_FAILED: Final = 4004
    ALREADY_AUTHENTICATED: Final = 4005
    INVALID_SEQUENCE: Final = 4007
    SESSION_TIMED_OUT: Final = 4009
    INVALID_API_VERSION: Final = 4012
    INVALID_INTENTS: Final = 4013
    DISALLOWED_INTENTS: Final = 4014


class Session:
    """The numbered frames that a bot was sent, or will be once it is back."""

    def __init__(self, intents: int) -> None:
        self.id = secrets.token_hex(16)
        self.intents = intents
        self.grew = asyncio.Event()
        self._frames: list[str] = []
        self._forgotten = 0

    @property
    def sequence(self) -> int:
        """The number of the newest frame; they are counted from 1."""
        return self._forgotten + len(self._frames)

    def push(self, event: str, data: Any) -> None:
        frame = dumps({"op": Op.DISPATCH, "t": event, "s": self.sequence + 1, "d": data})
        self._frames.append(frame)
        if len(self._frames) > 2 * REPLAY_LIMIT:
            del self._frames[:REPLAY_LIMIT]
            self._forgotten += REPLAY_LIMIT
        self.grew.set()

    def remembers(self, sequence: int) -> bool:
        """Whether everything after `sequence` can still be replayed."""
        return sequence >= self._forgotten

    def frames_after(self, sequence: int) -> list[str]:
        return self._frames[sequence - self._forgotten :]
