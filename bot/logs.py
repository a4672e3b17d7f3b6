"""Where the log goes: loguru to stderr and, if wanted, to a file; the standard library's loggers join in."""

import json
import logging
import os
import re
import sys
import traceback
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any, Final, TypeAlias

from loguru import logger

from bot.config import LoggingConfig
from bot.exits import StartFailure

if TYPE_CHECKING:
    from loguru import Record

Redact: TypeAlias = Callable[[str], str]

HIDDEN: Final = "[hidden]"
_ROTATE_AT_BYTES: Final = 20_000_000
_KEPT_FILES: Final = 5
# Discord's bot tokens, whoever's they are (three parts in base64url), and those of interactions, in addresses.
_TOKEN: Final = re.compile(r"[\w-]{23,28}\.[\w-]{6,7}\.[\w-]{27,}|(?<=s/)\d{15,}/[\w-]{24,}")
# Chatty; their warnings are wanted. TRACE alone shows Discord's traffic, with the tokens of interactions in it.
_QUIET: Final = ("discord", "aiosqlite", "aiohttp", "asyncio")
_THEIR_LEVEL: Final = {"TRACE": logging.DEBUG, "DEBUG": logging.INFO}


def set_up_logs(config: LoggingConfig, secrets: Iterable[str] = ()) -> None:
    """Replace every sink. What is logged loses `secrets`, and whatever else looks like a token, at the very end."""
    render = _renderer(config.format, redactor(secrets))
    logger.remove()
    # diagnose would print the values of variables, a token's among them.
    common: dict[str, Any] = {"level": config.level, "format": render, "diagnose": False, "catch": True}
    logger.add(sys.stderr, colorize=False, **common)
    if config.file:
        _add_file(config.file, common)
    logging.basicConfig(handlers=[_ToLoguru()], level=logging.DEBUG, force=True)
    for name in _QUIET:
        logging.getLogger(name).setLevel(_THEIR_LEVEL.get(config.level, logging.WARNING))


def redactor(secrets: Iterable[str]) -> Redact:
    """A function that blanks these secrets and every token-like word."""
    known = [re.escape(secret) for secret in secrets if secret]
    pattern = re.compile("|".join([*known, _TOKEN.pattern]))
    return lambda text: pattern.sub(HIDDEN, text)


def _add_file(path: str, common: dict[str, Any]) -> None:
    try:
        logger.add(
            path,
            rotation=_ROTATE_AT_BYTES,
            retention=_KEPT_FILES,
            encoding="utf-8",
            opener=lambda name, flags: os.open(name, flags, 0o600),
            **common,
        )
    except OSError as error:
        raise StartFailure(f"logging.file = {path!r}: {error.strerror}", os.EX_CONFIG) from None


def _renderer(kind: str, redact: Redact) -> Callable[["Record"], str]:
    """Loguru wants a template back, so the finished and redacted text travels in `extra`."""
    compose = _as_json if kind == "json" else _as_text

    def render(record: "Record") -> str:
        record["extra"]["rendered"] = redact(compose(record))
        return "{extra[rendered]}\n"

    return render


def _as_text(record: "Record") -> str:
    line = f"{record['time']:YYYY-MM-DD HH:mm:ss.SSS} {record['level'].name:<8} {record['name']}: {record['message']}"
    return line + ("\n" + trace.rstrip() if (trace := _traceback(record)) else "")


def _as_json(record: "Record") -> str:
    fields = {
        "time": record["time"].isoformat(),
        "level": record["level"].name,
        "logger": record["name"],
        "message": record["message"],
        **{key: value for key, value in record["extra"].items() if key != "rendered"},
    }
    if trace := _traceback(record):
        fields["traceback"] = trace
    return json.dumps(fields, default=str, ensure_ascii=False)


def _traceback(record: "Record") -> str:
    exception = record["exception"]
    if exception is None or exception.value is None:
        return ""
    return "".join(traceback.format_exception(exception.type, exception.value, exception.traceback))


class _ToLoguru(logging.Handler):
    """Hands a standard-library record over, under the name of the logger it came from."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            level: str | int = logger.level(record.levelname).name
        except ValueError:
            level = record.levelno
        message, exception = record.getMessage(), record.exc_info
        if record.name == "discord.client" and "reconnect" in message and exception:
            # A dropped connection is an event of every week, not a fault with a traceback.
            message, exception, level = f"{message} ({exception[1]})", None, "WARNING"
        logger.patch(lambda target: target.update(name=record.name)).opt(exception=exception).log(level, "{}", message)
