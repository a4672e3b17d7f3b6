"""Faults to order: what the next requests, deliveries or logins are to suffer."""

from dataclasses import asdict, dataclass
from typing import Any

from sandbox.errors import (
    DiscordError,
    Refusal,
    cannot_message_user,
    invalid_webhook_token,
    missing_access,
    missing_permissions,
    unknown_channel,
    unknown_webhook,
)

# Discord's own answers to these; discord.py needs the Via header before it believes a 429.
STATUSES = (429, 500, 502, 503, 504)
LONGEST_S = 60
# What Discord says when something is closed to the bot, by its code.
_DENIALS = (
    unknown_channel,
    unknown_webhook,
    missing_access,
    cannot_message_user,
    missing_permissions,
    invalid_webhook_token,
)
DENIALS: dict[int, DiscordError] = {error.code: error for error in (make() for make in _DENIALS)}


@dataclass(slots=True, kw_only=True)
class RequestFault:
    """For the next `times` requests whose "METHOD /path" contains `route`."""

    kind: str
    route: str
    times: int
    status: int | None = None
    code: int | None = None
    retry_after_s: float = 0.0
    delay_s: float = 0.0

    @property
    def loses_reply(self) -> bool:
        return self.kind == "lose_reply"


class Faults:
    def __init__(self) -> None:
        self._requests: list[RequestFault] = []
        self._doubled = 0
        self._identify_codes: list[int] = []

    def on_requests(self, fault: RequestFault) -> None:
        self._requests.append(fault)

    def double_deliveries(self, times: int) -> None:
        """Deliver each of the next `times` interactions twice."""
        self._doubled += times

    def refuse_identify(self, code: int, times: int) -> None:
        self._identify_codes += [code] * times

    def clear(self) -> None:
        self._requests.clear()
        self._identify_codes.clear()
        self._doubled = 0

    def outstanding(self) -> list[dict[str, Any]]:
        identify = [{"kind": "refuse_identify", "code": code} for code in self._identify_codes]
        doubled = [{"kind": "deliver_twice", "times": self._doubled}] if self._doubled else []
        return [asdict(fault) for fault in self._requests] + identify + doubled

    def for_request(self, method: str, path: str) -> RequestFault | None:
        """The oldest fault that this request is to suffer; it is used up by being asked for."""
        for fault in self._requests:
            if fault.route in f"{method} {path}":
                fault.times -= 1
                if fault.times == 0:
                    self._requests.remove(fault)
                return fault
        return None

    def deliveries(self) -> int:
        """How often the next interaction is to be delivered."""
        if self._doubled == 0:
            return 1
        self._doubled -= 1
        return 2

    def identify_code(self) -> int | None:
        return self._identify_codes.pop(0) if self._identify_codes else None


def request_fault(kind: str, body: dict[str, Any]) -> RequestFault:
    """The fault that a body of POST /api/faults describes."""
    route = body.get("route", "")
    if not isinstance(route, str):
        raise Refusal(400, "route must be a part of 'METHOD /path', such as '/interactions/'")
    fault = RequestFault(kind=kind, route=route, times=positive(body, "times"))
    if kind == "delay":
        fault.delay_s = seconds(body, "seconds")
    elif kind == "deny":
        fault.code = body.get("code")
        if fault.code not in DENIALS:
            raise Refusal(400, f"code must be one of {', '.join(map(str, DENIALS))}")
    elif kind == "status":
        fault.status = body.get("status")
        fault.retry_after_s = seconds(body, "retry_after", default=0.05)
        if fault.status not in STATUSES:
            raise Refusal(400, f"status must be one of {', '.join(map(str, STATUSES))}")
    return fault


def positive(body: dict[str, Any], key: str) -> int:
    value = body.get(key, 1)
    if not isinstance(value, int) or isinstance(value, bool) or value < 1:
        raise Refusal(400, f"{key} must be a whole number from 1")
    return value


def seconds(body: dict[str, Any], key: str, default: float | None = None) -> float:
    value = body.get(key, default)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value <= LONGEST_S:
        raise Refusal(400, f"{key} must be a number of seconds from 0 to {LONGEST_S}")
    return value
