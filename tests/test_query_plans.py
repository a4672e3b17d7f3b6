"""Every statement of the project finds its rows by an index: nothing gets slower only because a server has grown."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.conftest import Scratch

ROOT = Path(__file__).parent.parent
STATEMENT = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|WITH)\s", re.ASCII)

# Statements that read a whole table, each with its reason.
EXCEPTIONS = {
    "db/keeper.py:_FILES": "one row for each export",
    "db/migrations.py:_APPLIED": "one row a migration",
    "db/migrations.py:_HAS_RECORD": "the schema's own table, which has a row for each table and index",
    "db/preservation.py:_DEFINITION": "the schema's own table",
}
NO_WHERE_BUT_LIMIT = re.compile(r"(?!.*\bWHERE\b).*\bLIMIT\b", re.DOTALL)


def statements() -> dict[str, str]:
    """Each SQL constant of a module of `db` or `cogs`, by file and name."""
    found: dict[str, str] = {}
    for path in sorted([*(ROOT / "db").rglob("*.py"), *(ROOT / "cogs").rglob("*.py")]):
        for node in ast.parse(path.read_text()).body:
            targets = node.targets if isinstance(node, ast.Assign) else [getattr(node, "target", None)]
            value = getattr(node, "value", None)
            if isinstance(value, ast.Constant) and isinstance(value.value, str) and STATEMENT.match(value.value):
                found |= {
                    f"{path.relative_to(ROOT)}:{each.id}": value.value for each in targets if isinstance(each, ast.Name)
                }
    return found


STATEMENTS = statements()


def test_the_exceptions_are_statements_that_exist():
    assert set(EXCEPTIONS) <= set(STATEMENTS)


@pytest.mark.parametrize("name", sorted(set(STATEMENTS) - set(EXCEPTIONS)))
def test_a_statement_finds_its_rows_by_an_index(scratch: Scratch, name: str):
    sql = STATEMENTS[name]
    named = dict.fromkeys(re.findall(r":(\w+)", sql), 1)
    plan = scratch.connection.execute(f"EXPLAIN QUERY PLAN {sql}", named or [1] * sql.count("?")).fetchall()
    steps = [step for *_, step in plan]
    assert not [step for step in steps if "TEMP B-TREE" in step], steps
    if not NO_WHERE_BUT_LIMIT.match(sql):  # such a one stops after the first rows of its key
        assert not [step for step in steps if re.match(r"SCAN (?!CONSTANT|\d)", step) and " USING " not in step], steps
