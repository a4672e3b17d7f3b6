from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cogs.reference.dice import MAX_DICE, MAX_MODIFIER, MAX_SIDES, BadDiceError, Dice, parse, roll


@pytest.mark.parametrize(
    ("text", "dice"),
    [
        ("d20", Dice(count=1, sides=20, modifier=0)),
        ("2d6+3", Dice(count=2, sides=6, modifier=3)),
        (" 4 D 8 - 1 ", Dice(count=4, sides=8, modifier=-1)),
        ("100d1000", Dice(count=100, sides=1000, modifier=0)),
        ("1d2+0", Dice(count=1, sides=2, modifier=0)),
    ],
)
def test_dice_notation_is_read(text: str, dice: Dice):
    assert parse(text) == dice


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "I read dice like"),
        ("six", "I read dice like"),
        ("2d", "I read dice like"),
        ("2d6+", "I read dice like"),
        ("2d6+3+4", "I read dice like"),
        ("-2d6", "I read dice like"),
        ("٢d٦", "I read dice like"),
        ("2d6; DROP TABLE", "I read dice like"),
        ("9" * 4000 + "d6", "I read dice like"),
        ("0d6", "Between 1 and 100 dice"),
        ("101d6", "Between 1 and 100 dice"),
        ("2d1", "between 2 and 1,000 sides"),
        ("2d1001", "between 2 and 1,000 sides"),
        ("2d6+10001", "at most 10,000"),
        ("2d6-10001", "at most 10,000"),
    ],
)
def test_what_is_no_roll_is_refused_with_what_is_allowed(text: str, says: str):
    with pytest.raises(BadDiceError, match=says):
        parse(text)


@given(
    count=st.integers(1, MAX_DICE),
    sides=st.integers(2, MAX_SIDES),
    modifier=st.integers(-MAX_MODIFIER, MAX_MODIFIER),
    seed=st.integers(),
)
def test_a_roll_shows_every_die_within_its_sides_and_adds_up(count: int, sides: int, modifier: int, seed: int):
    dice = Dice(count=count, sides=sides, modifier=modifier)
    result = roll(parse(str(dice)), Random(seed))
    assert result.dice == dice
    assert len(result.faces) == count
    assert all(1 <= face <= sides for face in result.faces)
    assert result.total == sum(result.faces) + modifier
    assert result == roll(dice, Random(seed))
