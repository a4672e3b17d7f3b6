"""The journal's chain: what was stored cannot be changed, left out or moved without being found."""

import hashlib
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import JournalReport, Rejected, Transaction, journal, operation, verification
from tests.conftest import Scratch


@operation("test.say")
def say(_: Transaction, *, word: str) -> str:
    if word == "no":
        raise Rejected("REFUSED", word=word)
    return word


@pytest.fixture
def spoken(scratch: Scratch) -> Scratch:
    """Six rows, the third of them a refusal."""
    for word in ("one", "two", "no", "four", "five", "six"):
        scratch.run(say, operation_id=f"say:{word}", word=word)
    return scratch


def verify(scratch: Scratch) -> JournalReport:
    return verification.verify(scratch.connection)


def test_an_untouched_journal_verifies_and_names_its_head(spoken: Scratch):
    report = verify(spoken)
    (last,) = spoken.rows("SELECT chain FROM journal WHERE seq = 6")[0]
    assert (report.ok, report.rows, report.erased, report.head) == (True, 6, 0, last.hex())


def test_an_empty_journal_verifies(scratch: Scratch):
    assert verify(scratch) == JournalReport(0, 0, "00" * 32, ())


def test_refusals_are_journaled_beside_what_was_committed(spoken: Scratch):
    outcomes = [outcome for (outcome,) in spoken.rows("SELECT outcome FROM journal ORDER BY seq")]
    assert outcomes == ["committed", "committed", "rejected", "committed", "committed", "committed"]


@pytest.mark.parametrize(
    "change",
    [
        "operation_id = 'say:other'",
        "name = 'test.other'",
        "guild_id = 8",
        "guild_id = -1",
        "at_ms = at_ms + 1",
        "at_ms = -1",
        "outcome = 'rejected'",
        "outcome = 'event'",
        "commitment = zeroblob(32)",
        "chain = zeroblob(32)",
    ],
)
def test_an_altered_row_is_found(spoken: Scratch, change: str):
    spoken.rows(f"UPDATE journal SET {change} WHERE seq = 4")  # noqa: S608
    assert "row 4" in verify(spoken).problems[0]


def test_text_that_is_no_unicode_is_found_not_fatal(spoken: Scratch):
    spoken.rows("UPDATE journal SET name = CAST(x'ff' AS TEXT) WHERE seq = 4")
    assert "row 4" in verify(spoken).problems[0]


@pytest.mark.parametrize("seq", [1, 3, 5])
def test_a_missing_row_is_found(spoken: Scratch, seq: int):
    spoken.rows("DELETE FROM journal WHERE seq = ?", seq)
    assert verify(spoken).problems[0] == f"row {seq} is missing: the next one is {seq + 1}"


def test_rows_closed_up_after_a_removal_are_found(spoken: Scratch):
    spoken.rows("DELETE FROM journal WHERE seq = 2")
    spoken.rows("PRAGMA foreign_keys = OFF")
    for table in ("journal", "journal_payload"):
        for seq in (3, 4, 5, 6):
            spoken.rows(f"UPDATE {table} SET seq = ? WHERE seq = ?", seq - 1, seq)  # noqa: S608
    assert "row 2" in verify(spoken).problems[0]


def test_two_rows_that_changed_places_are_found(spoken: Scratch):
    spoken.rows("PRAGMA foreign_keys = OFF")
    for before, after in ((2, 99), (4, 2), (99, 4)):
        spoken.rows("UPDATE journal SET seq = ? WHERE seq = ?", after, before)
        spoken.rows("UPDATE journal_payload SET seq = ? WHERE seq = ?", after, before)
    problems = " ".join(verify(spoken).problems)
    assert "row 2 ('say:four')" in problems
    assert "row 4 ('say:two')" in problems


@pytest.mark.parametrize("change", ["payload = replace(payload, 'four', 'five')", "salt = zeroblob(16)"])
def test_an_altered_payload_is_found(spoken: Scratch, change: str):
    spoken.rows(f"UPDATE journal_payload SET {change} WHERE seq = 4")  # noqa: S608
    assert verify(spoken).problems == ("row 4 ('say:four'): its payload is not the one committed to",)


def test_a_payload_without_a_row_is_found(spoken: Scratch):
    spoken.rows("PRAGMA foreign_keys = OFF")
    spoken.rows("INSERT INTO journal_payload (seq, salt, payload) VALUES (99, x'00', '{}')")
    assert verify(spoken).problems == ("1 payloads belong to no row",)


def test_an_erased_payload_leaves_the_chain_whole(spoken: Scratch):
    spoken.rows("DELETE FROM journal_payload WHERE seq = 4")
    report = verify(spoken)
    assert (report.ok, report.rows, report.erased) == (True, 6, 1)


@pytest.mark.parametrize(("word", "outcome"), [("four", "committed"), ("no", "rejected")])
def test_an_erased_answer_is_said_to_be_erased_and_nothing_runs_again(spoken: Scratch, word: str, outcome: str):
    spoken.rows("DELETE FROM journal_payload WHERE seq IN (3, 4)")
    again = spoken.run(say, operation_id=f"say:{word}", word=word)
    assert (again.outcome, again.reason, again.repeated) == (outcome, "ANSWER_ERASED", True)
    assert verify(spoken).rows == 6


def test_time_does_not_go_backwards_when_the_clock_does(spoken: Scratch):
    spoken.now_ms -= 3_600_000
    seen: list[int] = []

    @operation("test.what_time")
    def when(tx: Transaction) -> None:
        seen.append(tx.now)

    spoken.run(when)
    times = [at_ms for (at_ms,) in spoken.rows("SELECT at_ms FROM journal ORDER BY seq")]
    assert times == sorted(times)
    assert seen == [times[-1]]


# The format is for good: whoever changes a value here cuts every journal in the field off from its past.
_FIRST = "f555d18880491ed0f14157cb076edfaa5023690b558af78f75e8c73be1c64681"
_SECOND = "6bb8637bf95ff9083e74ed74941900acd8036b77c119ab5d80b9336749f9f32e"


def test_the_format_of_the_chain_is_for_good(scratch: Scratch, monkeypatch: pytest.MonkeyPatch):
    salts = iter((bytes(range(16)), bytes(range(16, 32))))
    monkeypatch.setattr(journal.os, "urandom", lambda _: next(salts))
    chapter = journal.Chapter(scratch.connection)
    chapter.add(journal.Entry("130:pay", "economy.transfer", -7, 1_700_000_000_123, "committed", b'{"v":1}'))
    chapter.add(journal.Entry("131:päy", "economy.transfer", 2**63 - 1, 1_700_000_000_124, "rejected", b"{}"))
    chapter.write()
    rows = scratch.rows("SELECT commitment, chain FROM journal ORDER BY seq")
    assert rows[0][0] == hashlib.sha256(bytes(range(16)) + b'{"v":1}').digest()
    assert [chain.hex() for _, chain in rows] == [_FIRST, _SECOND]
    assert verify(scratch).ok


def test_the_chain_can_be_followed_by_hand(spoken: Scratch):
    """An auditor needs nothing of ours: the description in the module's docstring is enough."""
    previous = bytes(32)
    for seq, *fields, chain in spoken.rows(
        "SELECT seq, operation_id, name, guild_id, at_ms, outcome, commitment, chain FROM journal ORDER BY seq"
    ):
        digest = hashlib.sha256(b"rollcall-journal-1")
        for field in (previous, seq, *fields):
            raw: Any = field.to_bytes(8, "big", signed=True) if isinstance(field, int) else field
            raw = raw.encode() if isinstance(raw, str) else raw
            digest.update(len(raw).to_bytes(4, "big") + raw)
        assert chain == digest.digest()
        previous = chain


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(
    byte=st.integers(0, 31),
    bit=st.integers(0, 7),
    seq=st.integers(1, 6),
    column=st.sampled_from(["chain", "commitment"]),
)
def test_for_any_flipped_bit_of_a_hash_it_is_found(spoken: Scratch, byte: int, bit: int, seq: int, column: str):
    (good,) = spoken.rows(f"SELECT {column} FROM journal WHERE seq = ?", seq)[0]  # noqa: S608
    bad = bytearray(good)
    bad[byte] ^= 1 << bit
    spoken.rows(f"UPDATE journal SET {column} = ? WHERE seq = ?", bytes(bad), seq)  # noqa: S608
    assert f"row {seq} " in verify(spoken).problems[0]
    spoken.rows(f"UPDATE journal SET {column} = ? WHERE seq = ?", good, seq)  # noqa: S608
    assert verify(spoken).ok
