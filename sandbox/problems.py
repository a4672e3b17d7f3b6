"""What a well-behaved bot would never have done, kept so that a test can fail on it."""

from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    where: str
    """The request ("POST /api/v10/…") or "gateway"."""
    status: int
    """The HTTP status, or the gateway's close code."""
    code: int
    message: str
    errors: dict[str, Any] | None = None

    def payload(self) -> dict[str, Any]:
        return asdict(self)


class Problems(list[Problem]):
    """In the order they happened; a test asserts that there are none."""
