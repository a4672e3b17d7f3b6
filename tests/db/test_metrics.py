"""Rates and percentiles over a sliding window, against the samples themselves."""

import math
import tracemalloc

from hypothesis import given
from hypothesis import strategies as st

from db.metrics import BOUNDS, GROWTH, MOST_NAMES, OTHER_NAMES, SLOT_S, SLOTS, Meter, Percentiles, Window, Work

WINDOW_S = SLOT_S * SLOTS
LATENCIES = st.floats(0.0, 100.0)


def nearest_rank_ms(samples: list[float], percent: int) -> float:
    ordered = sorted(samples)
    return ordered[math.ceil(len(ordered) * percent / 100) - 1] * 1000


@given(st.lists(LATENCIES, min_size=1, max_size=300))
def test_a_percentile_is_that_of_the_samples_and_at_most_one_bin_too_high(samples: list[float]):
    window = Window()
    for sample in samples:
        window.record(1000.0, sample)
    latency = window.tally(1000.0).work(1000.0).latency
    for percent, found in ((50, latency.p50_ms), (95, latency.p95_ms), (99, latency.p99_ms)):
        true = nearest_rank_ms(samples, percent)
        assert true - 0.0006 <= found <= max(true * GROWTH, BOUNDS[0] * 1000) + 0.0006
    assert math.isclose(latency.mean_ms, sum(samples) / len(samples) * 1000, abs_tol=0.0006)


@given(st.lists(st.tuples(st.floats(0.0, 90.0), st.booleans()), max_size=200))
def test_the_window_holds_what_is_newer_than_itself_and_the_total_everything(steps: list[tuple[float, bool]]):
    window, now = Window(), 5000.0
    happened: list[tuple[float, bool]] = []
    for pause_s, failed in steps:
        now += pause_s
        (window.record_failure if failed else window.record)(now, 0.001)
        happened.append((now, failed))
    work = window.tally(now).work(now)
    first = (now // SLOT_S - SLOTS + 1) * SLOT_S
    inside = [failed for at, failed in happened if at >= first]
    assert (work.count, work.errors) == (len(inside), sum(inside))
    assert (work.total, work.total_errors) == (len(steps), sum(failed for _, failed in steps))


def test_the_newest_slots_and_those_before_can_be_looked_at_apart():
    window = Window()
    for _ in range(30):
        window.record(0.0, 0.001)
    for _ in range(10):
        window.record(4 * SLOT_S, 0.050)
    now = 4 * SLOT_S + 1
    assert window.tally(now, newest=2).work(now).count == 10
    assert window.tally(now, but=2).work(now).count == 30


def test_when_nothing_happens_any_more_the_window_empties_and_the_totals_stay():
    window = Window()
    window.record_failure(0.0, 0.001)
    later = WINDOW_S + SLOT_S
    assert window.tally(later).work(later) == Work(total=1, total_errors=1)
    assert Percentiles() == Percentiles(0.0, 0.0, 0.0, 0.0)


def test_a_rate_is_over_the_time_that_was_counted():
    window = Window()
    for number in range(61):
        window.record(100.0 + number, 0.001)
    work = window.tally(160.0).work(160.0)
    assert 1.0 <= work.per_s <= 1.02


def test_names_are_counted_apart_and_together():
    meter = Meter()
    meter["a"].record(10.0, 0.001)
    meter["b"].record_failure(10.0, 0.003)
    everything, by_name = meter.work(11.0)
    assert (everything.count, everything.errors, everything.error_rate) == (2, 1, 0.5)
    assert (by_name["a"].errors, by_name["b"].errors) == (0, 1)
    assert everything.latency.mean_ms == 2.0


def test_a_hundred_thousand_calls_of_made_up_names_take_little_memory():
    tracemalloc.start()
    try:
        before, _ = tracemalloc.get_traced_memory()
        meter = Meter()
        for number in range(100_000):
            meter[f"made.up.{number}"].record(number * 0.003, number * 1e-6)
        after, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert after - before < 5_000_000
    assert len(meter) == MOST_NAMES + 1
    assert meter.work(300.0)[0].total == 100_000
    assert OTHER_NAMES in meter
