"""In which order what waits is carried out, whatever waits."""

from hypothesis import given
from hypothesis import strategies as st

from db import Context, Priority, Waiting
from db.replay import Turns

_entries = st.lists(st.tuples(st.integers(0, 4), st.sampled_from(Priority)), max_size=200)


def waiting(drawn: list[tuple[int, Priority]]) -> list[Waiting]:
    return [
        Waiting(
            number=number,
            operation="test",
            context=Context(operation_id=str(number), actor=actor, guild=1),
            params={},
            digest="",
            priority=priority,
            asked_at_ms=0,
        )
        for number, (actor, priority) in enumerate(drawn)
    ]


def one_by_one(entries: list[Waiting]) -> list[Waiting]:
    """The rule said plainly: of all actors' oldest entries, always the one with the best priority, then the oldest."""
    rest, order = list(entries), list[Waiting]()
    while rest:
        oldest = {entry.context.actor: entry for entry in reversed(rest)}
        order.append(min(oldest.values(), key=lambda entry: entry.turn))
        rest.remove(order[-1])
    return order


def batches(turns: Turns) -> list[list[Waiting]]:
    return list(iter(turns.next_batch, []))


@given(drawn=_entries)
def test_batches_follow_the_rule_and_never_hold_two_of_one_actor(drawn: list[tuple[int, Priority]]):
    entries = waiting(drawn)
    made = batches(Turns(reversed(entries)))
    assert [entry for batch in made for entry in batch] == one_by_one(entries)
    for batch in made:
        actors = [entry.context.actor for entry in batch]
        assert len(set(actors)) == len(actors)


@given(drawn=_entries, postponed=st.integers(0, 4))
def test_whoever_is_postponed_has_nothing_more_in_this_pass(drawn: list[tuple[int, Priority]], postponed: int):
    entries = waiting(drawn)
    turns = Turns(entries)
    first = turns.next_batch()
    turns.postpone(postponed)
    rest = [entry for batch in batches(turns) for entry in batch]
    assert postponed not in {entry.context.actor for entry in rest}
    everybody_else = [entry for entry in one_by_one(entries) if entry.context.actor != postponed]
    assert [entry for entry in first + rest if entry.context.actor != postponed] == everybody_else
