"""Errors as RFC 9457 problem details: every one has a code, a title, a sentence, and often a hint."""

import math
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from shared.kernel.errors import Conflict, GroundswellError, NotFound, Rejected, Transient

log = structlog.get_logger(__name__)

MEDIA_TYPE = "application/problem+json"
FAMILIES: tuple[tuple[type[GroundswellError], int, str], ...] = (
    (NotFound, 404, "Not found"),
    (Conflict, 409, "Not in this state"),
    (Rejected, 422, "Refused"),
    (Transient, 503, "Not now"),
    (GroundswellError, 500, "Failed"),
)
LISTED = 8


def problem(status: int, title: str, code: str, detail: str, hint: str = "") -> JSONResponse:
    """One problem as a response."""
    body: dict[str, Any] = {
        "type": f"urn:groundswell:problem:{code}",
        "title": title,
        "status": status,
        "code": code,
        "detail": detail,
    }
    if hint:
        body["hint"] = hint
    return JSONResponse(body, status, media_type=MEDIA_TYPE)


def answer_problems(app: FastAPI) -> None:
    """Let `app` answer every error as a problem."""
    app.add_exception_handler(GroundswellError, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _ours(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, GroundswellError)
    status, title = next((s, t) for family, s, t in FAMILIES if isinstance(error, family))
    response = problem(status, title, error.code, error.message, error.hint)
    if isinstance(error, Transient):
        response.headers["Retry-After"] = str(max(1, math.ceil(error.delay)))
    return response


async def _invalid(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    sentences = [
        f"{'.'.join(str(part) for part in each['loc'])}: {each['msg']}."
        for each in error.errors()[:LISTED]
    ]
    return problem(
        422, "Invalid request", "invalid_request", " ".join(sentences), "The schema is at /docs."
    )


async def _http(_: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    phrase = HTTPStatus(error.status_code).phrase
    code = phrase.lower().replace(" ", "_")
    detail = error.detail if error.detail != phrase else f"{phrase}."
    response = problem(error.status_code, phrase, code, detail)
    response.headers.update(error.headers or {})
    return response


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("request_failed", path=request.url.path, exc_info=error)
    return problem(500, "Failed", "internal", "Something broke.", "See the API's log.")
