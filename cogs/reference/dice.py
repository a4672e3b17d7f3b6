"""Dice notation: `2d6+3` is two six-sided dice and three. Knows no Discord."""

import re
from dataclasses import dataclass
from random import Random

MAX_DICE = 100
MIN_SIDES, MAX_SIDES = 2, 1_000
MAX_MODIFIER = 10_000  # more than any hundred dice need; keeps the answer short

# ASCII digits only: `\d` would also take other scripts' digits.
NOTATION = re.compile(r"([0-9]{0,9})d([0-9]{1,9})(?:([+-])([0-9]{1,9}))?", re.IGNORECASE)


class BadDiceError(ValueError):
    """Not a roll we make; the message is for the player."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Dice:
    count: int
    sides: int
    modifier: int

    def __str__(self) -> str:
        return f"{self.count}d{self.sides}" + (f"{self.modifier:+d}" if self.modifier else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Roll:
    dice: Dice
    faces: tuple[int, ...]  # in the order they fell

    @property
    def total(self) -> int:
        return sum(self.faces) + self.dice.modifier

    @property
    def sum(self) -> str:
        """How the total comes about: `4 + 6 - 1`."""
        modifier = self.dice.modifier
        faces = " + ".join(map(str, self.faces))
        return f"{faces} {'+' if modifier > 0 else '-'} {abs(modifier)}" if modifier else faces


def parse(text: str) -> Dice:
    """Raises BadDiceError with what is allowed."""
    found = NOTATION.fullmatch("".join(text.split()))
    if found is None:
        raise BadDiceError("I read dice like `d20`, `2d6` or `4d8-1`.")
    count, sides, sign, modifier = found.groups()
    dice = Dice(count=int(count or 1), sides=int(sides), modifier=int(f"{sign or ''}{modifier or 0}"))
    if not 1 <= dice.count <= MAX_DICE:
        raise BadDiceError(f"Between 1 and {MAX_DICE} dice, please.")
    if not MIN_SIDES <= dice.sides <= MAX_SIDES:
        raise BadDiceError(f"A die has between {MIN_SIDES} and {MAX_SIDES:,} sides.")
    if abs(dice.modifier) > MAX_MODIFIER:
        raise BadDiceError(f"Add or subtract at most {MAX_MODIFIER:,}.")
    return dice


def roll(dice: Dice, random: Random) -> Roll:
    return Roll(dice=dice, faces=tuple(random.randint(1, dice.sides) for _ in range(dice.count)))
