"""The table of announcements: what is due when, in which order, and how each ends."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from db import ParameterError, Rejected, Transaction, announcements, operation
from db.announcements import Announcement, Counts, Verdict, Way, announce
from tests.conftest import Scratch

TOKEN = "aW50ZXJhY3Rpb24tc2VjcmV0LTEyMzQ1Njc4OTA"
CHANNEL = {"channel": 20}
FOLLOW_UP = {"application_id": "1", "token": TOKEN, "until_ms": 1_700_000_900_000, "channel": 20, "user": "30"}


@operation("test.announce")
def tell(tx: Transaction, *, target: dict[str, Any], number: int = 1, reject: bool = False) -> int:
    made = announce(tx, target=target, body={"number": number}, kind="test")
    if reject:
        raise Rejected("NO")
    return made


def told(scratch: Scratch, target: dict[str, Any] = CHANNEL, **more: Any) -> int:
    return scratch.run(tell, target=target, **more).value


def due(scratch: Scratch, after_ms: int = 0) -> list[Announcement]:
    return scratch.ask(announcements.due, now_ms=scratch.now_ms + after_ms, limit=100)


def numbers(scratch: Scratch, after_ms: int = 0) -> list[int]:
    return [each.body["number"] for each in due(scratch, after_ms)]


def fails(scratch: Scratch, announcement: int, *, permanent: bool = False, retry_after_ms: int = 0) -> Verdict:
    failure = {"announcement": announcement, "problem": "403", "permanent": permanent}
    return scratch.run(announcements.failed, **failure, retry_after_ms=retry_after_ms).value


def arrives(scratch: Scratch, announcement: int) -> None:
    assert scratch.run(announcements.sent, announcement=announcement).ok


def test_what_a_write_announces_is_due_once_it_has_committed(scratch: Scratch):
    made = told(scratch, number=5)
    [found] = due(scratch)
    assert (found.id, found.guild, found.kind, found.body) == (made, 7, "test", {"number": 5})
    assert (found.way, found.channel, found.user, found.token) == (Way.CHANNEL, 20, None, None)
    arrives(scratch, made)
    assert due(scratch, after_ms=10**9) == []


def test_what_a_rejected_write_announced_never_was(scratch: Scratch):
    assert scratch.run(tell, target=CHANNEL, reject=True).reason == "NO"
    assert due(scratch) == []


def test_a_follow_up_waits_until_the_command_has_been_answered(scratch: Scratch):
    told(scratch, FOLLOW_UP)
    assert due(scratch) == []
    [found] = due(scratch, after_ms=announcements.FOLLOW_UP_DELAY_MS)
    assert (found.way, found.application, found.token, found.user) == (Way.FOLLOW_UP, 1, TOKEN, 30)
    assert TOKEN not in repr(found)


@pytest.mark.parametrize(
    "target",
    [
        {},
        {"channel": None},
        {"channel": "general"},
        {"channel": True},
        {"channel": 1.5},
        {"user": "٣"},
        {"application_id": 1, "token": TOKEN, "until_ms": 5},
        {"application_id": 1, "token": 7, "until_ms": 5, "user": 3},
    ],
    ids=str,
)
def test_a_target_that_names_nobody_fails_the_write(scratch: Scratch, target: dict[str, Any]):
    assert scratch.run(tell, target=target).reason == "OPERATION_FAILED"
    assert due(scratch) == []


def test_a_body_that_is_no_json_fails_the_write(scratch: Scratch):
    @operation("test.announce_badly")
    def badly(tx: Transaction) -> int:
        with pytest.raises(ParameterError):
            announce(tx, target=CHANNEL, body={"number": float("nan")}, kind="test")
        return 1

    assert scratch.run(badly).ok


def test_one_address_hears_in_order_and_one_at_a_time(scratch: Scratch):
    first, second = told(scratch, number=1), told(scratch, number=2)
    told(scratch, {"channel": 21}, number=3)
    assert numbers(scratch) == [1, 3]
    assert fails(scratch, first) is Verdict.RETRY
    assert numbers(scratch) == [3], "the second must not overtake the first"
    arrives(scratch, first)
    assert sorted(numbers(scratch)) == [2, 3]
    arrives(scratch, second)
    assert numbers(scratch) == [3]


def test_a_given_up_one_makes_way_for_the_next(scratch: Scratch):
    first = told(scratch, number=1)
    told(scratch, number=2)
    assert fails(scratch, first, permanent=True) is Verdict.GIVEN_UP
    assert numbers(scratch) == [2]
    assert scratch.ask(announcements.counts) == Counts(waiting=1, held=0, given_up=1)
    assert scratch.rows("SELECT problem FROM announcement WHERE id = ?", first) == [("403",)]


def test_delays_double_to_a_quarter_of_an_hour_and_end_after_forty_attempts(scratch: Scratch):
    made = told(scratch)
    delays: list[int] = []
    while fails(scratch, made) is Verdict.RETRY:
        [(due_at_ms,)] = scratch.rows("SELECT due_at_ms FROM announcement")
        delays.append(due_at_ms - scratch.now_ms)
    assert delays[:4] == [2_000, 4_000, 8_000, 16_000]
    assert set(delays[9:]) == {900_000}
    assert len(delays) == announcements.MAX_ATTEMPTS - 1
    assert scratch.ask(announcements.counts).given_up == 1


def test_a_longer_wait_is_kept_where_discord_asks_for_one(scratch: Scratch):
    made = told(scratch)
    fails(scratch, made, retry_after_ms=60_000)
    assert due(scratch, after_ms=59_999) == []
    assert len(due(scratch, after_ms=60_000)) == 1


def test_a_closed_way_is_followed_by_the_next_and_the_secret_is_forgotten(scratch: Scratch):
    made = told(scratch, FOLLOW_UP)
    assert fails(scratch, made, permanent=True) is Verdict.NEXT_WAY
    [found] = due(scratch)
    assert (found.way, found.token, found.attempts) == (Way.CHANNEL, None, 0)
    assert fails(scratch, made, permanent=True) is Verdict.NEXT_WAY
    assert due(scratch)[0].way is Way.DIRECT
    assert fails(scratch, made, permanent=True) is Verdict.GIVEN_UP
    assert fails(scratch, made, permanent=True) is Verdict.ENDED


def test_the_secret_is_forgotten_once_it_has_been_used(scratch: Scratch):
    made = told(scratch, FOLLOW_UP)
    arrives(scratch, made)
    assert scratch.rows("SELECT token, outcome FROM announcement") == [(None, "sent")]
    kept = scratch.rows("SELECT payload FROM journal_payload WHERE payload LIKE '%sent%'")
    assert not [payload for (payload,) in kept if TOKEN in payload]


def test_a_begun_follow_up_is_known_as_such(scratch: Scratch):
    made = told(scratch, FOLLOW_UP)
    assert not due(scratch, after_ms=5_000)[0].follow_up_begun
    assert scratch.run(announcements.follow_up_begun, announcement=made).value is True
    assert due(scratch, after_ms=5_000)[0].follow_up_begun
    arrives(scratch, made)
    assert scratch.run(announcements.follow_up_begun, announcement=made).value is False


def test_the_nonce_is_the_same_for_the_same_and_another_for_another(scratch: Scratch):
    told(scratch, number=1, operation_id="a:1")
    told(scratch, {"channel": 21}, number=1, operation_id="a:2")
    told(scratch, {"channel": 22}, number=2, operation_id="a:3")
    nonces = [each.nonce for each in due(scratch)]
    assert len(set(nonces)) == 3
    assert nonces == [each.nonce for each in due(scratch)]
    assert all(len(nonce) <= 25 for nonce in nonces)  # Discord takes no longer ones


def test_what_is_held_is_not_due_until_it_is_released_oldest_first(scratch: Scratch):
    first = told(scratch, number=1)
    told(scratch, number=2)
    fails(scratch, first)
    assert scratch.run(announcements.hold).value == 2
    assert due(scratch, after_ms=10**9) == []
    told(scratch, number=3)
    assert numbers(scratch) == [3], "what is announced from now on is not held"
    assert scratch.ask(announcements.counts) == Counts(waiting=1, held=2, given_up=0)
    assert scratch.run(announcements.release).ok
    assert numbers(scratch) == [1]
    arrives(scratch, first)
    assert numbers(scratch) == [2]


def test_what_fails_while_it_is_held_stays_held(scratch: Scratch):
    made = told(scratch, FOLLOW_UP)
    scratch.run(announcements.hold)
    assert fails(scratch, made) is Verdict.RETRY
    assert fails(scratch, made, permanent=True) is Verdict.NEXT_WAY
    assert due(scratch, after_ms=10**9) == []


def test_what_is_held_can_be_discarded(scratch: Scratch):
    told(scratch, FOLLOW_UP)
    scratch.run(announcements.hold)
    told(scratch, number=2)
    assert scratch.run(announcements.discard).value == 1
    assert scratch.rows("SELECT problem, token FROM announcement WHERE outcome = 'given up'") == [
        ("discarded by an operator", None)
    ]
    assert numbers(scratch) == [2]


def test_old_ones_are_deleted_in_bounded_steps_and_unsent_ones_never(scratch: Scratch):
    for number in range(5):
        arrives(scratch, told(scratch, number=number))
    told(scratch, number=9)
    assert scratch.run(announcements.clean_up, limit=3).value == 0
    scratch.now_ms += announcements.KEPT_MS + 1
    assert [scratch.run(announcements.clean_up, limit=3).value for _ in range(3)] == [3, 2, 0]
    assert numbers(scratch) == [9]


SQL = {name: sql for name, sql in vars(announcements).items() if name.isupper() and isinstance(sql, str)}


@pytest.mark.parametrize("name", sorted(SQL))
def test_no_statement_scans_or_sorts(scratch: Scratch, name: str):
    sql = SQL[name]
    plan = scratch.rows(f"EXPLAIN QUERY PLAN {sql}", *[1] * sql.count("?"))
    steps = [step for _, _, _, step in plan]
    assert not [step for step in steps if step.startswith("SCAN") or "TEMP B-TREE" in step], steps


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("announce"), st.integers(20, 22)),
        st.tuples(st.sampled_from(["sent", "retry", "closed"]), st.integers(0, 5)),
        st.tuples(st.sampled_from(["hold", "release", "discard"]), st.just(0)),
    ),
    max_size=40,
)


@settings(max_examples=100, deadline=None)
@given(steps=STEPS)
def test_whatever_happens_the_first_of_each_lane_and_only_that_is_due(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int]]
):
    scratch = Scratch(tmp_path_factory.mktemp("lanes") / "scratch.db")
    try:
        for step, value in steps:
            take(scratch, step, value)
            first = scratch.rows(
                "SELECT MIN(id) FROM announcement WHERE outcome IS NULL AND held = 0 GROUP BY lane ORDER BY 1"
            )
            assert sorted(each.id for each in due(scratch, after_ms=10**9)) == [number for (number,) in first]
    finally:
        scratch.connection.close()


def take(scratch: Scratch, step: str, value: int) -> None:
    found = due(scratch, after_ms=10**9)
    if step == "announce":
        told(scratch, {"channel": value})
    elif step in ("hold", "release", "discard"):
        assert scratch.run(getattr(announcements, step)).ok
    elif found:
        chosen = found[value % len(found)].id
        if step == "sent":
            arrives(scratch, chosen)
        else:
            fails(scratch, chosen, permanent=step == "closed")
