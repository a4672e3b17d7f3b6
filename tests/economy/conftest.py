from typing import Any

import pytest

from tests.economy.bank import Bank


@pytest.fixture
def bank(scratch: Any):
    return Bank(scratch)
