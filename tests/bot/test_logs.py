"""The log says what happened and holds no secret."""

import json
import logging
import sys
from pathlib import Path

import pytest
from loguru import logger

from bot.config import LoggingConfig
from bot.exits import StartFailure
from bot.logs import set_up_logs

CANARY = "canary-7f3a9c-token"
ANOTHER_TOKEN = "MTk4NjIyNDgzNDcxOTI1MjQ4.Cl2FMQ.ZnCjm1XVW7vRze4b7Cq4se7kKWs"


@pytest.fixture(autouse=True)
def restored():
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    logging.basicConfig(handlers=handlers, level=level, force=True)
    logger.remove()
    logger.add(sys.stderr)


@pytest.mark.parametrize("kind", ["text", "json"])
def test_the_token_never_shows_however_it_got_into_a_record(capsys: pytest.CaptureFixture[str], kind: str):
    set_up_logs(LoggingConfig(format=kind, level="TRACE"), [CANARY])
    logger.info("the token is {}", CANARY)
    logger.bind(extra=CANARY).info("bound")
    logging.getLogger("discord.http").warning("header %s", CANARY)
    token = CANARY
    try:
        raise ValueError(f"bad header: Bot {token}")  # noqa: TRY301
    except ValueError:
        logger.exception("failed")
    logger.info("somebody else's {}", ANOTHER_TOKEN)
    logger.info("POST /webhooks/1190000000000000001/aW50ZXJhY3Rpb246MTE5MDAwMDAwMDA")
    written = capsys.readouterr().err
    assert CANARY not in written
    assert ANOTHER_TOKEN not in written
    assert "aW50ZXJhY3Rpb246" not in written
    assert written.count("[hidden]") >= 5


@pytest.mark.usefixtures("capsys")
def test_the_log_file_is_the_owners_alone_and_redacted_as_well(tmp_path: Path):
    path = tmp_path / "rollcall.log"
    set_up_logs(LoggingConfig(file=str(path)), [CANARY])
    logger.info("token {}", CANARY)
    logger.remove()
    assert "[hidden]" in path.read_text()
    assert CANARY not in path.read_text()
    assert path.stat().st_mode & 0o777 == 0o600


def test_a_log_file_that_cannot_be_written_ends_the_start(tmp_path: Path):
    with pytest.raises(StartFailure, match=r"logging\.file"):
        set_up_logs(LoggingConfig(file=str(tmp_path)))


def test_a_json_line_holds_message_level_logger_and_traceback(capsys: pytest.CaptureFixture[str]):
    set_up_logs(LoggingConfig(format="json"))
    try:
        raise KeyError("lost")  # noqa: TRY301
    except KeyError:
        logging.getLogger("asyncio").exception("two\nlines {braces}")
    record = json.loads(capsys.readouterr().err)
    assert record["message"] == "two\nlines {braces}"
    assert (record["level"], record["logger"]) == ("ERROR", "asyncio")
    assert "KeyError: 'lost'" in record["traceback"]


def test_the_values_of_variables_are_not_logged(capsys: pytest.CaptureFixture[str]):
    set_up_logs(LoggingConfig())
    password = "hunter2" * 2
    try:
        password + 3
    except TypeError:
        logger.exception("failed")
    assert password not in capsys.readouterr().err


@pytest.mark.parametrize(("level", "heard"), [("INFO", False), ("DEBUG", True)])
def test_the_library_talks_only_when_somebody_is_debugging(capsys: pytest.CaptureFixture[str], level: str, heard: bool):
    set_up_logs(LoggingConfig(level=level))
    logging.getLogger("discord.gateway").info("chatter")
    logging.getLogger("discord.gateway").warning("a warning")
    written = capsys.readouterr().err
    assert ("chatter" in written) is heard
    assert "a warning" in written


def test_a_dropped_connection_is_one_line_without_traceback(capsys: pytest.CaptureFixture[str]):
    set_up_logs(LoggingConfig())
    try:
        raise ConnectionResetError("the peer went away")  # noqa: TRY301
    except ConnectionResetError:
        logging.getLogger("discord.client").exception("Attempting a reconnect in %.2fs", 1.5)
    [line] = capsys.readouterr().err.splitlines()
    assert "Attempting a reconnect in 1.50s (the peer went away)" in line
