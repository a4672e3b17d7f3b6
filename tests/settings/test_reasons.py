"""Every refusal of /setup has its words."""

import pytest

from cogs.settings.reasons import REASONS


@pytest.mark.parametrize("reason", ["BAD_SYMBOL", "BAD_NAME", "BAD_AMOUNT", "EVERYONE_IS_NO_ADMIN"])
def test_a_refusal_is_a_sentence(reason: str):
    assert REASONS[reason]({"setting": "opening_balance"}).endswith((".", "`"))
