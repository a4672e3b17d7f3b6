"""Nonces: a message that is sent again within a few minutes is not shown again."""

from sandbox.clock import Clock

# Discord says "the past few minutes" and no number.
WINDOW_S = 5 * 60.0


class Nonces:
    """Those under which the bot sent a message and asked Discord to watch for repetitions."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._sent: dict[str, tuple[float, str]] = {}

    def earlier(self, nonce: str) -> str | None:
        """The message that was sent under it of late."""
        oldest = self._clock.now() - WINDOW_S
        self._sent = {each: entry for each, entry in self._sent.items() if entry[0] >= oldest}
        found = self._sent.get(nonce)
        return found[1] if found else None

    def remember(self, nonce: str, message_id: str) -> None:
        self._sent[nonce] = (self._clock.now(), message_id)
