"""What a write answers. Nothing here touches a database."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Final, Generic, TypeVar, cast

from db.values import JSON, check_parameters

T_co = TypeVar("T_co", covariant=True)

_NOTHING: Final[Mapping[str, JSON]] = MappingProxyType({})


class Outcome(StrEnum):
    COMMITTED = "committed"
    REJECTED = "rejected"  # by a rule of the operation; journaled, the same answer for ever
    FAILED = "failed"  # nothing changed; safe to try again
    QUEUED = "queued"  # stored durably, to be carried out once when the database is back
    UNKNOWN = "unknown"  # may or may not be stored; the same operation id will tell later


class Rejected(Exception):
    """Raised inside an operation: all of it is undone, and the refusal is journaled as its answer."""

    def __init__(self, reason: str, /, **details: JSON) -> None:
        super().__init__(reason)
        check_parameters(details)
        self.reason = reason
        self.details = details


class ResultNotOk(Exception):
    """Somebody took the value of a write that did not commit."""


ANSWER_ERASED: Final = "ANSWER_ERASED"
OVERLOADED: Final = "OVERLOADED"

_TEXTS: Final = {
    Outcome.COMMITTED: "Done.",
    Outcome.REJECTED: "That was refused: {reason}. Nothing was changed.",
    Outcome.FAILED: "This was not completed, and nothing was changed. Please try again shortly.",
    Outcome.QUEUED: (
        "This is stored safely and will be carried out when the database is back; you will be told how it ended."
    ),
    Outcome.UNKNOWN: "It is not known whether this was stored. Please do not repeat it; check again in a moment.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WriteResult(Generic[T_co]):
    """The answer to one write.

    `reason` is for programs. `rows_matched` counts the rows that the
    operation's own statements touched, `rows_modified` also those changed by triggers and foreign-key actions.
    `repeated` says that this is the recorded answer of an earlier, identical call.
    """

    outcome: Outcome
    reason: str
    operation_id: str
    rows_matched: int = 0
    rows_modified: int = 0
    details: Mapping[str, JSON] = field(default_factory=lambda: _NOTHING)
    repeated: bool = False
    error_id: str | None = None
    better_text: str = field(default="", repr=False)
    answer: object = field(default=None, repr=False)

    @property
    def text(self) -> str:
        """One or two sentences for a user, in general words; a feature has better ones for its own rejections."""
        words = self.reason.lower().replace("_", " ")
        return self.better_text or _TEXTS[self.outcome].format(reason=words)

    @property
    def ok(self) -> bool:
        return self.outcome is Outcome.COMMITTED

    @property
    def has_value(self) -> bool:
        """Whether what the operation returned is there: it committed, and its answer was not erased since."""
        return self.ok and self.reason != ANSWER_ERASED

    @property
    def value(self) -> T_co:
        """What the operation returned; raises ResultNotOk where there is no such thing."""
        if not self.has_value:
            raise ResultNotOk(f"{self.operation_id}: {self.outcome} ({self.reason})")
        return cast("T_co", self.answer)
