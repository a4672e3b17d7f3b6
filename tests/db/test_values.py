"""What may be a parameter: everything that is the same after it was stored, and nothing else."""

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from db import Context, DatabaseManager, ParameterError, Rejected, Transaction, operation
from tests.conftest import Scratch
from tests.db.feature import by, fill, journaled

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
INTEGERS = st.integers(-(2**63), 2**63 - 1)
NUMBERS = INTEGERS | st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)

UNFIT = [
    object(),
    b"bytes",
    {1, 2},
    (1, 2),
    {1: "one"},
    [[{"deep": math.nan}]],
    math.inf,
    2**63,
    -(2**63) - 1,
    "nul\0",
    "half \ud83d",
    {"key\0": 1},
]


@operation("test.echo")
def echo(_: Transaction, *, said: Any) -> Any:
    return said


@operation("test.refuse")
def refuse(_: Transaction, *, said: Any) -> None:
    raise Rejected("NO", said=said)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=JSON)
def test_for_any_storable_value_the_second_answer_is_the_first(scratch: Scratch, said: Any):
    number = scratch.rows("SELECT count(*) FROM journal")[0][0]
    for what in (echo, refuse):
        name = f"{what.name}:{number}"
        first, second = (scratch.run(what, operation_id=name, said=said) for _ in range(2))
        assert second.repeated
        assert (first.answer, first.details) == (second.answer, second.details)
        assert repr(second.answer if second.ok else second.details["said"]) == repr(said)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(said=JSON, other=JSON)
def test_for_any_two_values_that_differ_the_id_is_refused_as_reused(scratch: Scratch, said: Any, other: Any):
    number = scratch.rows("SELECT count(*) FROM journal")[0][0]
    name = f"pair:{number}"
    scratch.run(echo, operation_id=name, said=said)
    again = scratch.run(echo, operation_id=name, said=other)
    assert (again.reason == "ID_REUSED") is (repr(_in_order(said)) != repr(_in_order(other)))


def _in_order(value: Any) -> Any:
    """A dict's order is no content."""
    if isinstance(value, dict):
        return {key: _in_order(value[key]) for key in sorted(value)}
    return [_in_order(each) for each in value] if isinstance(value, list) else value


@pytest.mark.parametrize("value", UNFIT, ids=repr)
async def test_what_could_not_be_stored_is_refused_before_anything_is_tried(db: DatabaseManager, value: Any):
    with pytest.raises(ParameterError, match="said"):
        await db.write(echo, by("echo:1"), said=value)
    assert await db.read(journaled) == []


@pytest.mark.parametrize("value", UNFIT, ids=repr)
def test_a_refusal_cannot_bear_it_either(value: Any):
    with pytest.raises(ParameterError):
        Rejected("NO", said=value)


@pytest.mark.parametrize("name", ["", "x" * 201, "line\nbreak", "half \ud83d", "nul\0"])
def test_an_operation_id_is_one_line_of_at_most_two_hundred_characters(name: str):
    with pytest.raises(ParameterError):
        Context(operation_id=name, actor=1, guild=1)


@pytest.mark.parametrize("ids", [{"actor": 2**63, "guild": 1}, {"actor": 1, "guild": -(2**63) - 1}])
def test_ids_have_sixty_four_bits(ids: dict[str, int]):
    with pytest.raises(ParameterError):
        Context(operation_id="x", **ids)


async def test_operations_take_their_parameters_by_name(db: DatabaseManager):
    with pytest.raises(TypeError, match="keyword"):
        await db.write(fill, by("fill:1"), 1, 5)  # type: ignore[misc]
