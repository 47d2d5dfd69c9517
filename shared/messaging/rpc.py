"""Requests with an answer, as a NATS micro service: `$SRV.PING`, INFO and STATS come with it.

An answer is `{"ok": true, "result": {...}}` or `{"ok": false, "error": {family, code, message,
hint}}`: an exception must reach the caller as itself, not as a time-out.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import structlog
from pydantic import BaseModel, ValidationError

from shared.contracts.base import Message
from shared.kernel.errors import Conflict, GroundswellError, NotFound, Rejected, Transient

log = structlog.get_logger(__name__)
Q = TypeVar("Q", bound=Message)
A = TypeVar("A", bound=BaseModel)
FAMILIES: tuple[type[GroundswellError], ...] = (NotFound, Conflict, Rejected, Transient)


def rpc_subject(subject: str) -> str:
    """A command's subject as a request's: `gs.cmd.wave.start` is asked at `gs.rpc.wave.start`."""
    return subject.replace("gs.cmd.", "gs.rpc.", 1)


@dataclass(frozen=True)
class Endpoint(Generic[Q, A]):
    """One request: what comes in, what goes out, and the use case between."""

    question: type[Q]
    answer: type[A]
    handler: Callable[[Q], Awaitable[A]]

    @property
    def subject(self) -> str:
        """Where it is asked."""
        return rpc_subject(self.question.subject)


class Garbage(Rejected):
    """A request that could not even be read."""

    code = "invalid_request"


def read_question(body: bytes, question: type[Q]) -> Q:
    """An empty body is an empty request; raises `Garbage` with every wrong field named."""
    try:
        return question.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise Garbage(explain(error), hint=f"Fields: {', '.join(question.model_fields)}.") from None


def explain(error: ValidationError) -> str:
    """A validation error as one sentence per wrong field."""
    lines = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) for part in each["loc"]) or "body"
        lines.append(f"{place}: {each['msg']}.")
    return " ".join(lines[:8])


def success(result: BaseModel) -> bytes:
    """The answer that carries a result."""
    return json.dumps({"ok": True, "result": result.model_dump(mode="json")}).encode()


def failure(error: Exception) -> bytes:
    """The answer that carries an error."""
    family = next((each.__name__ for each in FAMILIES if isinstance(error, each)), "Transient")
    known = isinstance(error, GroundswellError)
    details = {
        "family": family,
        "code": error.code if isinstance(error, GroundswellError) else "internal",
        "message": error.message if isinstance(error, GroundswellError) else "Something broke.",
        "hint": error.hint if isinstance(error, GroundswellError) else "See the service's log.",
    }
    if not known:
        log.error("request_failed", exc_info=error)
    return json.dumps({"ok": False, "error": details}).encode()


def read_answer(body: bytes, answer: type[A]) -> A:
    """The result, or the error raised as its family."""
    envelope: dict[str, Any] = json.loads(body)
    if envelope["ok"]:
        return answer.model_validate(envelope["result"])
    error = envelope["error"]
    family = next(each for each in FAMILIES if each.__name__ == error["family"])
    raised = family(error["message"], hint=error["hint"])
    raised.code = error["code"]
    raise raised
