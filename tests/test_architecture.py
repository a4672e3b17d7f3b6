"""Rules of the house that neither ruff, the type checker nor import-linter can hold."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCES = sorted(path for name in ("bot", "cogs", "db", "sandbox", "bench") for path in (ROOT / name).rglob("*.py"))
FEATURES = sorted(path.parent for path in (ROOT / "cogs").glob("*/__init__.py"))
SQL = re.compile(r"\s*(SELECT|INSERT|UPDATE|DELETE|CREATE|DROP|ALTER|WITH|PRAGMA)\s[^a-z]*\b", re.ASCII)
STATEMENT_METHODS = {"execute", "fetch_one", "fetch_all"}
LONGEST_FILE_LINES = 400


def name_of(path: Path) -> str:
    return str(path.relative_to(ROOT))


def nodes(path: Path) -> Iterator[ast.AST]:
    return ast.walk(ast.parse(path.read_text(), name_of(path)))


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_a_file_has_one_idea(path: Path):
    assert len(path.read_text().splitlines()) < LONGEST_FILE_LINES


@pytest.mark.parametrize("path", [path for path in SOURCES if name_of(path).startswith("cogs/")], ids=name_of)
def test_a_feature_runs_only_statements_that_are_constants(path: Path):
    """Every statement of a feature is an upper-case name, so none can be put together from what a user typed."""
    for node in nodes(path):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in STATEMENT_METHODS:
            statement = node.args[0]
            assert isinstance(statement, ast.Name), f"line {node.lineno}: the statement is no constant"
            assert statement.id.isupper(), f"line {node.lineno}: {statement.id}"


@pytest.mark.parametrize("path", [path for path in SOURCES if name_of(path).startswith(("cogs/", "bot/"))], ids=name_of)
def test_sql_is_a_constant_of_a_module_and_never_put_together(path: Path):
    tree = ast.parse(path.read_text())
    constants = {
        id(node.value) for node in tree.body if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            text = "".join(part.value for part in node.values if isinstance(part, ast.Constant))
            assert not SQL.match(text), f"line {node.lineno}: SQL in an f-string"
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and SQL.match(node.value):
            assert id(node) in constants, f"line {node.lineno}: SQL that is no constant of the module"


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nobody_drops_the_result_of_a_write(path: Path):
    """`await db.write(…)` as a statement would answer a user without knowing whether anything was stored."""
    for node in nodes(path):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Await) and isinstance(node.value.value, ast.Call):
            function = node.value.value.func
            dropped = isinstance(function, ast.Attribute) and function.attr == "write"
            of_database = dropped and ast.unparse(function.value).endswith("db")
            assert not of_database, f"line {node.lineno}: the result of a write is dropped"


@pytest.mark.parametrize("feature", FEATURES, ids=lambda path: path.name)
def test_features_are_of_one_shape(feature: Path):
    """`setup` in the package, the cog in commands.py; a store knows neither Discord nor the event loop."""
    functions = [node.name for node in nodes(feature / "__init__.py") if isinstance(node, ast.AsyncFunctionDef)]
    assert functions == ["setup"]
    assert (feature / "commands.py").exists()
    if (feature / "store.py").exists():
        imported = {
            name.split(".")[0]
            for node in nodes(feature / "store.py")
            if isinstance(node, ast.Import | ast.ImportFrom)
            for name in (
                [node.module or ""] if isinstance(node, ast.ImportFrom) else [each.name for each in node.names]
            )
        }
        assert not imported & {"discord", "asyncio", "bot"}


@pytest.mark.parametrize("path", SOURCES, ids=name_of)
def test_nothing_is_left_for_later(path: Path):
    assert not re.search(r"\b(TODO|FIXME|XXX|NotImplementedError)\b", path.read_text())


@pytest.mark.parametrize("path", sorted((ROOT / "migrations").glob("*.sql")), ids=name_of)
def test_tables_are_strict_and_every_reference_says_what_a_deletion_does(path: Path):
    up = re.sub(r"--[^\n]*", "", path.read_text())
    tables = re.findall(r"CREATE TABLE\s+\w+\s*\(.*?\n\)\s*(.*?);", up, re.DOTALL)
    assert tables
    assert all("STRICT" in options for options in tables), tables
    references = re.findall(r"REFERENCES\s+\w+\s*\([^)]*\)([^,\n]*)", up)
    assert all("ON DELETE" in rest for rest in references), references


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_names_versions_and_hashes_only(name: str):
    text = (ROOT / name).read_text()
    assert "--hash=sha256:" in text
    assert not re.search(r"https?://|--index|--find-links|--extra-index", text)
