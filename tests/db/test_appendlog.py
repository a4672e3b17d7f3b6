"""The append-only log: a torn end is cut off, anything else that was touched is reported."""

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db.appendlog import DamagedLog, append_log, read_log

RECORDS: list[dict[str, Any]] = [{"kind": "generation", "n": number, "text": "naïve\n\0"} for number in (1, 2, 3)]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "manifest.log"
    for record in RECORDS:
        append_log(path, record)
    return path


def test_records_come_back_in_order(log: Path):
    assert read_log(log) == RECORDS


def test_an_absent_log_has_no_records(tmp_path: Path):
    assert read_log(tmp_path / "none.log") == []


def test_only_the_owner_may_read_it(log: Path):
    assert log.stat().st_mode & 0o777 == 0o600


def test_cut_at_any_byte_the_whole_records_remain_and_the_next_one_follows(log: Path):
    whole = log.read_bytes()
    for length in range(len(whole) + 1):
        log.write_bytes(whole[:length])
        complete = whole[:length].count(b"\n")
        assert read_log(log) == RECORDS[:complete]
        append_log(log, {"n": "next"})
        assert read_log(log) == [*RECORDS[:complete], {"n": "next"}]


@pytest.mark.parametrize("rest", [b"\0" * 200, b"\xff\xfe no line", b"0" * 64 + b" {}"])
def test_rubbish_after_the_last_line_is_a_torn_write(log: Path, rest: bytes):
    log.write_bytes(log.read_bytes() + rest)
    assert read_log(log) == RECORDS


@pytest.mark.parametrize("line", [0, 1, 2])
def test_a_line_left_out_or_doubled_is_reported(log: Path, line: int):
    lines = log.read_bytes().splitlines(keepends=True)
    if line < 2:  # the last line may be missing: that is what a torn write leaves
        log.write_bytes(b"".join(lines[:line] + lines[line + 1 :]))
        with pytest.raises(DamagedLog, match=f"line {line + 1}"):
            read_log(log)
    log.write_bytes(b"".join(lines[: line + 1] + lines[line:]))
    with pytest.raises(DamagedLog, match=f"line {line + 2}"):
        read_log(log)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_altered_byte_before_the_last_line_is_reported(log: Path, data: st.DataObject):
    whole = log.read_bytes()
    middle = len(whole.rstrip(b"\n").rpartition(b"\n")[0]) + 1
    position = data.draw(st.integers(0, middle - 1))
    altered = bytearray(whole)
    altered[position] ^= data.draw(st.integers(1, 255))
    log.write_bytes(altered)
    try:
        with pytest.raises(DamagedLog):
            read_log(log)
    finally:
        log.write_bytes(whole)


def test_nothing_is_appended_to_a_damaged_log(log: Path):
    damaged = log.read_bytes().replace(b'"n":1', b'"n":9')
    log.write_bytes(damaged)
    with pytest.raises(DamagedLog):
        append_log(log, {})
    assert log.read_bytes() == damaged
