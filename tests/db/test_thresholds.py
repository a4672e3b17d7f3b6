"""Limits with hysteresis: each crossing is told of once, and its end once."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from db import DatabaseSettings, Percentiles, Status, Work
from db.thresholds import MB, THRESHOLDS, Thresholds
from tests.db.statuses import SOUND

SETTINGS = DatabaseSettings(directory=Path("data"), alert_free_disk_mb=100, alert_waiting=50)


class LimitMachine(RuleBasedStateMachine):
    """A disk and a queue that fill and empty around their limits, against a model of each."""

    def __init__(self) -> None:
        super().__init__()
        self.thresholds = Thresholds()
        self.free, self.waiting = 1000 * MB, 0
        self.scarce = self.crowded = False
        self.told: list[bool] = []

    @rule(megabytes=st.one_of(st.none(), st.integers(90, 135)))
    def the_disk_has_so_much_left(self, megabytes: int | None) -> None:
        self.free = 1000 * MB if megabytes is None else megabytes * MB

    @rule(waiting=st.integers(35, 55))
    def so_many_wait(self, waiting: int) -> None:
        self.waiting = waiting

    @rule()
    def somebody_looks(self) -> None:
        status = replace(SOUND, free_disk_bytes=self.free, waiting_operations=self.waiting)
        changes = self.thresholds.check(status, SETTINGS)
        scarce = self.free < (125 if self.scarce else 100) * MB
        crowded = self.waiting > (40 if self.crowded else 50)
        expected = [now for before, now in ((self.scarce, scarce), (self.crowded, crowded)) if before != now]
        assert [change.crossed for change in changes] == expected
        self.scarce, self.crowded = scarce, crowded

    @invariant()
    def the_sentences_are_of_what_is_crossed(self) -> None:
        text = " ".join(self.thresholds.sentences)
        assert ("free disk space" in text) is self.scarce
        assert ("calls waiting" in text) is self.crowded


LimitMachine.TestCase.settings = hypothesis_settings(max_examples=100, stateful_step_count=40)
TestLimits = LimitMachine.TestCase


def failing(share: float) -> Work:
    return Work(count=100, errors=int(share * 100), latency=Percentiles(1.0, 2.0, 3.0, 1.0))


def slow(p95_ms: float) -> Work:
    return Work(count=100, latency=Percentiles(1.0, p95_ms, p95_ms, 1.0))


@pytest.mark.parametrize(
    ("beyond", "setting"),
    [
        (replace(SOUND, free_disk_bytes=99 * MB), "database.alert_free_disk_mb"),
        (replace(SOUND, operations=failing(0.2)), "database.alert_error_rate"),
        (replace(SOUND, queries=failing(0.2)), "database.alert_error_rate"),
        (replace(SOUND, operations=slow(501)), "database.alert_p95_ms"),
        (replace(SOUND, queries=slow(501)), "database.alert_p95_ms"),
        (replace(SOUND, waiting_reads=51), "database.alert_waiting"),
        (replace(SOUND, queued=51), "database.alert_waiting"),
        (replace(SOUND, wal_bytes=129 * MB), "database.alert_wal_mb"),
        (replace(SOUND, database_bytes=9_001 * MB), "database.size_limit_mb"),
    ],
    ids=lambda each: each if isinstance(each, str) else "",
)
def test_each_limit_is_watched_and_its_setting_named(beyond: Status, setting: str):
    thresholds = Thresholds()
    [change] = thresholds.check(beyond, SETTINGS)
    assert change.crossed
    assert setting in change.sentence
    assert thresholds.check(beyond, SETTINGS) == [], "it is told of once"
    [change] = thresholds.check(SOUND, SETTINGS)
    assert not change.crossed
    assert thresholds.sentences == ()


def test_a_sound_database_is_within_every_limit():
    assert Thresholds().check(SOUND, SETTINGS) == []
    assert len({threshold.what for threshold in THRESHOLDS}) == len(THRESHOLDS)


def test_a_few_calls_say_nothing_about_a_rate():
    few = Work(count=19, errors=19, latency=Percentiles(9999.0, 9999.0, 9999.0, 9999.0))
    assert Thresholds().check(replace(SOUND, operations=few), SETTINGS) == []


def test_what_is_not_known_changes_nothing():
    thresholds = Thresholds()
    assert thresholds.check(replace(SOUND, free_disk_bytes=MB), SETTINGS)
    assert thresholds.check(replace(SOUND, free_disk_bytes=None), SETTINGS) == []
    assert thresholds.sentences
