"""Whether the database is well, judged from its status alone."""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from db import Mode, Status

# Below this the disk is filled within days by a busy server's records; there is still time to act.
LOW_DISK_BYTES: Final = 500 * 2**20
# A write-ahead log of this size means that checkpoints do not get through.
LARGE_WAL_BYTES: Final = 256 * 2**20

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


def _remarks(status: Status) -> tuple[str, ...]:
    found: list[str] = []
    if status.mode_reason:
        found.append(f"{status.mode_reason[0].upper()}{status.mode_reason[1:].rstrip('.')}.")
    if status.free_disk_bytes is not None and status.free_disk_bytes < LOW_DISK_BYTES:
        found.append(f"Only {size(status.free_disk_bytes)} are left on the disk.")
    if status.wal_bytes > LARGE_WAL_BYTES:
        found.append(f"The write-ahead log has grown to {size(status.wal_bytes)}.")
    return tuple(found)
