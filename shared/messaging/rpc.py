"""The wire format of RPC requests and responses, which travel over NATS micro services.

A response is `{"ok": true, "result": {...}}` or `{"ok": false, "error": {family, code, message,
hint}}`, so that the caller gets an error as the exception it was and not as a timeout.
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
MAX_LISTED_ERRORS = 8
ERROR_FAMILIES: tuple[type[GroundswellError], ...] = (NotFound, Conflict, Rejected, Transient)


def rpc_subject(subject: str) -> str:
    """Return the RPC subject of a command: `gs.rpc.wave.start` for `gs.cmd.wave.start`."""
    return subject.replace("gs.cmd.", "gs.rpc.", 1)


@dataclass(frozen=True)
class Endpoint(Generic[Q, A]):
    """One RPC endpoint: the models of its request and response, and the use case between them."""

    request: type[Q]
    response: type[A]
    handler: Callable[[Q], Awaitable[A]]

    @property
    def subject(self) -> str:
        """The NATS subject that the endpoint listens on."""
        return rpc_subject(self.request.subject)

    @property
    def name(self) -> str:
        """The name of the endpoint in the NATS micro service, such as `wave-start`."""
        return self.subject.removeprefix("gs.rpc.").replace(".", "-")

    @property
    def schemas(self) -> dict[str, str]:
        """The JSON schemas of request and response, as texts, for the metadata of the endpoint."""
        return {
            "request": json.dumps(self.request.model_json_schema()),
            "response": json.dumps(self.response.model_json_schema(mode="serialization")),
        }


class InvalidRequest(Rejected):
    """The body of a request does not validate."""

    code = "invalid_request"


def decode_request(body: bytes, model: type[Q]) -> Q:
    """Return the request; an empty body is an empty request.

    Raises `InvalidRequest`, whose message has the wrong fields, at most `MAX_LISTED_ERRORS`.
    """
    try:
        return model.model_validate_json(body or b"{}")
    except ValidationError as error:
        raise InvalidRequest(
            describe_validation_error(error), hint=f"Fields: {', '.join(model.model_fields)}."
        ) from None


def describe_validation_error(error: ValidationError) -> str:
    """Return a validation error as one sentence per wrong field, of at most `MAX_LISTED_ERRORS`."""
    lines = []
    for each in error.errors(include_url=False, include_context=False, include_input=False):
        place = ".".join(str(part) for part in each["loc"]) or "body"
        lines.append(f"{place}: {each['msg']}.")
    return " ".join(lines[:MAX_LISTED_ERRORS])


def encode_result(result: BaseModel) -> bytes:
    """Return the body of a response that carries a result."""
    return json.dumps({"ok": True, "result": result.model_dump(mode="json")}).encode()


def encode_error(error: Exception) -> bytes:
    """Return the body of a response that carries an error; a defect is logged and not disclosed."""
    if not isinstance(error, GroundswellError):
        log.error("request_failed", exc_info=error)
        # The message of a defect may tell more than the caller may know; its kind does not.
        error = Transient(
            f"The request failed by a defect of ours: {type(error).__name__}.",
            hint="The service's log has the details; please report it.",
        )
        error.code = "internal"
    families = (each.__name__ for each in ERROR_FAMILIES if isinstance(error, each))
    details = {
        "family": next(families, "Transient"),
        "code": error.code,
        "message": error.message,
        "hint": error.hint,
    }
    return json.dumps({"ok": False, "error": details}).encode()


def decode_response(body: bytes, model: type[A]) -> A:
    """Return the result of a response; raises the error that it carries instead."""
    envelope: dict[str, Any] = json.loads(body)
    if envelope["ok"]:
        return model.model_validate(envelope["result"])
    error = envelope["error"]
    family = next(each for each in ERROR_FAMILIES if each.__name__ == error["family"])
    raised = family(error["message"], hint=error["hint"])
    raised.code = error["code"]
    raise raised
