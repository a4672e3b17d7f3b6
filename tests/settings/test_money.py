"""Amounts as people write them."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.settings.money import MAX_CENTS, BadAmount, format_amount, parse_amount


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("$1,234.56", 123456),
        ("1234", 123400),
        ("1,234", 123400),
        ("1234.5", 123450),
        ("0.01", 1),
        ("  $ 12.30 ", 1230),
        ("12.30$", 1230),
        ("007", 700),
        ("1,000,000,000,000,000", MAX_CENTS),
    ],
)
def test_an_amount_is_read_as_it_is_meant(text: str, cents: int):
    assert parse_amount(text) == cents


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "Say how much"),
        ("   ", "Say how much"),
        ("$", "not an amount"),
        ("-5", "cannot be negative"),
        ("-$5", "cannot be negative"),
        ("$-5", "cannot be negative"),
        ("\N{MINUS SIGN}5", "cannot be negative"),
        ("0", "more than zero"),
        ("$0.00", "more than zero"),
        ("1.234", "two decimals"),
        ("0.001", "two decimals"),
        ("1,234.567", "two decimals"),
        ("ten", "not an amount"),
        ("1 dollar", "not an amount"),
        ("$$5", "not an amount"),
        ("0x10", "not an amount"),
        ("1_000", "not an amount"),
        ("NaN", "not an amount"),
        ("Infinity", "not an amount"),
        ("+5", "not an amount"),
        ("٣٤", "digits 0 to 9"),
        ("१२", "digits 0 to 9"),
        ("\N{FULLWIDTH DIGIT ONE}2", "digits 0 to 9"),
        ("½", "digits 0 to 9"),
        ("1e5", "without an exponent"),
        ("1E+5", "without an exponent"),
        ("12,34", "Commas group thousands"),
        ("1,2345", "Commas group thousands"),
        ("1234,567", "Commas group thousands"),
        ("1.234,56", "Commas group thousands"),
        (",5", "Commas group thousands"),
        ("5.", "Commas group thousands"),
        (".5", "Commas group thousands"),
        ("1 000", "Commas group thousands"),
        ("1.2.3", "Commas group thousands"),
        ("1,000,000,000,000,000.01", "too large"),
        ("9" * 30, "too large"),
        ("9" * 5000, "too large"),
        ("x" * 5000, "too long"),
        ("5\0", "not an amount"),
        ("5\u202e", "not an amount"),
    ],
)
def test_what_is_no_amount_is_refused_and_says_why(text: str, why: str):
    with pytest.raises(BadAmount, match=why):
        parse_amount(text)


def test_zero_is_an_amount_where_it_makes_sense():
    assert parse_amount("$0", allow_zero=True) == 0
    with pytest.raises(BadAmount, match="negative"):
        parse_amount("-1", allow_zero=True)


@pytest.mark.parametrize("text", ["kr5", "KR 5.00", "5kr", "5"])
def test_the_guilds_own_symbol_is_optional_on_either_side(text: str):
    assert parse_amount(text, symbol="kr") == 500


def test_another_currencys_symbol_is_refused():
    with pytest.raises(BadAmount, match="not an amount"):
        parse_amount("$5", symbol="€")


@pytest.mark.parametrize(
    ("cents", "text"),
    [(0, "$0.00"), (5, "$0.05"), (-123456, "-$1,234.56"), (MAX_CENTS, "$1,000,000,000,000,000.00")],
)
def test_an_amount_is_written_with_groups_and_cents(cents: int, text: str):
    assert format_amount(cents) == text


@given(cents=st.integers(1, MAX_CENTS), symbol=st.sampled_from(["$", "€", "kr", "USD", "₿"]))
def test_what_is_written_is_read_back_as_the_same_amount(cents: int, symbol: str):
    assert parse_amount(format_amount(cents, symbol), symbol=symbol) == cents


@given(text=st.text(alphabet=st.sampled_from("0123456789,.$-eE +٣\0x"), max_size=30) | st.text())
def test_any_text_is_a_possible_amount_or_refused_in_words(text: str):
    """No other exception ever comes out, and no amount out of range."""
    with contextlib.suppress(BadAmount):
        assert 0 < parse_amount(text) <= MAX_CENTS
