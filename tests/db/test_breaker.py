"""The circuit breaker as a state machine, against a model with a clock turned by hand."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from db.breaker import Breaker, BreakerState

FAILURES, DELAY_S, MAX_DELAY_S = 3, 1.0, 6.0


class BreakerMachine(RuleBasedStateMachine):
    """Closed until three failures in a row or a trip; one probe at a time, after a delay that doubles."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 100.0
        self.heard: list[BreakerState] = []
        self.breaker = Breaker(
            "model",
            failures=FAILURES,
            delay_s=DELAY_S,
            max_delay_s=MAX_DELAY_S,
            clock=lambda: self.now,
            on_change=lambda breaker, _before: self.heard.append(breaker.state),
        )
        self.state = BreakerState.CLOSED
        self.failures = 0
        self.delay_s = DELAY_S
        self.due = 0.0

    def _open(self, delay_s: float) -> None:
        self.state, self.delay_s, self.due = BreakerState.OPEN, delay_s, self.now + delay_s

    @rule(seconds=st.sampled_from([0.0, 0.4, 1.0, 2.0, 6.0, 60.0]))
    def time_passes(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def something_fails(self) -> None:
        self.breaker.failure("failed")
        self.failures += 1
        if self.state is BreakerState.CLOSED and self.failures >= FAILURES:
            self._open(DELAY_S)

    @rule()
    def something_works(self) -> None:
        self.breaker.success()
        self.failures = 0

    @rule()
    def it_is_tripped(self) -> None:
        self.breaker.trip("tripped")
        if self.state is BreakerState.CLOSED:
            self._open(DELAY_S)

    @rule()
    def somebody_asks_to_probe(self) -> None:
        may = self.state is BreakerState.OPEN and self.now >= self.due
        assert self.breaker.begin_probe() is may
        assert not self.breaker.begin_probe(), "one probe at a time"
        if may:
            self.state = BreakerState.HALF_OPEN

    @precondition(lambda self: self.state is BreakerState.HALF_OPEN)
    @rule()
    def the_probe_fails(self) -> None:
        self.breaker.probe_failed("still failing")
        self._open(min(self.delay_s * 2, MAX_DELAY_S))

    @precondition(lambda self: self.state is BreakerState.HALF_OPEN)
    @rule()
    def the_probe_succeeds(self) -> None:
        self.breaker.probe_succeeded()
        self.state, self.failures = BreakerState.CLOSED, 0

    @invariant()
    def it_is_where_the_model_is(self) -> None:
        assert self.breaker.state is self.state
        assert self.breaker.closed is (self.state is BreakerState.CLOSED)

    @invariant()
    def it_has_a_reason_exactly_while_it_is_not_closed(self) -> None:
        assert bool(self.breaker.reason) is not self.breaker.closed

    @invariant()
    def every_change_was_told_and_nothing_else(self) -> None:
        assert all(before is not after for before, after in zip(self.heard, self.heard[1:], strict=False))
        assert self.heard[-1:] in ([], [self.state])


BreakerMachine.TestCase.settings = settings(max_examples=200, stateful_step_count=30, deadline=None)
TestBreaker = BreakerMachine.TestCase


def test_the_delay_grows_to_its_limit_and_starts_anew_after_a_recovery():
    now = 0.0
    breaker = Breaker("b", failures=1, delay_s=1.0, max_delay_s=5.0, clock=lambda: now)
    delays: list[float] = []
    breaker.failure("down")
    for _ in range(4):
        delays.append(breaker.probe_in_s)
        now += breaker.probe_in_s
        assert breaker.begin_probe()
        breaker.probe_failed("down")
    now += breaker.probe_in_s
    assert breaker.begin_probe()
    breaker.probe_succeeded()
    breaker.failure("down again")
    assert [*delays, breaker.probe_in_s] == [1.0, 2.0, 4.0, 5.0, 1.0]
