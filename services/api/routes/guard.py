"""Middleware that refuses requests without the key, by pages of other sites, or of great size."""

import hmac
from collections.abc import Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.routes.problems import problem_response
from shared.contracts.http import API_PREFIX, INBOUND_PREFIX

MAX_BODY_BYTES = 1 << 20
# Logs of tools may be larger than anything else that clients send.
MAX_BODY_BYTES_BY_PATH = {f"{API_PREFIX}/findings/import": 50_000_000}
# Probes, and what describes the API; none of them tells anything about targets.
OPEN_PATHS = frozenset({"/health/live", "/health/ready", "/docs", "/openapi.json"})


class Guard:
    """ASGI middleware that refuses a request before the application sees it.

    `key` is what a client sends as `Authorization: Bearer KEY`; only `OPEN_PATHS` need none.
    `hosts` are the names that a request may be for, as a page of another site may have pointed its
    own name at this machine.
    """

    def __init__(self, app: ASGIApp, *, key: str, hosts: Collection[str]) -> None:
        self._app = app
        self._authorization = f"Bearer {key}".encode()
        self._hosts = frozenset(each.lower() for each in hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = MAX_BODY_BYTES_BY_PATH.get(scope["path"], MAX_BODY_BYTES)
        refusal = (
            self._refuse_foreign(headers)
            or self._refuse_stranger(scope["path"], headers)
            or _refuse_announced_size(headers, limit)
        )
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        try:
            body = await _read_body(receive, limit)
        except ClientDisconnect:
            # Nobody is left to answer, and a part of a body may ask for more than the whole.
            return
        if body is None:
            await _too_large(limit)(scope, receive, send)
            return
        await self._app(scope, _replay(body, receive), send)

    def _refuse_foreign(self, headers: Headers) -> ASGIApp | None:
        """Return the refusal of a request for a foreign host or by a foreign page, else None."""
        host = headers.get("host", "")
        origin = headers.get("origin")
        if _host_name(host) not in self._hosts:
            return problem_response(
                403,
                "Forbidden",
                "foreign_host",
                f"This API does not go by the name {host!r}; GROUNDSWELL_API_HOSTS has its names.",
            )
        if origin is not None and _host_and_port(origin) != host:
            return problem_response(
                403, "Forbidden", "foreign_origin", f"{origin} may not use this API."
            )
        return None

    def _refuse_stranger(self, path: str, headers: Headers) -> ASGIApp | None:
        """Return the refusal of a request without the key, else None; `OPEN_PATHS` need no key."""
        sent = headers.get("authorization", "").encode()
        if path.startswith(INBOUND_PREFIX):
            return None  # its signature is checked in place of a key
        if path in OPEN_PATHS or hmac.compare_digest(sent, self._authorization):
            return None
        problem = problem_response(
            401,
            "Unauthorized",
            "wrong_key" if sent else "no_key",
            "This API needs its key, as `Authorization: Bearer KEY`.",
        )
        problem.headers["WWW-Authenticate"] = "Bearer"
        return problem


def _host_and_port(origin: str) -> str:
    """Return host and port of an origin; empty if it cannot be parsed."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _host_name(host: str) -> str:
    """Return the name in a Host header, without port and brackets; empty if it has none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _refuse_announced_size(headers: Headers, limit: int) -> ASGIApp | None:
    """Return the refusal of a request whose announced body is too large, else None."""
    length = headers.get("content-length", "0")
    return _too_large(limit) if length.isdigit() and int(length) > limit else None


def _too_large(limit: int) -> ASGIApp:
    """Return the refusal of a body that is too large: status 413."""
    detail = f"A body may have {limit} bytes at most."
    return problem_response(413, "Too large", "too_large", detail)


async def _read_body(receive: Receive, limit: int) -> bytes | None:
    """Return the whole body; None if it is too large, whatever its announced length.

    Raises `ClientDisconnect` if the client goes before the body ends.
    """
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > limit:
            return None
        chunks.append(chunk)
        more = message.get("more_body", False)
    return b"".join(chunks)


def _replay(body: bytes, receive: Receive) -> Receive:
    """Return a `receive` that first gives the body that was read already."""
    left = [body]

    async def next_message() -> Message:
        """Return the body that was read, and after it whatever else comes from the client."""
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return next_message
