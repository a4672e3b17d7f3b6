"""A violated constraint in plain words, made from the schema's own names."""

from __future__ import annotations

import re
from typing import Final

# Said by the name of a column, and of no help to a reader.
_UNITS: Final = re.compile(r"_(?:id|cents|ms|at_ms)$")
_INDEX: Final = re.compile(r"index '(.*)'")


def explain(kind: str, subject: str) -> str:
    """What was wrong, as the rest of a sentence; `kind` and `subject` are those of ConstraintViolated."""
    if kind in ("UNIQUE", "NOT NULL", "TYPE") and not _INDEX.fullmatch(subject):
        table, columns = _columns(subject)
        return {
            "UNIQUE": f"there is already {_a(table)} with the same {columns}",
            "NOT NULL": f"{_a(table)} has no {columns}",
            "TYPE": f"{_a(table)} cannot have such a value as its {columns}",
        }[kind]
    if kind == "FOREIGN KEY":
        return "it refers to something that does not exist, or something else still refers to it"
    if kind in ("CHECK", "UNIQUE"):
        index = _INDEX.fullmatch(subject)
        name = index[1] if index else subject
        return f"it would break the rule “{_words(name) if name.isidentifier() else name}”"
    return subject


def _columns(subject: str) -> tuple[str, str]:
    """`account.guild_id, account.user_id` as the table, and what the columns are called."""
    pairs = [each.strip().partition(".") for each in subject.split(",")]
    names = [_words(_UNITS.sub("", column)) or column for _, _, column in pairs]
    return _words(pairs[0][0]), " and ".join(filter(None, [", ".join(names[:-1]), names[-1]]))


def _words(name: str) -> str:
    return name.replace("_", " ").strip()


def _a(noun: str) -> str:
    return f"{'an' if noun[:1].lower() in 'aeiou' else 'a'} {noun}"
