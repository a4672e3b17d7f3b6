"""Announcements: messages that follow from a write, stored in its transaction and sent afterwards, at least once.

Whoever knows Discord asks what is `due`, sends it, and says how that ended with `sent` or `failed`. What goes to the
same address leaves in order: only the first of a lane is ever due, and its end makes the next one due.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import orjson

from db.operations import operation, query
from db.snapshot import Snapshot
from db.transaction import Transaction
from db.values import JSON, ParameterError, check_parameters

# Discord would take a follow-up that overtakes the command's own answer for that answer.
FOLLOW_UP_DELAY_MS: Final = 2_000
FIRST_DELAY_MS: Final = 2_000
LONGEST_DELAY_MS: Final = 15 * 60_000
# With these delays about eight hours: longer than Discord has been away in years.
MAX_ATTEMPTS: Final = 40
KEPT_MS: Final = 30 * 24 * 3_600_000
LONGEST_PROBLEM: Final = 300


class Way(StrEnum):
    """How an announcement is sent. One whose way is closed for good takes the next that its target allows."""

    FOLLOW_UP = "follow-up"  # to an interaction, while its token lives: seen by its author alone
    CHANNEL = "channel"  # in a channel, for all to see
    DIRECT = "direct"  # as a direct message


class Verdict(StrEnum):
    """What follows from a failure."""

    RETRY = "retry"
    NEXT_WAY = "next way"
    GIVEN_UP = "given up"
    ENDED = "ended"  # somebody else had ended it meanwhile


@dataclass(frozen=True, slots=True, kw_only=True)
class Announcement:
    """One that is to be sent now. `kind` names who puts the facts of `body` into words."""

    id: int
    guild: int
    operation_id: str
    kind: str
    body: Mapping[str, Any]
    way: Way
    channel: int | None
    user: int | None
    application: int | None
    token: str | None = field(repr=False)
    token_until_ms: int | None
    follow_up_begun: bool  # an earlier attempt may have arrived
    attempts: int
    created_at_ms: int

    @property
    def nonce(self) -> str:
        """By this Discord knows a repetition. It holds over restarts, and over a restore in which ids begin anew."""
        content = [self.operation_id, self.kind, self.body, self.channel, self.user]
        return hashlib.blake2b(orjson.dumps(content, option=orjson.OPT_SORT_KEYS), digest_size=12).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How many announcements wait, are held for an operator, were given up in the last 30 days."""

    waiting: int
    held: int
    given_up: int


@dataclass(frozen=True, slots=True, kw_only=True)
class _Target:
    channel: int | None
    user: int | None
    application: int | None
    token: str | None
    until_ms: int | None

    @classmethod
    def of(cls, target: Mapping[str, JSON]) -> _Target:
        token = target.get("token")
        if not (token is None or isinstance(token, str)):
            raise ParameterError("target: the token is text")
        return cls(
            channel=_number(target, "channel"),
            user=_number(target, "user"),
            application=_number(target, "application_id") if token else None,
            token=token or None,
            until_ms=_number(target, "until_ms") if token else None,
        )

    @property
    def ways(self) -> list[Way]:
        follow_up = self.token and self.application and self.until_ms is not None and self.user
        possible = {Way.FOLLOW_UP: follow_up, Way.CHANNEL: self.channel, Way.DIRECT: self.user}
        return [way for way, there in possible.items() if there]

    @property
    def lane(self) -> str:
        to_channel = self.ways[0] is Way.CHANNEL
        return f"channel {self.channel}" if to_channel else f"user {self.user}"


_LANE_IS_BUSY: Final = "SELECT 1 FROM announcement WHERE lane = ? AND outcome IS NULL AND held = 0 LIMIT 1"
_INSERT: Final = """
INSERT INTO announcement (
    guild_id, operation_id, kind, body, lane, channel_id, user_id, application_id, token, token_until_ms, way,
    follow_up_begun, attempts, problem, held, created_at_ms, due_at_ms
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 0, 0, '', 0, ?, ?)
RETURNING id
"""
_DUE: Final = """
SELECT id, guild_id, operation_id, kind, body, way, channel_id, user_id, application_id, token, token_until_ms,
    follow_up_begun, attempts, created_at_ms
FROM announcement WHERE due_at_ms <= ? ORDER BY due_at_ms, id LIMIT ?
"""
_BEGIN_FOLLOW_UP: Final = "UPDATE announcement SET follow_up_begun = 1 WHERE id = ? AND outcome IS NULL"
_END: Final = """
UPDATE announcement SET outcome = ?, ended_at_ms = ?, problem = ?, token = NULL, due_at_ms = NULL
WHERE id = ? AND outcome IS NULL RETURNING lane
"""
_NEXT_OF_LANE: Final = """
UPDATE announcement SET due_at_ms = ? WHERE id = (
    SELECT id FROM announcement WHERE lane = ? AND outcome IS NULL AND held = 0 ORDER BY id LIMIT 1
)
"""
_UNSENT: Final = """
SELECT way, attempts, channel_id, user_id FROM announcement WHERE id = ? AND outcome IS NULL
"""
_RETRY: Final = """
UPDATE announcement
SET attempts = ?, problem = ?, due_at_ms = CASE WHEN held = 1 THEN NULL ELSE ? END WHERE id = ?
"""
_NEXT_WAY: Final = """
UPDATE announcement
SET way = ?, attempts = 0, problem = ?, token = NULL,
    due_at_ms = CASE WHEN held = 1 THEN NULL ELSE ? END
WHERE id = ?
"""
# Every lane sorts after the empty text: so the index of what is unsent is searched, not the table.
_HOLD: Final = """
UPDATE announcement SET held = 1, due_at_ms = NULL WHERE lane > '' AND outcome IS NULL AND held = 0
"""
_RELEASE: Final = """
UPDATE announcement SET held = 0, due_at_ms = NULL WHERE lane > '' AND outcome IS NULL
"""
_FIRST_OF_EACH_LANE: Final = """
UPDATE announcement SET due_at_ms = ?
WHERE id IN (SELECT MIN(id) FROM announcement WHERE lane > '' AND outcome IS NULL GROUP BY lane)
"""
_DISCARD: Final = """
UPDATE announcement SET outcome = 'given up', ended_at_ms = ?, problem = ?, token = NULL, held = 0
WHERE lane > '' AND outcome IS NULL AND held = 1
"""
_COUNT_UNSENT: Final = "SELECT COUNT(*) FROM announcement WHERE lane > '' AND outcome IS NULL AND held = ?"
_COUNT_GIVEN_UP: Final = "SELECT COUNT(*) FROM announcement WHERE outcome = 'given up'"
_DELETE_OLD: Final = """
DELETE FROM announcement WHERE id IN (
    SELECT id FROM announcement WHERE outcome IN ('sent', 'given up') AND ended_at_ms < ? LIMIT ?
)
"""


def announce(tx: Transaction, *, target: Mapping[str, JSON], body: Mapping[str, JSON], kind: str) -> int:
    """Have a message sent once this transaction has committed; returns its id.

    `target` may name a `channel`, a `user` (whom a message in that channel pings, or who gets a direct message), and
    for that user an interaction to follow up: `application_id`, `token`, `until_ms`. What is possible is tried in
    the order of `Way`. Raises ParameterError for a target that names nobody and for a body that is no JSON.
    """
    check_parameters(body)
    to = _Target.of(target)
    if not to.ways:
        raise ParameterError("target: an announcement goes to a channel, a user, or an interaction")
    way = to.ways[0]
    due = tx.now + (FOLLOW_UP_DELAY_MS if way is Way.FOLLOW_UP else 0)
    row = tx.fetch_one(
        _INSERT,
        *(tx.guild, tx.operation_id, kind, orjson.dumps(body).decode(), to.lane),
        *(to.channel, to.user, to.application, to.token, to.until_ms, way),
        *(tx.now, None if tx.fetch_one(_LANE_IS_BUSY, to.lane) else due),
    )
    assert row is not None
    return row[0]


@query("announcements.due")
def due(snapshot: Snapshot, *, now_ms: int, limit: int) -> list[Announcement]:
    """What is to be sent now, at most one of each lane, the longest due first."""
    return [
        Announcement(
            id=row[0],
            guild=row[1],
            operation_id=row[2],
            kind=row[3],
            body=orjson.loads(row[4]),
            way=Way(row[5]),
            channel=row[6],
            user=row[7],
            application=row[8],
            token=row[9],
            token_until_ms=row[10],
            follow_up_begun=bool(row[11]),
            attempts=row[12],
            created_at_ms=row[13],
        )
        for row in snapshot.fetch_all(_DUE, now_ms, limit)
    ]


@query("announcements.counts")
def counts(snapshot: Snapshot) -> Counts:
    return Counts(
        waiting=_count(snapshot.fetch_one(_COUNT_UNSENT, 0)),
        held=_count(snapshot.fetch_one(_COUNT_UNSENT, 1)),
        given_up=_count(snapshot.fetch_one(_COUNT_GIVEN_UP)),
    )


@operation("announcements.follow_up_begun")
def follow_up_begun(tx: Transaction, *, announcement: int) -> bool:
    """Note that a follow-up is about to be sent: Discord does not recognise a repetition of those.

    False where it has ended meanwhile.
    """
    return tx.execute(_BEGIN_FOLLOW_UP, announcement) == 1


@operation("announcements.sent")
def sent(tx: Transaction, *, announcement: int) -> None:
    """It has arrived. The next of its lane becomes due."""
    _end(tx, announcement, "sent", "")


@operation("announcements.failed")
def failed(tx: Transaction, *, announcement: int, problem: str, permanent: bool, retry_after_ms: int = 0) -> Verdict:
    """It has not arrived by its present way: try again later, or another way where that is of no use.

    Delays double from 2 s to a quarter of an hour; after 40 attempts, or at the end of the last way, it is given up.
    """
    row = tx.fetch_one(_UNSENT, announcement)
    if row is None:
        return Verdict.ENDED
    way, attempts, channel, user = row
    problem = problem[:LONGEST_PROBLEM]
    if not permanent and attempts + 1 < MAX_ATTEMPTS:
        delay_ms = max(min(FIRST_DELAY_MS * 2**attempts, LONGEST_DELAY_MS), retry_after_ms)
        tx.execute(_RETRY, attempts + 1, problem, tx.now + delay_ms, announcement)
        return Verdict.RETRY
    following = _way_after(Way(way), channel=channel, user=user)
    if following is None:
        _end(tx, announcement, "given up", problem)
        return Verdict.GIVEN_UP
    tx.execute(_NEXT_WAY, following, problem, tx.now, announcement)
    return Verdict.NEXT_WAY


@operation("announcements.hold")
def hold(tx: Transaction) -> int:
    """Keep back all that is unsent until an operator says what is to become of it; returns how many those were.

    For a store that was restored to an earlier state: some of these may have been sent already.
    """
    return tx.execute(_HOLD)


@operation("announcements.release")
def release(tx: Transaction) -> None:
    """Send what was held after all, each lane from its oldest on."""
    tx.execute(_RELEASE)
    tx.execute(_FIRST_OF_EACH_LANE, tx.now)


@operation("announcements.discard")
def discard(tx: Transaction) -> int:
    """Give up what is held; returns how many those were."""
    return tx.execute(_DISCARD, tx.now, "discarded by an operator")


@operation("announcements.clean_up")
def clean_up(tx: Transaction, *, limit: int) -> int:
    """Delete at most `limit` of those that ended more than 30 days ago; returns how many."""
    return tx.execute(_DELETE_OLD, tx.now - KEPT_MS, limit)


def _end(tx: Transaction, announcement: int, outcome: str, problem: str) -> None:
    row = tx.fetch_one(_END, outcome, tx.now, problem, announcement)
    if row is not None:
        tx.execute(_NEXT_OF_LANE, tx.now, row[0])


def _way_after(way: Way, *, channel: int | None, user: int | None) -> Way | None:
    if way is Way.FOLLOW_UP and channel is not None:
        return Way.CHANNEL
    return Way.DIRECT if way is not Way.DIRECT and user is not None else None


def _number(target: Mapping[str, JSON], name: str) -> int | None:
    """Ids may come as Discord writes them, as text."""
    value = target.get(name)
    if value is None or (isinstance(value, int) and not isinstance(value, bool)):
        return value
    if isinstance(value, str) and value.isascii() and value.isdecimal():
        return int(value)
    raise ParameterError(f"target: {name} is a number")


def _count(row: tuple[Any, ...] | None) -> int:
    return row[0] if row else 0
