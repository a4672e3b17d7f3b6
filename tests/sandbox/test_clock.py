from sandbox.clock import ManualClock, Snowflakes


def test_a_clock_that_is_moved_calls_what_is_due_in_order(clock: ManualClock):
    began, called = clock.now(), []
    clock.call_later(2, lambda: called.append(("second", clock.now() - began)))
    clock.call_later(1, lambda: called.append(("first", clock.now() - began)))
    clock.call_later(1, lambda: called.append(("never", 0.0))).cancel()
    clock.advance(1.5)
    assert [name for name, _ in called] == ["first"]
    clock.advance(1)
    assert [(name, round(after)) for name, after in called] == [("first", 1), ("second", 2)]
    assert round(clock.now() - began, 6) == 2.5


def test_ids_rise_within_one_millisecond_and_bear_their_time(clock: ManualClock):
    ids = Snowflakes(clock)
    made = [int(ids.next()) for _ in range(100)]
    assert made == sorted(set(made))
    assert (made[0] >> 22) + 1_420_070_400_000 == int(clock.now() * 1000)
