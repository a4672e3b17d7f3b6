"""Where the token comes from, and that it goes nowhere."""

import os
from pathlib import Path

import pytest

from bot.credentials import read_token
from bot.exits import StartFailure

CANARY = "canary-7f3a9c-token"


def test_no_token_is_no_token(monkeypatch: pytest.MonkeyPatch):
    assert read_token() is None
    monkeypatch.setenv("DISCORD_TOKEN", "  ")
    assert read_token() is None


def test_the_token_comes_from_the_environment_and_hides_in_its_repr(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISCORD_TOKEN", f" {CANARY}\n")
    token = read_token()
    assert token.get_secret_value() == CANARY
    assert CANARY not in f"{token!r} {token}"


@pytest.mark.parametrize("variable", ["DISCORD_TOKEN", "DISCORD_TOKEN_FILE"])
def test_the_token_comes_from_the_file_that_the_environment_names(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, variable: str
):
    file = tmp_path / "token"
    file.write_text(CANARY + "\n")
    monkeypatch.setenv(variable, str(file))
    assert read_token().get_secret_value() == CANARY


@pytest.mark.parametrize(
    ("content", "complaint"),
    [(b"", "is empty"), (b"\xff\xfe", "is not UTF-8"), (CANARY.encode() + b"\nand more", "holds no token")],
)
def test_a_file_that_holds_no_token_is_named_and_not_quoted(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, content: str | bytes, complaint: str
):
    file = tmp_path / "token"
    file.write_bytes(content)
    monkeypatch.setenv("DISCORD_TOKEN_FILE", str(file))
    with pytest.raises(StartFailure, match=complaint) as failure:
        read_token()
    assert failure.value.exit_code == os.EX_CONFIG
    assert CANARY not in str(failure.value)


@pytest.mark.parametrize("path", ["missing", "."])
def test_a_token_file_that_cannot_be_read_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, path: str):
    monkeypatch.setenv("DISCORD_TOKEN_FILE", str(tmp_path / path))
    with pytest.raises(StartFailure, match="DISCORD_TOKEN_FILE"):
        read_token()


def test_two_sources_at_once_are_refused(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("DISCORD_TOKEN", CANARY)
    monkeypatch.setenv("DISCORD_TOKEN_FILE", "token")
    with pytest.raises(StartFailure, match="both set"):
        read_token()


@pytest.mark.parametrize("token", [f"{CANARY}\r\nX-Injected: 1", f"Bot {CANARY}", "tökén"])
def test_what_no_header_takes_is_refused_without_quoting_it(monkeypatch: pytest.MonkeyPatch, token: str):
    monkeypatch.setenv("DISCORD_TOKEN", token)
    with pytest.raises(StartFailure, match="holds no token") as failure:
        read_token()
    assert CANARY not in str(failure.value)
