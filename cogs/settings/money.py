"""Amounts of money as people write and read them; inside, money is whole cents.

Digits are 0 to 9, commas may group thousands, a point parts the cents: `$1,234.56`, `1234`, `1,234.5`.
"""

import re

# One quadrillion, 10^17 cents: more than any economy has, and a sum that 64 bits hold with room to spare.
# No guild can issue more (migrations/0003_economy.sql), so no balance and no total can overflow.
MAX_CENTS = 10**17

_PLAIN = re.compile(r"(?P<whole>[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.(?P<cents>[0-9]{1,2}))?")
_TOO_PRECISE = re.compile(r"[0-9,]+\.[0-9]{3,}")
_EXPONENT = re.compile(r"[0-9.,]+[eE][+-]?[0-9]+")
_NUMBERLIKE = re.compile(r"[0-9.,' ]*[0-9][0-9.,' ]*")
# Longer than the largest amount with every comma; what is longer is not worth a number's parsing.
_LONGEST = 40


class BadAmount(ValueError):
    """The text is no amount of money; the message says to its author why."""


def parse_amount(text: str, *, symbol: str = "$", allow_zero: bool = False) -> int:
    """The cents that `text` means; `symbol` may stand before or after the number. Raises BadAmount."""
    number = text.strip()
    if not number:
        raise BadAmount("Say how much, for example `1,234.56`.")
    bare = _without(number, symbol)
    if bare.startswith(("-", "\N{MINUS SIGN}")) or number.startswith(("-", "\N{MINUS SIGN}")):
        raise BadAmount("An amount cannot be negative.")
    match = _PLAIN.fullmatch(bare)
    if match is None:
        raise BadAmount(_why_not(bare))
    cents = _cents(match["whole"].replace(",", ""), match["cents"] or "")
    if cents == 0 and not allow_zero:
        raise BadAmount("An amount must be more than zero.")
    return cents


def format_amount(cents: int, symbol: str = "$") -> str:
    """`-123456` as `-$1,234.56`."""
    whole, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{symbol}{whole:,}.{rest:02}"


def _without(number: str, symbol: str) -> str:
    """The number alone: one symbol is taken off, at either end."""
    if number.casefold().startswith(symbol.casefold()):
        return number[len(symbol) :].strip()
    if number.casefold().endswith(symbol.casefold()):
        return number[: -len(symbol)].strip()
    return number


def _cents(whole: str, cents: str) -> int:
    # Compared by length first: Python refuses to convert thousands of digits, and nobody has that much.
    digits = whole.lstrip("0")
    if len(digits) > len(str(MAX_CENTS)) or (value := int(digits + cents.ljust(2, "0"))) > MAX_CENTS:
        raise BadAmount(f"That is too large: the most there can be is `{format_amount(MAX_CENTS, '')}`.")
    return value


def _why_not(number: str) -> str:
    if len(number) > _LONGEST:
        return "That is too long to be an amount."
    if any(char.isnumeric() and not char.isascii() for char in number):
        return "Please write the amount with the digits 0 to 9."
    if _TOO_PRECISE.fullmatch(number):
        return "An amount has at most two decimals, for example `1,234.56`."
    if _EXPONENT.fullmatch(number):
        return "Please write the amount out, without an exponent."
    if _NUMBERLIKE.fullmatch(number):
        return "Commas group thousands and a point parts the cents, for example `1,234.56`."
    return "That is not an amount. Write it like `1,234.56`."
