"""A violated constraint in words, made from the schema's own names."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from db.errors import ConstraintViolated
from db.explanations import explain


@pytest.mark.parametrize(
    ("kind", "subject", "words"),
    [
        ("CHECK", "account_balance_not_negative", "it would break the rule “account balance not negative”"),
        ("CHECK", "cents >= 0", "it would break the rule “cents >= 0”"),
        (
            "UNIQUE",
            "account.guild_id, account.user_id",
            "there is already an account with the same guild and user",
        ),
        (
            "UNIQUE",
            "party.guild_id, party.name, party.era",
            "there is already a party with the same guild, name and era",
        ),
        ("UNIQUE", "index 'party_name_once'", "it would break the rule “party name once”"),
        ("NOT NULL", "payment.actor_id", "a payment has no actor"),
        ("TYPE", "ledger_entry.amount_cents", "a ledger entry cannot have such a value as its amount"),
        (
            "FOREIGN KEY",
            "",
            "it refers to something that does not exist, or something else still refers to it",
        ),
        ("TRIGGER", "reactions are permanent", "reactions are permanent"),
    ],
)
def test_each_kind_of_violation_says_what_was_wrong(kind: str, subject: str, words: str):
    assert explain(kind, subject) == words
    error = ConstraintViolated("", kind=kind, subject=subject)
    assert error.text == f"This was not completed, and nothing was changed: {words}."


@given(st.sampled_from(["UNIQUE", "CHECK", "NOT NULL", "FOREIGN KEY", "TYPE", "TRIGGER", "?"]), st.text())
def test_whatever_sqlite_says_can_be_explained(kind: str, subject: str):
    assert isinstance(explain(kind, subject), str)
