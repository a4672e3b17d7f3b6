"""What may be a currency's symbol and name: short, visible, and harmless wherever it is shown."""

import unicodedata

LONGEST_SYMBOL = 4
LONGEST_NAME = 32

# Letters and currency signs; none of them is a digit, markdown, a mention, or part of a number.
_SYMBOL_CATEGORIES = frozenset({"Lu", "Ll", "Lo", "Sc", "So"})
_NAME_CATEGORIES = frozenset({"Lu", "Ll", "Lo", "Nd"})
_NAME_PUNCTUATION = frozenset(" '.-")
# Text that runs from right to left would turn the amount beside it around.
_LEFT_TO_RIGHT = frozenset({"L", "ET", "ON"})


def is_symbol(text: str) -> bool:
    """`$`, `€`, `kr`, `USD`: one to four letters or signs, without spaces or digits."""
    return 1 <= len(text) <= LONGEST_SYMBOL and all(
        unicodedata.category(char) in _SYMBOL_CATEGORIES and unicodedata.bidirectional(char) in _LEFT_TO_RIGHT
        for char in text
    )


def is_name(text: str) -> bool:
    """`dollars`, `U.S. dollars`: letters, digits, spaces, and ' . - between them."""
    return (
        1 <= len(text) <= LONGEST_NAME
        and text == text.strip()
        and text[:1].isalpha()
        and all(char in _NAME_PUNCTUATION or unicodedata.category(char) in _NAME_CATEGORIES for char in text)
    )
