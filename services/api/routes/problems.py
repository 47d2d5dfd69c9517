"""Errors as RFC 9457 problem details: each has a code, a title, a sentence, and often a hint."""

import math
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi_problem.error import Problem
from fastapi_problem.handler import add_exception_handler, new_exception_handler
from starlette.exceptions import HTTPException

from services.api.usecases import WrongSignature
from shared.contracts.base import Value
from shared.kernel.errors import (
    Conflict,
    Forbidden,
    GroundswellError,
    NotFound,
    Rejected,
    Transient,
)

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
TYPE_URI = "urn:groundswell:problem:{type}"
FAMILIES: tuple[tuple[type[GroundswellError], int, str], ...] = (
    (WrongSignature, 401, "Unauthorized"),
    (Forbidden, 403, "Forbidden"),
    (NotFound, 404, "Not found"),
    (Conflict, 409, "Conflict with the present state"),
    (Rejected, 422, "Rejected"),
    (Transient, 503, "Temporarily unavailable"),
    (GroundswellError, 500, "Failed"),
)
MAX_FIELD_ERRORS = 8


class ProblemDetails(Value):
    """An RFC 9457 problem: `code` is for programs, `detail` and `hint` are for people."""

    type: str
    title: str
    status: int
    code: str
    detail: str
    hint: str | None = None


# What any route may answer instead, as the OpenAPI document has it.
PROBLEMS: dict[int | str, dict[str, Any]] = {
    status: {
        "description": HTTPStatus(status).phrase,
        "content": {MEDIA_TYPE: {"schema": ProblemDetails.model_json_schema()}},
    }
    for status in (401, 403, 404, 405, 408, 409, 413, 422, 429, 500, 503)
}


def problem_response(status: int, title: str, code: str, detail: str) -> JSONResponse:
    """Return a problem as a response, for use outside of the application's error handling."""
    content = _problem(status, title, code, detail).marshal(uri=TYPE_URI)
    return JSONResponse(content, status, media_type=MEDIA_TYPE)


def error_response(error: GroundswellError) -> JSONResponse:
    """Return one of our errors as a response, outside of the application's error handling."""
    found = _problem_of(error)
    content = found.marshal(uri=TYPE_URI)
    return JSONResponse(content, found.status, found.headers, media_type=MEDIA_TYPE)


def install_problem_handlers(app: FastAPI) -> None:
    """Make `app` answer every error with a problem, and describe problems in its OpenAPI schema."""
    handler = new_exception_handler(
        handlers={
            GroundswellError: _from_error,
            HTTPException: _from_http_exception,
            RequestValidationError: _from_validation_error,
            Exception: _from_defect,
        },
        http_exception_handler=_from_http_exception,
        request_validation_handler=_from_validation_error,
        documentation_uri_template=TYPE_URI,
    )
    add_exception_handler(app, handler)
    app.add_exception_handler(GroundswellError, handler)


def _problem(status: int, title: str, code: str, detail: str, hint: str = "") -> Problem:
    """Return a problem with our code in it, and a hint unless that is empty."""
    extras: dict[str, Any] = {"code": code}
    if hint:
        extras["hint"] = hint
    return Problem(title, type_=code, detail=detail, status=status, **extras)


def _from_error(_handler: object, _request: Request, error: GroundswellError) -> Problem:
    """Return the problem of one of our errors."""
    return _problem_of(error)


def _problem_of(error: GroundswellError) -> Problem:
    """Return the problem of one of our errors; a `Transient` one says when to try again."""
    status, title = next((s, t) for family, s, t in FAMILIES if isinstance(error, family))
    found = _problem(status, title, error.code, error.message, error.hint)
    if isinstance(error, Transient):
        found.headers = {"Retry-After": str(max(1, math.ceil(error.delay)))}
    return found


def _from_validation_error(
    _handler: object, _request: Request, error: RequestValidationError
) -> Problem:
    """Return the problem of an invalid request: status 422, with the first invalid fields."""
    places = [(".".join(str(part) for part in each["loc"]), each["msg"]) for each in error.errors()]
    sentences = [f"{place}: {message}." for place, message in places[:MAX_FIELD_ERRORS]]
    return _problem(
        422, "Invalid request", "invalid_request", " ".join(sentences), "The schema is at /docs."
    )


def _from_http_exception(_handler: object, _request: Request, error: HTTPException) -> Problem:
    """Return the problem of an error of the web framework, such as an unknown path."""
    phrase = HTTPStatus(error.status_code).phrase
    detail = error.detail if error.detail != phrase else f"{phrase}."
    found = _problem(error.status_code, phrase, phrase.lower().replace(" ", "_"), detail)
    found.headers = dict(error.headers or {})
    return found


def _from_defect(_handler: object, request: Request, error: Exception) -> Problem:
    """Log an unexpected error; its problem tells the client nothing that may be confidential."""
    log.error("request_failed", path=request.url.path, exc_info=error)
    return _problem(
        500, "Failed", "internal", "The request failed unexpectedly.", "See the API's log."
    )
