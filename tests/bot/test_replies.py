"""Outcomes in words, and strangers' text made harmless."""

import re
import string
import unicodedata
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.replies import safe_text, sentence
from db import Outcome, WriteResult

REASONS = {"INSUFFICIENT_FUNDS": lambda details: f"You have only {details['available_cents']} cents."}


def result(outcome: Outcome, reason: str, **more: Any) -> WriteResult[None]:
    return WriteResult(outcome=outcome, reason=reason, operation_id="1:pay", **more)


def test_a_rejection_is_worded_by_its_feature():
    rejected = result(Outcome.REJECTED, "INSUFFICIENT_FUNDS", details={"available_cents": 12})
    assert sentence(rejected, REASONS) == "You have only 12 cents."


def test_a_rejection_that_its_feature_forgot_still_says_that_nothing_changed():
    assert "Nothing was changed" in sentence(result(Outcome.REJECTED, "ODD_REASON"), REASONS)


def test_a_failure_has_its_error_id():
    failed = result(Outcome.FAILED, "OFFLINE", better_text="The database is away.", error_id="E-ABC123")
    assert sentence(failed, REASONS) == "The database is away.\n-# Error E-ABC123"


def test_a_failure_is_not_worded_as_a_rejection_of_the_same_name():
    failed = result(Outcome.FAILED, "INSUFFICIENT_FUNDS", better_text="Something else.")
    assert sentence(failed, REASONS) == "Something else."


def test_an_unknown_outcome_says_not_to_repeat_it():
    assert "do not repeat" in sentence(result(Outcome.UNKNOWN, "CONNECTION_LOST"), REASONS)


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ("plain words, 1,234.56 and ümläuts", "plain words, 1,234.56 and ümläuts"),
        ("**bold** _it_ ~~no~~ ||spoiler||", r"\*\*bold\*\* \_it\_ \~\~no\~\~ \|\|spoiler\|\|"),
        ("[a link](https://evil.example)", r"\[a link\]\(https://evil.example\)"),
        ("`code`", r"\`code\`"),
        ("# big\n> quoted\n- item\n1. first", "\\# big\n\\> quoted\n\\- item\n\\1. first"),
        ("-# small", "\\-# small"),
        ("a - b # c + d", "a - b # c + d"),
        ("@everyone and @here", "@\u200beveryone and @\u200bhere"),
        ("<@123456789012345678> <#1> <@&2>", r"\<@123456789012345678\> \<#1\> \<@&2\>"),
        ("\u202egnp.exe\u202c", "gnp.exe"),
        ("\u2066left\u2069 \u200bzero\u200d \ufeffmark", "left zero mark"),
        ("soft\u00adhyphen \u3164filler \u2800blank", "softhyphen filler blank"),
        ("bell\x07 nul\x00 tab\tend", "bell nul tab end"),
        ("two\r\nlines\u2028three", "two\n\nlines\nthree"),
        ("\ud800lone", "lone"),
        ("", ""),
    ],
)
def test_text_from_strangers_is_shown_as_text(given: str, shown: str):
    assert safe_text(given) == shown


@given(st.text())
def test_nothing_invisible_nor_reordering_gets_through(text: str):
    shown = safe_text(text).replace("@\u200b", "@")
    assert not {unicodedata.category(each) for each in shown if each != "\n"} & {"Cc", "Cf", "Cs"}


@given(st.text(alphabet=st.sampled_from("*_~|`<>[]()\\@#-ab \n\u200b\u202e")))
def test_no_live_markdown_and_no_mention_is_left(text: str):
    shown = safe_text(text)
    bare = re.sub(r"\\[^\sa-z]", "x", shown)
    assert not re.search(r"[*_~|`<>\[\]()\\]", bare)
    assert not re.search(r"^\s*[#-]", bare, re.MULTILINE)
    assert "@everyone" not in shown.lower()


@given(st.text(alphabet=string.ascii_letters + string.digits + " äß漢字,.!?'"))
def test_ordinary_words_are_left_alone(text: str):
    assert safe_text(text) in {text, re.sub(r"(?m)^(\s*)(\d+\.\s)", r"\1\\\2", text)}
