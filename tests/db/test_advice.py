"""What to change, for a status that is poor: each sentence names a setting that exists."""

import re
from dataclasses import replace
from pathlib import Path

import pytest

from bot.config import Config
from db import DatabaseSettings, Mode, Percentiles, Status, Work
from db.advice import advise
from db.thresholds import MB
from tests.db.statuses import SLOW, SOUND

SETTINGS = DatabaseSettings(directory=Path("data"))
FAILING = Work(count=100, errors=50)

POOR = [
    (replace(SOUND, mode=Mode.READ_ONLY, mode_reason="by hand", is_switched_off=True), "database.degraded"),
    (replace(SOUND, mode=Mode.READ_ONLY, mode_reason="writing fails: full"), "database.path"),
    (replace(SOUND, has_wal_reset_bug=True), "database.engine"),
    (replace(SOUND, dead_letters=2), "database.queue_tries"),
    (replace(SOUND, free_disk_bytes=900 * MB), "database.path"),
    (replace(SOUND, database_bytes=9_500 * MB), "database.size_limit_mb"),
    (replace(SOUND, wal_bytes=200 * MB), "database.query_timeout_s"),
    (replace(SOUND, operations=Work(count=100, latency=Percentiles(40.0, 60.0, 80.0, 40.0))), "database.path"),
    (replace(SOUND, waiting_reads=100), "database.readers"),
    (replace(SOUND, operations=FAILING), "database.busy_timeout_s"),
    (replace(SOUND, queries=FAILING), "database.query_timeout_s"),
    (replace(SOUND, slow_statements=(SLOW,)), "database.slow_query_ms"),
]


def test_where_all_is_well_there_is_nothing_to_change():
    assert advise(SOUND, SETTINGS) == []


@pytest.mark.parametrize(("status", "setting"), POOR, ids=[setting for _, setting in POOR])
def test_what_is_poor_is_answered_by_the_setting_to_change(status: Status, setting: str):
    [sentence] = advise(status, SETTINGS)
    assert setting in sentence
    assert sentence.endswith(".")


def test_every_setting_that_is_named_exists():
    names = {
        name for status, _ in POOR for tip in advise(status, SETTINGS) for name in re.findall(r"database\.(\w+)", tip)
    }
    assert names <= set(Config.model_json_schema()["$defs"]["DatabaseConfig"]["properties"])


def test_more_readers_are_no_help_where_an_index_is_missing():
    tips = advise(replace(SOUND, waiting_reads=100, slow_statements=(SLOW,)), SETTINGS)
    assert not any("database.readers" in tip for tip in tips)


def test_a_few_failures_are_no_reason_to_change_anything():
    assert advise(replace(SOUND, operations=Work(count=5, errors=5)), SETTINGS) == []
