"""How often and how patiently a transient error is tried again."""

from __future__ import annotations

from tenacity import (
    AsyncRetrying,
    RetryCallState,
    retry_if_exception,
    stop_after_attempt,
    stop_after_delay,
    wait_random_exponential,
)

from db.errors import Consequence, DatabaseError
from db.settings import DatabaseSettings


def _is_transient(exc: BaseException) -> bool:
    # Asked of every exception, CancelledError included: only ours can be transient.
    return isinstance(exc, DatabaseError) and exc.consequence in (
        Consequence.RETRY,
        Consequence.RECONNECT,
        Consequence.DIAGNOSE,  # a read error can look like corruption: once more on a fresh connection
    )


def _count(state: RetryCallState) -> None:
    """An error knows how often its cause was tried again."""
    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, DatabaseError):
        error.retries = state.attempt_number - 1


def retrying(settings: DatabaseSettings, *, within_s: float) -> AsyncRetrying:
    """Exponential backoff with full jitter, bounded in attempts and in time; the last error is raised as it is."""
    return AsyncRetrying(
        stop=stop_after_attempt(settings.retry_attempts) | stop_after_delay(within_s),
        wait=wait_random_exponential(
            multiplier=settings.retry_base_s, exp_base=settings.retry_multiplier, max=settings.retry_max_s
        ),
        retry=retry_if_exception(_is_transient),
        after=_count,
        reraise=True,
    )
