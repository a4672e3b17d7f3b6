"""A log that is kept open: room reserved, torn ends and damage told apart from what is whole, failures taken back."""

import errno
import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as options
from hypothesis import strategies as st

from db import appendlog
from db.appendlog import AppendLog, DoubtfulAppend, LogFull, read_log

CAPACITY = 4096
RECORDS: list[dict[str, Any]] = [{"n": number, "text": "naïve\n\0" * number} for number in range(1, 6)]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "waiting.log"


@pytest.fixture
def log(path: Path) -> Iterator[AppendLog]:
    log = AppendLog(path, capacity_bytes=CAPACITY)
    log.open()
    yield log
    log.close()


def written(path: Path) -> bytes:
    """The file as five appends leave it."""
    log = AppendLog(path, capacity_bytes=CAPACITY)
    log.open()
    for record in RECORDS:
        log.append([record])
    log.close()
    return path.read_bytes()


def reopened(path: Path) -> list[dict[str, Any]]:
    log = AppendLog(path, capacity_bytes=CAPACITY)
    records = log.open().records
    log.close()
    return records


def kept_aside(path: Path) -> list[bytes]:
    return [each.read_bytes() for each in path.parent.glob("waiting.log.damaged-*")]


@contextmanager
def files_no_longer_than(length: int) -> Iterator[None]:
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (length, usual[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)


def test_its_room_on_the_disk_is_its_own_from_the_start(log: AppendLog, path: Path):
    assert path.stat().st_blocks * 512 >= CAPACITY
    log.append(RECORDS)
    assert path.stat().st_size == CAPACITY
    assert reopened(path) == read_log(path) == RECORDS
    assert path.stat().st_mode & 0o777 == 0o600


def test_it_holds_what_it_may_and_refuses_more_whole(log: AppendLog, path: Path):
    held: list[dict[str, Any]] = []
    while len(held) < CAPACITY:
        record = {"n": len(held)}
        try:
            log.append([record, record])
        except LogFull:
            break
        held += [record, record]
    assert len(held) > 20
    assert read_log(path) == held
    assert path.stat().st_size == CAPACITY


def test_written_anew_it_has_room_again(log: AppendLog, path: Path):
    log.append([{"text": "x" * 3000}])
    with pytest.raises(LogFull):
        log.append([{"text": "x" * 3000}])
    log.rewrite([{"n": 2}])
    log.append([{"n": 3}])
    assert reopened(path) == [{"n": 2}, {"n": 3}]
    assert path.stat().st_size == CAPACITY


def test_cut_at_any_byte_the_whole_records_remain_and_nothing_of_the_rest_is_thrown_away(path: Path):
    whole = written(path)
    content = whole.rstrip(b"\0")
    for length in range(len(content)):
        torn = content[:length] + bytes(CAPACITY - length)
        path.write_bytes(torn)
        complete = content[:length].count(b"\n")
        log = AppendLog(path, capacity_bytes=CAPACITY)
        contents = log.open()
        assert (contents.records, contents.damage) == (RECORDS[:complete], [])
        log.append([{"n": "next"}])
        log.close()
        assert read_log(path) == [*RECORDS[:complete], {"n": "next"}]
        is_torn = not content[:length].endswith(b"\n") and length > 0
        assert kept_aside(path) == ([torn] if is_torn else [])
        for each in path.parent.glob("*.damaged-*"):
            each.unlink()


@options(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_altered_byte_costs_the_lines_it_is_in_and_the_original_is_kept(path: Path, data: st.DataObject):
    whole = written(path)
    position = data.draw(st.integers(0, len(whole.rstrip(b"\0")) - 1))
    altered = bytearray(whole)
    altered[position] ^= data.draw(st.integers(1, 255))
    path.write_bytes(altered)
    try:
        found = reopened(path)
        number = whole[:position].count(b"\n")
        hit = {number, number + 1} if whole[position : position + 1] == b"\n" else {number}
        assert [record for record in RECORDS if record in found] == found
        assert all(record in found for index, record in enumerate(RECORDS) if index not in hit)
        assert kept_aside(path) == [bytes(altered)]
        assert reopened(path) == found
    finally:
        for each in path.parent.iterdir():
            each.unlink()


def test_an_append_that_fails_leaves_nothing_that_would_be_found_later(path: Path):
    """The author of what did not fit on the disk was told so: it must not turn up after a restart."""
    log = AppendLog(path, capacity_bytes=CAPACITY)
    with files_no_longer_than(0):
        contents = log.open()
        assert contents.records == []
    with files_no_longer_than(100):
        log.append([{"n": 1}])
        with pytest.raises(OSError, match="File too large"):
            log.append([{"text": "x" * 200}])
    assert read_log(path) == [{"n": 1}]
    log.append([{"n": 2}])
    log.close()
    assert reopened(path) == [{"n": 1}, {"n": 2}]
    assert kept_aside(path) == []


def test_where_not_even_that_can_be_undone_it_says_so_and_is_made_new(
    log: AppendLog, path: Path, monkeypatch: pytest.MonkeyPatch
):
    log.append([{"n": 1}])

    def broken(_fd: int) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as disk:
        disk.setattr(appendlog.os, "fsync", broken)
        with pytest.raises(DoubtfulAppend):
            log.append([{"n": 2}])
    assert not log.usable
    with pytest.raises(OSError, match="is not open"):
        log.append([{"n": 3}])
    log.rewrite([{"n": 1}])
    log.append([{"n": 4}])
    assert reopened(path) == [{"n": 1}, {"n": 4}]


@pytest.mark.parametrize("call", ["posix_fallocate", "pwrite", "fsync", "link", "rename"])
def test_a_disk_that_fails_while_it_is_written_anew_leaves_the_old_one(
    log: AppendLog, path: Path, monkeypatch: pytest.MonkeyPatch, call: str
):
    log.append(RECORDS)

    def broken(*_: object, **__: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with monkeypatch.context() as disk:
        disk.setattr(appendlog.os, call, broken)
        try:
            log.rewrite(RECORDS[:1])
        except OSError:
            assert read_log(path) == RECORDS
            assert not path.with_name("waiting.log.new").exists() or call == "rename"
        else:
            assert call in ("posix_fallocate", "link", "rename")
            assert read_log(path) == RECORDS[:1]


def test_closing_twice_is_harmless(log: AppendLog):
    log.close()
    log.close()
