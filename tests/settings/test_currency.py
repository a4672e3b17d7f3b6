"""What a currency may be called."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.replies import safe_text
from cogs.settings.currency import is_name, is_symbol
from cogs.settings.money import format_amount, parse_amount


@pytest.mark.parametrize("symbol", ["$", "€", "£", "₪", "kr", "USD", "C$", "円", "₿"])
def test_a_few_letters_or_signs_are_a_symbol(symbol: str):
    assert is_symbol(symbol)


@pytest.mark.parametrize(
    "symbol",
    ["", " ", "$ ", "1$", "-", ".", ",", "*", "_", "`", "@", "<#", "dollar", "א", "\u202e", "\u200b", "\0"],
)
def test_what_would_disturb_an_amount_or_its_message_is_no_symbol(symbol: str):
    assert not is_symbol(symbol)


@pytest.mark.parametrize("name", ["dollars", "U.S. dollars", "Liberty-Bucks 2", "people's yen", "крон"])
def test_words_are_a_name(name: str):
    assert is_name(name)


@pytest.mark.parametrize(
    "name",
    ["", " ", " dollars", "dollars ", "2 bits", "a\nb", "**bold**", "<@1>", "x" * 33, "a\u202eb", "a\0"],
)
def test_markup_and_invisible_characters_are_no_name(name: str):
    assert not is_name(name)


@given(st.text(st.characters(), min_size=1, max_size=4).filter(is_symbol))
def test_every_possible_symbol_can_be_shown_as_it_is_and_read_back(symbol: str):
    assert safe_text(symbol) == symbol
    assert parse_amount(format_amount(123_456, symbol), symbol=symbol) == 123_456
