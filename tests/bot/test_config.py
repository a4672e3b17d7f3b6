"""Every error of a configuration is one line with file or variable, key, value and what is allowed."""

import itertools
import re
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from bot.config import Config, load_config
from bot.config_errors import ConfigError
from db import DatabaseSettings

SHIPPED = Path(__file__).parent.parent.parent / "config.toml"
IDS = "a list, each an integer from 1 to 9223372036854775807"
NAMES = "a list, each a text matching ^[a-z][a-z_]*$"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.chdir(tmp_path)
    return Path("config.toml")


def problems(file: Path, content: str | bytes) -> list[str]:
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(ConfigError) as error:
        load_config(file)
    assert error.value.exit_code == 78
    assert "\n" not in "".join(error.value.problems)
    return list(error.value.problems)


@pytest.mark.parametrize(
    ("content", "line"),
    [
        ("[database]\nreaders = 99", "database.readers = 99: allowed is an integer from 1 to 64"),
        ("[database]\nreaders = 0", "database.readers = 0: allowed is an integer from 1 to 64"),
        ('[database]\nreaders = "4"', 'database.readers = "4": allowed is an integer from 1 to 64'),
        ("[database]\nreaders = 4.0", "database.readers = 4.0: allowed is an integer from 1 to 64"),
        ("[database]\nreaders = true", "database.readers = true: allowed is an integer from 1 to 64"),
        ("[database]\nreaders = [4]", "database.readers = [4]: allowed is an integer from 1 to 64"),
        (f"[database]\nreaders = {10**30}", f"database.readers = {10**30}: allowed is an integer from 1 to 64"),
        ("[database]\nretry_max_s = nan", "database.retry_max_s = NaN: allowed is a number from 0.001 to 600"),
        ("[database]\nretry_max_s = inf", "database.retry_max_s = Infinity: allowed is a number from 0.001 to 600"),
        ("[database]\ndegraded = 1", "database.degraded = 1: allowed is true or false"),
        ('[database]\ndegraded = "yes"', 'database.degraded = "yes": allowed is true or false'),
        ("[database]\npath = 3", "database.path = 3: allowed is a path"),
        ('[database]\npath = ""', 'database.path = "": allowed is a path, of visible characters'),
        ('[database]\npath = "a\\u0000b"', 'database.path = "a\\u0000b": allowed is a path, of visible characters'),
        ("[database]\npath = 2026-11-20", 'database.path = "2026-11-20": allowed is a path'),
        ('[database]\nengine = "x"', 'database.engine = "x": allowed is one of "auto", "bundled", "system"'),
        (
            "[database]\nretry_base_s = 20\nretry_max_s = 10",
            "database: retry_base_s (20) must not exceed retry_max_s (10)",
        ),
        ("[database]\nreader = 4", "database.reader: there is no such key; did you mean readers?"),
        ("[sandbox]\nx = 4", "sandbox.x: there is no such key; there are enabled, port"),
        ("[databse]\nreaders = 4", "databse: there is no such section; did you mean database?"),
        ("x = 1", "x: there is no such section; there are bot, database, logging, sandbox"),
        ("database = 3", "database = 3: allowed is a table: [database]"),
        ("[[database]]", "database = [{}]: allowed is a table: [database]"),
        ('[bot]\noperators = [1, "x"]', f'bot.operators[1] = "x": allowed is {IDS}'),
        ("[bot]\noperators = 1", f"bot.operators = 1: allowed is {IDS}"),
        ('[bot]\noperators = "1,2"', f'bot.operators = "1,2": allowed is {IDS}'),
        ("[bot]\noperators = [-1]", f"bot.operators[0] = -1: allowed is {IDS}"),
        ("[bot]\noperators = [1, 1]", "bot.operators = [1, 1]: each may be named once"),
        ('[bot]\ncogs = ["../evil"]', f'bot.cogs[0] = "../evil": allowed is {NAMES}'),
        (
            "[database\nreaders = 4",
            "not valid TOML: Expected ']' at the end of a table declaration (at line 1, column 10)",
        ),
        ("[bot]\n[bot]", "not valid TOML: Cannot declare ('bot',) twice (at line 2, column 5)"),
        (b"[database]\n\xff", "not UTF-8: byte 11 cannot be read"),
        ("x" * 100_000, "not valid TOML: Expected '=' after a key in a key/value pair (at end of document)"),
    ],
)
def test_one_line_says_what_is_wrong_in_the_file(file: Path, content: str | bytes, line: str):
    assert problems(file, content) == [f"config.toml: {line}"]


@pytest.mark.parametrize(
    ("variable", "value", "line"),
    [
        ("DATABASE__READERS", "99", ' = "99": allowed is an integer from 1 to 64'),
        ("DATABASE__READERS", "four", ' = "four": allowed is an integer from 1 to 64'),
        ("DATABASE__READERS", "", ' = "": allowed is an integer from 1 to 64'),
        ("DATABASE__DEGRADED", "perhaps", ' = "perhaps": allowed is true or false'),
        ("DATABASE__PROBE_INTERVAL_S", "nan", ' = "nan": allowed is a number from 0.1 to 3600'),
        ("BOT__OPERATORS", "1,x", f' = "1,x": allowed is {IDS}'),
        ("BOT__OPERATORS", "7,7", ' = "7,7": each may be named once'),
        ("DATABASE__READER", "4", ": there is no such setting; did you mean ROLLCALL_DATABASE__READERS?"),
        ("DATABASE__READERS__X", "4", ": there is no such setting; did you mean ROLLCALL_DATABASE__READERS?"),
        ("X__Y", "4", ": there is no such setting"),
        ("DATABASE", "{}", ": there is no such setting; did you mean ROLLCALL_DATABASE__PATH?"),
    ],
)
def test_one_line_says_what_is_wrong_in_the_environment(
    file: Path, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, line: str
):
    monkeypatch.setenv(f"ROLLCALL_{variable}", value)
    assert problems(file, "") == [f"ROLLCALL_{variable}{line}"]


def test_limits_that_contradict_each_other_only_together_name_both_sources(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ROLLCALL_DATABASE__RETRY_BASE_S", "8")
    assert problems(file, "[database]\nretry_max_s = 6") == [
        "config.toml with the environment: database: retry_base_s (8) must not exceed retry_max_s (6)"
    ]


def test_every_problem_is_listed_and_the_first_says_that_there_are_more(file: Path):
    file.write_text("[database]\nreaders = 0\nretry_attempts = 0\n[logging]\nlevel = 'x'")
    with pytest.raises(ConfigError) as error:
        load_config(file)
    assert len(error.value.problems) == 3
    assert str(error.value).endswith("(and 2 more: see `rollcall config check`)")


@pytest.mark.parametrize("key", ["token", "discord_token", "api_key", "password"])
def test_a_secret_in_the_file_is_refused_and_not_repeated(file: Path, key: str):
    [line] = problems(file, f'[bot]\n{key} = "canary"')
    assert "the token belongs into the environment" in line
    assert "canary" not in line


def test_a_token_that_strayed_into_a_setting_is_not_repeated(file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("ROLLCALL_BOT__OPERATORS", "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs")
    [line] = problems(file, "")
    assert "(hidden: it looks like a token)" in line
    assert "Cl2FMQ" not in line


def test_a_long_value_is_cut(file: Path):
    [line] = problems(file, f'[database]\nengine = "{"x" * 5000}"')
    assert len(line) < 200


@pytest.mark.parametrize(("make", "complaint"), [(Path.mkdir, "Is a directory"), (None, "Permission denied")])
def test_a_file_that_cannot_be_read_is_named(
    file: Path, monkeypatch: pytest.MonkeyPatch, make: Callable[[Path], None] | None, complaint: str
):
    if make is None:
        file.touch()
        # The tests may run as root, whom no permission bits stop.
        monkeypatch.setattr(Path, "read_text", lambda *_, **__: (_ for _ in ()).throw(PermissionError(13, complaint)))
    else:
        make(file)
    with pytest.raises(ConfigError, match=f"config.toml: cannot be read: {complaint}"):
        load_config(file)


def test_a_missing_file_means_the_defaults(file: Path):
    assert load_config(file) == Config()


def test_the_environment_wins_over_the_file_and_the_file_over_the_defaults(file: Path, monkeypatch: pytest.MonkeyPatch):
    file.write_text('[database]\nreaders = 7\nretry_attempts = 3\npath = "elsewhere"\n[bot]\noperators = [5]')
    monkeypatch.setenv("ROLLCALL_DATABASE__READERS", "9")
    monkeypatch.setenv("rollcall_logging__level", "DEBUG")
    monkeypatch.setenv("ROLLCALL_DATABASE__DEGRADED", "true")
    monkeypatch.setenv("ROLLCALL_BOT__COGS", "reference, economy")
    monkeypatch.setenv("ROLLCALL_BOT__OPERATORS", "")
    config = load_config(file)
    assert (config.database.readers, config.database.retry_attempts, config.database.retry_base_s) == (9, 3, 0.1)
    assert config.database.path == Path("elsewhere")
    assert config.database.degraded is True
    assert config.logging.level == "DEBUG"
    assert config.bot.cogs == ("reference", "economy")
    assert config.bot.operators == ()


def test_a_whole_number_will_do_where_a_number_is_wanted(file: Path):
    file.write_text("[database]\nquery_timeout_s = 3")
    assert load_config(file).database.query_timeout_s == 3.0


def test_a_configuration_cannot_be_changed_in_place():
    config = Config()
    with pytest.raises(ValidationError):
        config.database.readers = 5
    with pytest.raises(ValidationError):
        config.database = Config().database


def test_the_shipped_file_has_every_setting_with_its_default_and_no_other():
    written = tomllib.loads(SHIPPED.read_text())
    assert written == Config().model_dump(mode="json")


def test_the_shipped_file_explains_every_setting_on_the_line_above():
    lines = SHIPPED.read_text().splitlines()
    for above, line in itertools.pairwise(lines):
        if re.match(r"\w+ = ", line):
            assert above.startswith("# "), line


def test_every_setting_has_a_description_and_every_number_its_bounds():
    schema = Config.model_json_schema()
    for section in schema["$defs"].values():
        for name, field in section["properties"].items():
            assert field["description"].endswith("."), name
            if field["type"] in ("integer", "number"):
                assert field["minimum"] < field["maximum"], name


def test_the_database_gets_what_the_configuration_says():
    config = Config.model_validate({"database": {"path": "elsewhere", "readers": 8}})
    assert config.database.settings() == DatabaseSettings(directory=Path("elsewhere"), readers=8)
