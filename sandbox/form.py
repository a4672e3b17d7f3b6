"""Checking a payload the way Discord does: every fault is found, and each is reported where it is."""

from dataclasses import dataclass, field
from typing import Any, NoReturn

from sandbox.errors import DiscordError

Path = tuple[str | int, ...]


@dataclass(slots=True)
class Form:
    """Collects faults; `check()` raises them all as one 50035, with Discord's nested `errors`."""

    _errors: dict[str, Any] = field(default_factory=dict)

    @staticmethod
    def fail(name: str, code: str, message: str) -> NoReturn:
        form = Form()
        form.refuse((name,), code, message)
        form.check()
        raise AssertionError("a form with a fault did not fail")

    def refuse(self, path: Path, code: str, message: str) -> None:
        place = self._errors
        for step in path:
            place = place.setdefault(str(step), {})
        place.setdefault("_errors", []).append({"code": code, "message": message})

    def check(self) -> None:
        if self._errors:
            raise DiscordError(400, 50035, "Invalid Form Body", errors=self._errors, problem=True)

    def text(
        self,
        holder: dict[str, Any],
        name: str,
        path: Path,
        *,
        longest: int,
        shortest: int = 0,
        required: bool = False,
    ) -> str | None:
        """The text under `name`, or None where there is none or it is unfit."""
        value, path = holder.get(name), (*path, name)
        if value is None:
            if required:
                self.refuse(path, "BASE_TYPE_REQUIRED", "This field is required")
            return None
        if not isinstance(value, str):
            self.refuse(path, "STRING_TYPE_CONVERT", f"Could not interpret {value!r} as string.")
            return None
        if len(value) > longest and not shortest:
            self.refuse(path, "BASE_TYPE_MAX_LENGTH", _at_most(longest))
            return None
        if not shortest <= len(value) <= longest:
            if not value:
                self.refuse(path, "BASE_TYPE_REQUIRED", "This field is required")
            else:
                message = f"Must be between {shortest} and {longest} in length."
                self.refuse(path, "BASE_TYPE_BAD_LENGTH", message)
            return None
        return value

    def number(self, holder: dict[str, Any], name: str, path: Path, *, least: int, most: int) -> int | None:
        """The whole number under `name`, or None where there is none or it is unfit."""
        value, path = holder.get(name), (*path, name)
        if value is None:
            return None
        if not isinstance(value, int) or isinstance(value, bool):
            self.refuse(path, "NUMBER_TYPE_COERCE", f'Value "{value}" is not int.')
        elif value < least:
            self.refuse(path, "NUMBER_TYPE_MIN", f"int value should be greater than or equal to {least}.")
        elif value > most:
            self.refuse(path, "NUMBER_TYPE_MAX", f"int value should be less than or equal to {most}.")
        else:
            return value
        return None

    def flag(self, holder: dict[str, Any], name: str, path: Path) -> bool:
        value = holder.get(name)
        if value is None or isinstance(value, bool):
            return bool(value)
        self.refuse((*path, name), "BOOLEAN_TYPE_CONVERT", "Must be either true or false.")
        return False

    def items(
        self, holder: dict[str, Any], name: str, path: Path, *, most: int, least: int = 0
    ) -> list[tuple[Path, dict[str, Any]]]:
        """Each object of the list under `name`, with its path."""
        value, path = self.values(holder, name, path), (*path, name)
        if not least <= len(value) <= most:
            message = f"Must be between {least} and {most} in length." if least else _at_most(most)
            self.refuse(path, "BASE_TYPE_BAD_LENGTH" if least else "BASE_TYPE_MAX_LENGTH", message)
        for index, item in enumerate(value):
            if not isinstance(item, dict):
                self.refuse((*path, index), "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return [((*path, index), item) for index, item in enumerate(value) if isinstance(item, dict)]

    def values(self, holder: dict[str, Any], name: str, path: Path) -> list[Any]:
        """The list under `name`; an empty one where there is none or it is unfit."""
        value = holder.get(name)
        if value is not None and not isinstance(value, list):
            self.refuse((*path, name), "LIST_TYPE_CONVERT", "Only iterables may be used in a ListType")
        return value if isinstance(value, list) else []

    def part(self, holder: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
        """The object under `name`; an empty one where there is none or it is unfit."""
        value = holder.get(name)
        if value is not None and not isinstance(value, dict):
            self.refuse((*path, name), "DICT_TYPE_CONVERT", "Only dictionaries may be used in a DictType")
        return value if isinstance(value, dict) else {}

    def one_of(self, value: Any, path: Path, allowed: tuple[Any, ...]) -> bool:
        if value in allowed and not isinstance(value, bool):
            return True
        choices = ", ".join(map(str, allowed))
        self.refuse(path, "BASE_TYPE_CHOICES", f"Value must be one of {{{choices}}}.")
        return False


def _at_most(most: int) -> str:
    return f"Must be {most} or fewer in length."
