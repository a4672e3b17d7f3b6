"""One interaction: an explicit state machine.

- pending: delivered to the bot. From here to each of the others.
- deferred: acknowledged, the answer is still to come. From here to answered or expired.
- answered: a message, an edit, a modal or choices.
- expired: not acknowledged in 3 s, or not answered in 15 minutes.
- failed: it could not be delivered, there was nobody to hear it.
"""

import asyncio
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any

from sandbox.messages import Messages, Origin
from sandbox.world import Channel, User


class Kind(IntEnum):
    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class State(StrEnum):
    PENDING = "pending"
    DEFERRED = "deferred"
    ANSWERED = "answered"
    FAILED = "failed"
    EXPIRED = "expired"


_MOVES: dict[State, tuple[State, ...]] = {
    State.PENDING: (State.DEFERRED, State.ANSWERED, State.FAILED, State.EXPIRED),
    State.DEFERRED: (State.ANSWERED, State.EXPIRED),
    State.ANSWERED: (),
    State.FAILED: (),
    State.EXPIRED: (),
}


@dataclass(slots=True, kw_only=True, eq=False)
class Interaction:
    id: str
    token: str
    kind: Kind
    user: User
    channel: Channel
    command: str | None
    """The command's qualified name; None for components and modals."""
    source: str | None
    """The message whose component was used, for components and for modals that one opened."""
    focused_type: int | None
    """For autocomplete, the type of the option that is being typed."""
    began_s: float
    settled: asyncio.Future[State]
    """Done once the bot has acknowledged it, or will not any more."""
    state: State = State.PENDING
    acknowledged_s: float | None = None
    answered_s: float | None = None
    original: str | None = None
    """What the bot knows as @original: its answer, or the message whose component was used."""
    messages: list[str] = field(default_factory=list)
    modal: dict[str, Any] | None = None
    choices: list[dict[str, Any]] = field(default_factory=list)
    disturbed: bool = False
    """A fault of ours makes the bot answer it twice: that is then no problem of the bot's."""

    @property
    def origin(self) -> Origin:
        return Origin(interaction_id=self.id, kind=self.kind.value, user=self.user, command=self.command)

    def shown(self, messages: Messages) -> dict[str, Any]:
        """What the control API says of it."""
        known = (messages.find(message_id) for message_id in self.messages)
        return {
            "id": self.id,
            "state": self.state,
            "user": self.user.id,
            "channel": self.channel.id,
            "command": self.command,
            "messages": [messages.shown(m) for m in known if m is not None and not m.loading],
            "modal": self.modal and {"interaction": self.id, **self.modal},
            "acknowledged_ms": self._since_began(self.acknowledged_s),
            "answered_ms": self._since_began(self.answered_s),
        }

    def move(self, state: State, now_s: float) -> None:
        """Go to `state`, which the machine must allow from here."""
        if state not in _MOVES[self.state]:
            raise AssertionError(f"an interaction cannot go from {self.state} to {state}")
        self.state = state
        if state in (State.DEFERRED, State.ANSWERED) and self.acknowledged_s is None:
            self.acknowledged_s = now_s
        if state is State.ANSWERED:
            self.answered_s = now_s
        if not self.settled.done():
            self.settled.set_result(state)

    def _since_began(self, moment_s: float | None) -> float | None:
        return None if moment_s is None else round((moment_s - self.began_s) * 1000, 3)
