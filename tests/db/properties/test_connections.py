"""What is lost is sought by the retry policy; what stays lost is told, and the rest goes on."""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from loguru import logger

from db import DatabaseError, DatabaseManager, DatabaseSettings, EventKind, Mode, Outcome
from tests.db.feature import by, eventually, fill, total
from tests.db.properties.flaky import connections_of, failing_connections, lose

THOROUGH = settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
# In Python, what follows a wait begins a little after it; a loaded machine takes its time.
LATE_S = 0.5

POLICIES = st.builds(
    dict,
    retry_attempts=st.integers(2, 6),
    retry_base_s=st.floats(0.0005, 0.002),
    retry_multiplier=st.floats(1.5, 3),
    retry_max_s=st.floats(0.002, 0.006),
)


@pytest.fixture
def log() -> Iterator[list[str]]:
    lines: list[str] = []
    sink = logger.add(lines.append, level="WARNING", format="{level} {message}")
    yield lines
    logger.remove(sink)


def policy_of(db: DatabaseManager, changes: dict[str, float]) -> DatabaseSettings:
    """The database's settings with another retry policy, in force at once."""
    connections = connections_of(db)
    connections._settings = replace(connections._settings, **changes)
    return connections._settings


def assert_backed_off(attempts: list[float], policy: DatabaseSettings) -> None:
    """No pause is longer than the policy's, which grows exponentially up to its maximum; its jitter may shorten it."""
    for number, (before, after) in enumerate(pairwise(attempts)):
        longest = min(policy.retry_max_s, policy.retry_base_s * policy.retry_multiplier**number)
        assert after - before <= longest + LATE_S


@THOROUGH
@given(policy=POLICIES, share=st.floats(0, 1, exclude_max=True), what=st.sampled_from(["writer", "reader"]))
async def test_a_lost_connection_is_sought_by_the_retry_policy(
    db: DatabaseManager, policy: dict[str, float], share: float, what: str
):
    """Feature: database-reliability, Property 1: Connection Recovery Behavior

    For any loss and any number of failing attempts below the policy's limit: one attempt more than fail, paused as
    the policy says, and the work is done on the new connection.
    """
    in_force = policy_of(db, policy)
    failures = int(share * in_force.retry_attempts)
    heard: list[EventKind] = []
    unsubscribe = db.subscribe(lambda event: heard.append(event.kind))
    before = await db.read(total)
    with failing_connections(db, failures) as flaky:
        if what == "writer":
            await lose(connections_of(db).writer)
            assert (await db.write(fill, by(f"fill:{before}"), owner=1, cents=1)).ok
        else:
            for reader in connections_of(db).readers[-1:]:
                await lose(reader)
            answers = [await db.read(total) for _ in connections_of(db).readers]
            assert set(answers) == {before}
            assert (await db.write(fill, by(f"fill:{before}"), owner=1, cents=1)).ok
    unsubscribe()
    assert len(flaky.attempts) == failures + 1
    assert_backed_off(flaky.attempts, in_force)
    assert await db.read(total) == before + 1
    assert db.mode is Mode.READ_WRITE
    assert heard[:2] == [EventKind.LOST, EventKind.RECONNECTED]


@THOROUGH
@given(policy=POLICIES, what=st.sampled_from(["writer", "readers"]), callers=st.integers(1, 4))
async def test_when_every_attempt_fails_it_is_logged_and_the_rest_goes_on(
    db: DatabaseManager, log: list[str], policy: dict[str, float], what: str, callers: int
):
    """Feature: database-reliability, Property 2: Graceful Degradation on Connection Failure

    For any exhausted reconnection: every attempt of the policy was made, the failure is in the log, callers have a
    clear answer, the mode says what still works; and when connecting works again, so does everything.
    """
    in_force = policy_of(db, policy)
    stored = await db.read(total)
    log.clear()
    with failing_connections(db, None) as flaky:
        if what == "writer":
            await lose(connections_of(db).writer)
            results = [await db.write(fill, by(f"no:{stored}:{n}"), owner=1, cents=1) for n in range(callers)]
            assert {each.outcome for each in results} == {Outcome.FAILED}
            assert db.mode is Mode.READ_ONLY
            assert await db.read(total) == stored
        else:
            for reader in connections_of(db).readers:
                await lose(reader)
            for _ in range(callers):
                with pytest.raises(DatabaseError) as caught:
                    await db.read(total)
                assert "temporarily unavailable" in caught.value.text
            assert db.mode is Mode.OFFLINE
        assert len(flaky.attempts) >= in_force.retry_attempts
        assert db.mode_reason
    assert any("breaker opened" in line for line in log)
    await eventually(lambda: db.mode is Mode.READ_WRITE)
    assert (await db.write(fill, by(f"yes:{stored}"), owner=1, cents=1)).ok
    assert await db.read(total) == stored + 1
