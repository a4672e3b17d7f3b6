"""Whether the database is well, judged from its status alone."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from db import Mode, Status

# Absolute paths: where the bot keeps its files is the operators' affair. A lone slash is just a slash.
_PATH: Final = re.compile(r"(?<![\w/])/[^\s:;,'\"()]+")


class Condition(Enum):
    WELL = "well"
    STRAINED = "strained"  # everything works, but somebody should look
    LIMITED = "limited"  # reads work, writes do not
    AWAY = "away"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is the matter, said first in a headline; `remarks` are sentences, worst first."""

    condition: Condition
    headline: str
    remarks: tuple[str, ...]


_HEADLINES: Final = {
    Condition.WELL: "All is well",
    Condition.STRAINED: "Everything works, but something needs attention",
    Condition.LIMITED: "Limited: reading works, nothing can be stored",
    Condition.AWAY: "The database is away",
}


def assess(status: Status) -> Verdict:
    """Judge a status; the remarks may name paths."""
    remarks = _remarks(status)
    match status.mode:
        case Mode.READ_WRITE:
            condition = Condition.STRAINED if remarks else Condition.WELL
        case Mode.READ_ONLY:
            condition = Condition.LIMITED
        case Mode.OFFLINE | Mode.RECOVERING:
            condition = Condition.AWAY
    headline = "The database is being recovered" if status.mode is Mode.RECOVERING else _HEADLINES[condition]
    return Verdict(condition, headline, remarks or ("Everything can be read and stored.",))


def without_paths(text: str) -> str:
    """The text for who is no operator."""
    return _PATH.sub("[path]", text)


def size(count: int | None) -> str:
    """A number of bytes as people say it."""
    if count is None:
        return "unknown"
    amount = float(count)
    for unit in ("bytes", "KB", "MB", "GB"):
        if amount < 1024:  # noqa: PLR2004 - the base of these units
            return f"{amount:.0f} {unit}" if unit == "bytes" else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} TB"


def age(seconds: float) -> str:
    """A time span as people say it."""
    for length, unit in ((86_400, "d"), (3_600, "h"), (60, "min")):
        if seconds >= length:
            return f"{seconds / length:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"


def _remarks(status: Status) -> tuple[str, ...]:
    found = [status.mode_reason, *status.alerts]
    if status.mode is Mode.READ_WRITE and status.probe is not None and not status.probe.ok:
        found.append(f"the last probe failed: {status.probe.detail}")
    if status.dead_letters:
        found.append(f"{status.dead_letters} writes that waited kept failing and are set aside for an operator")
    return tuple(f"{remark[0].upper()}{remark[1:].rstrip('.')}." for remark in found if remark)
