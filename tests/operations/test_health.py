"""What /dbhealth says, for any state of the database."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.ui import embeds
from cogs.operations.health import Condition, age, assess, size, without_paths
from cogs.operations.views import database_health
from db import Mode, Probe, Status, Work
from tests.db.statuses import SLOW, SOUND


def test_a_sound_database_is_said_to_be_well_first_and_in_green():
    embed = database_health(SOUND, with_paths=False)
    assert (embed.title, embed.colour) == ("All is well", embeds.SUCCESS)
    assert embed.description == "Everything can be read and stored."
    fields = {field.name: field.value for field in embed.fields}
    assert fields["Writes"] == (
        "0.5/s, 0.0% failing\np50 0.4 · p95 1.2 · p99 3.0 ms\n12 since start, none failed, 0 refused"
    )
    assert fields["Reads"] == "1.5/s, 0.0% failing\np50 0.1 · p95 0.2 · p99 0.3 ms\n34 since start, 2 failed"
    assert fields["Backup"] == "none taken\nthis version takes no backups"


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


def test_what_is_beyond_a_limit_needs_attention_before_anything_fails():
    verdict = assess(replace(SOUND, alerts=("free disk space: 1.0 MB, below the limit of 500.0 MB (setting)",)))
    assert verdict.condition is Condition.STRAINED
    assert verdict.remarks == ("Free disk space: 1.0 MB, below the limit of 500.0 MB (setting).",)


def test_a_failed_probe_and_writes_that_were_set_aside_need_attention():
    status = replace(SOUND, probe=Probe(at_ms=0, detail="the lock was not to be had"), dead_letters=2)
    assert assess(status).remarks == (
        "The last probe failed: the lock was not to be had.",
        "2 writes that waited kept failing and are set aside for an operator.",
    )


def test_what_to_change_comes_before_the_numbers():
    embed = database_health(SOUND, ["Raise database.readers (now 4)."], with_paths=False)
    assert (embed.fields[0].name, embed.fields[0].value) == (
        "What to change",
        r"• Raise database.readers \(now 4\).",
    )


def test_only_operators_see_sql():
    status = replace(SOUND, slow_statements=(SLOW,))
    for_admins = str(database_health(status, with_paths=False).to_dict())
    assert "economy.history" in for_admins
    assert "reads a whole table" in for_admins
    assert "SELECT" not in for_admins
    assert "SELECT" in str(database_health(status, with_paths=True).to_dict())


def test_how_long_ago_the_probe_was_is_said():
    embed = database_health(SOUND, with_paths=False, now_ms=1_700_000_012_000)
    assert {field.name: field.value for field in embed.fields}["Connection"] == (
        "connected, 5 open\nup 1 h\nprobed 12 s ago: sound"
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
    ("seconds", "text"), [(-5, "0 s"), (59, "59 s"), (60, "1 min"), (7_200, "2 h"), (200_000, "2 d")]
)
def test_ages_are_said_as_people_say_them(seconds: float, text: str):
    assert age(seconds) == text


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
        alerts=st.lists(st.text(max_size=2000), max_size=10).map(tuple),
        probe=st.none() | st.builds(Probe, at_ms=st.integers(0, 2**62), detail=st.text(max_size=2000)),
        slowest=st.lists(st.tuples(st.text(max_size=2000), st.builds(Work)), max_size=10).map(tuple),
        slow_statements=st.lists(
            st.builds(replace, st.just(SLOW), name=st.text(max_size=2000), sql=st.text(max_size=2000)), max_size=10
        ).map(tuple),
    ),
    st.lists(st.text(max_size=2000), max_size=10),
    st.booleans(),
)
def test_any_state_makes_an_embed_that_discord_takes(status: Status, advice: list[str], with_paths: bool):
    embed = database_health(status, advice, with_paths=with_paths)
    assert embed.title
    assert len(embed) <= 6000
    assert len(embed.description or "") <= embeds.MAX_TEXT
    assert all(0 < len(field.value or "") <= 1024 for field in embed.fields)
