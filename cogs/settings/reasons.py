"""What a refused change of the settings is called in words."""

from collections.abc import Callable, Mapping
from typing import Any, Final

REASONS: Final[Mapping[str, Callable[[Mapping[str, Any]], str]]] = {
    "BAD_SYMBOL": lambda _: "A currency symbol is one to four letters or signs, like `$`, `€` or `kr`.",
    "BAD_NAME": lambda _: "A currency name is up to 32 letters, digits and spaces, like `dollars`.",
    "BAD_AMOUNT": lambda details: f"That is no possible value for `{details['setting']}`.",
    "EVERYONE_IS_NO_ADMIN": lambda _: "The admin role cannot be @everyone: everybody would be an admin.",
}
