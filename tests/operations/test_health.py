"""What /dbhealth says, for any state of the database."""

from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ui import embeds
from cogs.operations.health import Condition, assess, size, without_paths
from cogs.operations.views import database_health
from db import BackupState, ConnectionState, Mode, Percentiles, Probe, Status, Work

SOUND = Status(
    mode=Mode.READ_WRITE,
    mode_reason="",
    path=Path("/srv/rollcall/data/gen-1/rollcall.db"),
    generation=1,
    engine="bundled",
    sqlite_version="3.53.4",
    journal_mode="wal",
    synchronous="full",
    schema_version=3,
    newest_backup=None,
    writer_breaker="closed",
    reader_breaker="closed",
    connection=ConnectionState.CONNECTED,
    uptime_s=3600.0,
    has_wal_reset_bug=False,
    backup=BackupState.NONE,
    connections=5,
    mode_changes=1,
    probe=Probe(at_ms=1_700_000_000_000, detail=""),
    operations=Work(total=12, count=12, per_s=0.5, latency=Percentiles(0.41, 1.2, 3.0, 0.5)),
    queries=Work(total=34, total_errors=2, count=30, per_s=1.5, latency=Percentiles(0.1, 0.2, 0.3, 0.1)),
    refused=0,
    slowest=(),
    slow_statements=(),
    waiting_operations=0,
    waiting_reads=0,
    errors=0,
    unresolved_errors=0,
    alerts=(),
    database_bytes=120_000,
    wal_bytes=0,
    free_disk_bytes=20 * 2**30,
    last_error="",
)


def test_a_sound_database_is_said_to_be_well_first_and_in_green():
    embed = database_health(SOUND, with_paths=False)
    assert (embed.title, embed.colour) == ("All is well", embeds.SUCCESS)
    assert embed.description == "Everything can be read and stored."
    fields = {field.name: field.value for field in embed.fields}
    assert fields["Writes"] == "12 since start, none failed\np50 0.4 · p95 1.2 · p99 3.0 ms"
    assert fields["Reads"] == "34 since start, 2 failed\np50 0.1 · p95 0.2 · p99 0.3 ms"
    assert fields["Newest backup"] == "none: this version takes no backups"


@pytest.mark.parametrize(
    ("mode", "condition", "title", "colour"),
    [
        (
            Mode.READ_ONLY,
            Condition.LIMITED,
            "Limited: reading works, nothing can be stored",
            embeds.WARNING,
        ),
        (Mode.OFFLINE, Condition.AWAY, "The database is away", embeds.FAILURE),
        (Mode.RECOVERING, Condition.AWAY, "The database is being recovered", embeds.FAILURE),
    ],
)
def test_a_limited_database_says_so_and_why(mode: Mode, condition: Condition, title: str, colour: object):
    status = replace(SOUND, mode=mode, mode_reason="writing fails: the disk is full")
    assert assess(status).condition is condition
    embed = database_health(status, with_paths=False)
    assert (embed.title, embed.colour) == (title, colour)
    assert embed.description == "Writing fails: the disk is full."


def test_a_full_disk_and_a_long_log_need_attention_before_anything_fails():
    verdict = assess(replace(SOUND, free_disk_bytes=2**20, wal_bytes=2**30))
    assert verdict.condition is Condition.STRAINED
    assert verdict.remarks == (
        "Only 1.0 MB are left on the disk.",
        "The write-ahead log has grown to 1.0 GB.",
    )


def test_only_operators_see_paths():
    status = replace(
        SOUND,
        mode=Mode.OFFLINE,
        mode_reason="there is no database at /srv/rollcall/data/gen-1/rollcall.db",
        last_error="E-ABC123 economy.balance: cannot open '/srv/rollcall/data/gen-1/rollcall.db'",
    )
    for_admins = str(database_health(status, with_paths=False).to_dict())
    assert "/srv" not in for_admins
    assert "rollcall.db" not in for_admins
    assert "E-ABC123" in for_admins
    assert "gen-1/rollcall.db" in str(database_health(status, with_paths=True).to_dict())


def test_a_path_is_taken_out_and_nothing_else():
    assert without_paths("read/write failed at /a/b.db: 3/4 done") == "read/write failed at [path]: 3/4 done"


@pytest.mark.parametrize(
    ("count", "text"),
    [(None, "unknown"), (0, "0 bytes"), (1023, "1023 bytes"), (1536, "1.5 KB"), (2**40, "1.0 TB")],
)
def test_sizes_are_said_as_people_say_them(count: int | None, text: str):
    assert size(count) == text


OPTIONAL_SIZE = st.none() | st.integers(0, 2**62)


@given(
    st.builds(
        replace,
        st.just(SOUND),
        mode=st.sampled_from(Mode),
        mode_reason=st.text(max_size=5000),
        schema_version=st.none() | st.integers(0, 10**6),
        database_bytes=OPTIONAL_SIZE,
        free_disk_bytes=OPTIONAL_SIZE,
        last_error=st.text(max_size=5000),
        newest_backup=st.none() | st.just("2031-05-06 07:08 UTC"),
        operations=st.builds(Work, total=st.integers(0, 2**62)),
    ),
    st.booleans(),
)
def test_any_state_makes_an_embed_that_discord_takes(status: Status, with_paths: bool):
    embed = database_health(status, with_paths=with_paths)
    assert embed.title
    assert len(embed) <= 6000
    assert len(embed.description or "") <= embeds.MAX_TEXT
    assert all(0 < len(field.value or "") <= 1024 for field in embed.fields)
