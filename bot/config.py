"""Every setting of the process, from config.toml and the environment (`ROLLCALL_SECTION__KEY`, which wins).

A Config is frozen: a new configuration is a new object, and whoever holds the old one holds it whole.
What belongs to one server (channels, currency, admin role) is not here but in the database, set by /setup.
"""

import json
import os
import tomllib
from pathlib import Path
from typing import Annotated, Any, Final, Literal, cast

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    model_validator,
)
from pydantic_settings import BaseSettings, NoDecode, PydanticBaseSettingsSource, SettingsConfigDict

from bot import config_errors
from bot.config_errors import PREFIX, ConfigError
from db import DatabaseSettings

DEFAULT_FILE: Final = Path("config.toml")
DEFAULT_COGS: Final = ("reference", "settings", "economy", "operations")


def _split(value: object, info: ValidationInfo) -> object:
    """`1,2` in the environment is a list; in the file, which is read by way of JSON, it is a text."""
    if isinstance(value, list):
        return tuple(cast("list[object]", value))
    if isinstance(value, str) and info.mode == "python":
        return tuple(part.strip() for part in value.split(",") if part.strip())
    return value


def _path(value: object) -> object:
    if isinstance(value, str) and not (value and value.isprintable()):
        raise ValueError("allowed is a path, of visible characters")
    return value


def _unique(values: tuple[Any, ...]) -> tuple[Any, ...]:
    if len(set(values)) != len(values):
        raise ValueError("each may be named once")
    return values


Snowflake = Annotated[int, Field(ge=1, le=2**63 - 1)]
Snowflakes = Annotated[tuple[Snowflake, ...], NoDecode, BeforeValidator(_split), AfterValidator(_unique)]
CogName = Annotated[str, Field(pattern=r"^[a-z][a-z_]*$")]
CogNames = Annotated[tuple[CogName, ...], NoDecode, BeforeValidator(_split), AfterValidator(_unique)]
PlainPath = Annotated[Path, BeforeValidator(_path)]


class Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class DatabaseConfig(Section):
    path: PlainPath = Field(
        default=Path("data"), description="The data directory; relative to where the bot is started."
    )
    engine: Literal["auto", "bundled", "system"] = Field(
        default="auto",
        description="Which SQLite: the one bundled with pysqlite3, the system's, or the better one there is.",
    )
    readers: int = Field(
        default=4, ge=1, le=64, description="Connections for reading; there is always one for writing."
    )
    connect_timeout_s: float = Field(default=5.0, ge=0.1, le=60, description="How long opening a connection may take.")
    operation_timeout_s: float = Field(default=5.0, ge=0.1, le=60, description="How long one write may take.")
    query_timeout_s: float = Field(default=5.0, ge=0.1, le=60, description="How long one read may take.")
    busy_timeout_s: float = Field(default=5.0, ge=0, le=60, description="How long SQLite itself waits for a lock.")
    retry_attempts: int = Field(default=5, ge=1, le=100, description="Tries before a temporary failure counts as one.")
    retry_base_s: float = Field(default=0.1, ge=0.001, le=60, description="Delay before the second try.")
    retry_max_s: float = Field(default=5.0, ge=0.001, le=600, description="No delay between tries is longer than this.")
    retry_multiplier: float = Field(default=2.0, ge=1, le=10, description="Each delay is this many times the last one.")
    breaker_failures: int = Field(
        default=5, ge=1, le=1000, description="Failures in a row after which the database is left alone for a while."
    )
    breaker_delay_s: float = Field(default=1.0, ge=0.01, le=600, description="How long it is left alone at first.")
    breaker_max_delay_s: float = Field(
        default=60.0, ge=0.01, le=3600, description="And at most, when probes keep failing."
    )
    probe_interval_s: float = Field(
        default=30.0, ge=0.1, le=3600, description="How often the database's health is probed."
    )
    queue_kb: int = Field(
        default=8192,
        ge=16,
        le=1_048_576,
        description="Room for writes that wait for the database; reserved on the disk.",
    )
    queue_tries: int = Field(
        default=5, ge=1, le=100, description="Failures after which a write that waited is set aside for an operator."
    )
    slow_query_ms: float = Field(
        default=100.0, ge=1, le=60_000, description="From when on a call or a statement counts as slow and is logged."
    )
    statistics_interval_s: float = Field(
        default=300.0, ge=1, le=86_400, description="How often rates, latencies and sizes are logged."
    )
    alert_error_rate: float = Field(
        default=0.1, ge=0.001, le=1, description="Alert when this share of the writes, or of the reads, fails."
    )
    alert_p95_ms: float = Field(
        default=500.0, ge=1, le=60_000, description="Alert when one call in twenty takes longer than this."
    )
    alert_wal_mb: int = Field(
        default=128, ge=20, le=1_000_000, description="Alert when the write-ahead log has grown beyond this."
    )
    alert_free_disk_mb: int = Field(
        default=500, ge=1, le=10_000_000, description="Alert when less than this is left on the disk."
    )
    alert_waiting: int = Field(
        default=500, ge=1, le=1_000_000, description="Alert when more calls than this wait for the database."
    )
    size_limit_mb: int = Field(
        default=10_000,
        ge=10,
        le=100_000_000,
        description="Near this size (at 90 %) the database is cleaned up; if that is not enough, alert.",
    )
    degraded: bool = Field(default=False, description="The operator's switch: true blocks every write, reads go on.")

    @model_validator(mode="after")
    def _ordered(self) -> "DatabaseConfig":
        for low, high in (("retry_base_s", "retry_max_s"), ("breaker_delay_s", "breaker_max_delay_s")):
            if getattr(self, low) > getattr(self, high):
                raise ValueError(f"{low} ({getattr(self, low):g}) must not exceed {high} ({getattr(self, high):g})")
        return self

    def settings(self, *, log_operations: bool = False) -> DatabaseSettings:
        """The same, in the database layer's own words."""
        return DatabaseSettings(directory=self.path, log_operations=log_operations, **self.model_dump(exclude={"path"}))


class BotConfig(Section):
    cogs: CogNames = Field(default=DEFAULT_COGS, description="The features to load, in this order.")
    operators: Snowflakes = Field(
        default=(),
        description="User ids that may act on the process and on every server (as opposed to server admins).",
    )
    guilds: Snowflakes = Field(
        default=(), description="Server ids whose commands are set at once, for development; none: everywhere."
    )
    start_timeout_s: float = Field(
        default=60.0, ge=1, le=3600, description="How long Discord may take at start before the bot gives up."
    )
    guild_ready_timeout_s: float = Field(
        default=2.0, ge=0, le=60, description="How long to wait at start for the next server that Discord announces."
    )


class LoggingConfig(Section):
    level: Literal["TRACE", "DEBUG", "INFO", "WARNING", "ERROR"] = Field(
        default="INFO",
        description=(
            "What is logged at all: INFO for production, WARNING for tests, DEBUG for development "
            "(each operation with SQL and values, secrets redacted), TRACE adds Discord's traffic."
        ),
    )
    format: Literal["text", "json"] = Field(default="text", description="Lines for people, or one JSON object a line.")
    file: str = Field(
        default="", description="Also log to this file, rotated at 20 MB, five kept; empty: only to stderr."
    )

    @property
    def shows_operations(self) -> bool:
        """Whether each operation and query is logged, with its statements."""
        return self.level in ("TRACE", "DEBUG")


class SandboxConfig(Section):
    enabled: bool = Field(
        default=True,
        description="Whether a start without a token brings up the sandbox; false: it is an error, for services.",
    )
    port: int = Field(
        default=8420,
        ge=0,
        le=65535,
        description="Where the page is served on 127.0.0.1 without a token; 0: any free port.",
    )


class Config(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    bot: BotConfig = BotConfig()
    database: DatabaseConfig = DatabaseConfig()
    logging: LoggingConfig = LoggingConfig()
    sandbox: SandboxConfig = SandboxConfig()


class _Environment(Config, BaseSettings):
    """The same settings, overridden by the environment; what the file says comes in as arguments."""

    model_config = SettingsConfigDict(
        extra="forbid", frozen=True, env_prefix=PREFIX, env_nested_delimiter="__", validate_default=False
    )

    @classmethod
    def settings_customise_sources(  # the signature is pydantic-settings'
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return env_settings, init_settings


def load_config(file: Path = DEFAULT_FILE) -> Config:
    """The configuration in force: defaults, then `file` if it exists, then the environment.

    Raises ConfigError, which names every key that is wrong, its value, and what is allowed.
    """
    variables = config_errors.known_variables(Config, os.environ)
    data = _read(file)
    try:
        # By way of JSON, since that is pydantic's strict mode in which a path is a string and a list a tuple.
        Config.model_validate_json(_to_json(data), strict=True)
    except ValidationError as error:
        raise config_errors.in_file(Config, str(file), data, error) from None
    try:
        merged = _Environment(**data)
    except ValidationError as error:
        raise config_errors.in_environment(Config, variables, error) from None
    return Config.model_validate(merged.model_dump())


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigError([f"{file}: cannot be read: {error.strerror or error}"]) from error
    except UnicodeDecodeError as error:
        raise ConfigError([f"{file}: not UTF-8: byte {error.start} cannot be read"]) from error
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigError([f"{file}: not valid TOML: {error}"]) from error


def _to_json(data: dict[str, Any]) -> str:
    # TOML's dates have no place in any setting: as an empty table they are of the wrong type everywhere.
    return json.dumps(data, default=lambda _date: {})
