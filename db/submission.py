"""One call of an operation on its way through the writer: what is asked, its digest, its journal payload."""

from __future__ import annotations

import asyncio
import hashlib
from copy import deepcopy
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeVar

import orjson
from pydantic import ValidationError

from db.errors import DatabaseError, new_error_id
from db.journal import Found
from db.operations import Context, Operation
from db.redaction import REDACTED
from db.results import ANSWER_ERASED, Outcome, WriteResult
from db.snapshot import Statement
from db.values import check_parameters, check_size

T = TypeVar("T")

PAYLOAD_VERSION: Final = 1
_MUTABLE: Final = (list, dict)


@dataclass(slots=True, kw_only=True)
class Submission(Generic[T]):
    """An operation with its parameters, waiting for a place in a batch. `deadline` is on the monotonic clock."""

    operation: Operation[..., T]
    context: Context
    params: dict[str, Any]
    deadline: float
    future: asyncio.Future[WriteResult[T]]
    digest: str
    asked_at_ms: int | None = None  # where it waited: when it was asked for
    refused: bool = False
    notes: list[Statement] = field(default_factory=list)  # the slow ones
    error: BaseException | None = None  # what the answer's error id stands for, where something was raised

    def give(self, result: WriteResult[T]) -> None:
        """Answer the caller; one that was cancelled no longer listens, and the journal has the outcome."""
        if not self.future.done():
            self.future.set_result(result)

    def refuse(self, reason: str, cause: DatabaseError | None = None) -> None:
        """Answer that nothing was done: because of `cause`, where there is more to it than the state of things."""
        self.refused = True
        self.give(self.failed(reason, error_id=cause.error_id if cause else new_error_id(), error=cause))

    @property
    def met_trouble(self) -> bool:
        """Of one that was answered: whether the database kept it from its end, and the same call may succeed later."""
        outcome = self.future.result().outcome
        infrastructure = isinstance(self.error, DatabaseError) and self.error.consequence.is_infrastructure
        return outcome is Outcome.UNKNOWN or (outcome is Outcome.FAILED and (self.refused or infrastructure))

    def payload(self, answer: object, rows: tuple[int, int]) -> bytes:
        """What the journal keeps of it, as JSON; raises TypeError for an answer that JSON cannot hold."""
        params = self.params
        if self.operation.redact:
            params = {name: REDACTED if name in self.operation.redact else v for name, v in params.items()}
        return orjson.dumps(
            {
                "v": PAYLOAD_VERSION,
                "actor": self.context.actor,
                "digest": self.digest,
                "params": params,
                "answer": answer,
                "rows": rows,
            }
        )

    def committed(self, answer: T, rows: tuple[int, int], *, repeated: bool = False) -> WriteResult[T]:
        return WriteResult(
            outcome=Outcome.COMMITTED,
            reason="COMMITTED",
            operation_id=self.context.operation_id,
            rows_matched=rows[0],
            rows_modified=rows[1],
            answer=answer,
            repeated=repeated,
        )

    def rejected(self, reason: str, details: dict[str, Any], *, repeated: bool = False) -> WriteResult[T]:
        return WriteResult(
            outcome=Outcome.REJECTED,
            reason=reason,
            operation_id=self.context.operation_id,
            details=details,
            repeated=repeated,
        )

    def failed(
        self, reason: str, *, error_id: str, text: str = "", error: BaseException | None = None
    ) -> WriteResult[T]:
        """Nothing of it was kept."""
        self.error = error
        return self._without_answer(Outcome.FAILED, reason, error_id, text)

    def unknown(self, reason: str, *, error_id: str, error: BaseException | None = None) -> WriteResult[T]:
        """Nobody can tell just now whether it was kept."""
        self.error = error
        return self._without_answer(Outcome.UNKNOWN, reason, error_id, "")

    def _without_answer(self, outcome: Outcome, reason: str, error_id: str, text: str) -> WriteResult[T]:
        return WriteResult(
            outcome=outcome,
            reason=reason,
            operation_id=self.context.operation_id,
            error_id=error_id,
            better_text=text,
        )

    def recorded(self, found: Found) -> WriteResult[T]:
        """The answer that an earlier call under this id got; an error if that call asked for something else."""
        if found.name != self.operation.name or found.guild != self.context.guild:
            return self.reused()
        if found.payload is None:
            return self._erased(found)
        payload = orjson.loads(found.payload)
        if payload["digest"] != self.digest:
            return self.reused()
        if found.outcome == Outcome.REJECTED:
            refusal = payload["answer"]
            return self.rejected(refusal["reason"], refusal["details"], repeated=True)
        matched, modified = payload["rows"]
        try:
            answer = self.operation.answers.validate_python(payload["answer"])
        except ValidationError:  # an answer of an earlier version of the operation, which had another shape
            return self._erased(found)
        return self.committed(answer, (matched, modified), repeated=True)

    def _erased(self, found: Found) -> WriteResult[T]:
        refused = found.outcome == Outcome.REJECTED
        done = "refused" if refused else "done"
        return WriteResult(
            outcome=Outcome.REJECTED if refused else Outcome.COMMITTED,
            reason=ANSWER_ERASED,
            operation_id=self.context.operation_id,
            repeated=True,
            better_text=f"This was already {done} before; its details are no longer kept.",
        )

    def reused(self) -> WriteResult[T]:
        """Its id belongs to something else."""
        return self.failed(
            "ID_REUSED",
            error_id=new_error_id(),
            text="This request's id was already used for something else; nothing was changed.",
        )


def submit(
    operation: Operation[..., T],
    context: Context,
    params: dict[str, Any],
    *,
    deadline: float,
    future: asyncio.Future[WriteResult[T]],
    asked_at_ms: int | None = None,
) -> Submission[T]:
    """Check the parameters and compute what makes "the same id with other content" visible; raises ParameterError."""
    check_parameters(params)
    content = [operation.name, context.guild, context.actor, params]
    stored = orjson.dumps(content, option=orjson.OPT_SORT_KEYS)
    check_size(f"the parameters of {operation.name}", stored)
    digest = hashlib.sha256(stored).hexdigest()
    return Submission(
        operation=operation,
        context=context,
        # What the operation does to a list of its own must not be there when it has to run again.
        params={name: deepcopy(value) if type(value) in _MUTABLE else value for name, value in params.items()},
        deadline=deadline,
        future=future,
        digest=digest,
        asked_at_ms=asked_at_ms,
    )
