"""Middleware that refuses requests without a key, by pages of other sites, or of great size."""

import asyncio
from collections.abc import Awaitable, Callable, Collection
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.domain.access import LOCAL_KEY, Caller
from services.api.routes.problems import error_response, problem_response
from services.api.routes.rates import RateLimits
from shared.contracts.http import API_PREFIX, INBOUND_PREFIX
from shared.kernel.errors import GroundswellError

MAX_BODY_BYTES = 1 << 20
# Logs of tools may be larger than anything else that clients send.
MAX_BODY_BYTES_BY_PATH = {f"{API_PREFIX}/findings/import": 50_000_000}
# A client that needs longer for a body only holds a connection.
BODY_TIMEOUT_SECONDS = 60.0
# Probes, and what describes the API; none of them tells anything about targets.
OPEN_PATHS = frozenset({"/health/live", "/health/ready", "/docs", "/openapi.json"})
SCHEME = "Bearer "
REFUSED_KEYS = {
    "no_key": "This API needs a key, as `Authorization: Bearer KEY`.",
    "wrong_key": "This API needs a key that it knows, as `Authorization: Bearer KEY`.",
    "revoked_key": "This key was revoked.",
    "expired_key": "This key has expired.",
}
Authenticate = Callable[[str], Awaitable[Caller | str]]


class Guard:
    """ASGI middleware that refuses a request before the application sees it.

    `authenticate` returns the caller who has a key, or the code of why it is refused. A client
    sends it as `Authorization: Bearer KEY`; only `OPEN_PATHS` need none, and what is below
    `INBOUND_PREFIX`, whose route checks a signature. The caller is put in the state of the request.
    `hosts` are the names that a request may be for, as a page of another site may have pointed its
    own name at this machine.
    """

    def __init__(
        self, app: ASGIApp, *, authenticate: Authenticate, hosts: Collection[str], rates: RateLimits
    ) -> None:
        self._app = app
        self._authenticate = authenticate
        self._hosts = frozenset(each.lower() for each in hosts)
        self._rates = rates

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        limit = MAX_BODY_BYTES_BY_PATH.get(scope["path"], MAX_BODY_BYTES)
        refusal = (
            self._refuse_foreign(headers)
            or await self._refuse_stranger(scope, headers)
            or _refuse_announced_size(headers, limit)
        )
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        try:
            async with asyncio.timeout(BODY_TIMEOUT_SECONDS):
                body = await _read_body(receive, limit)
        except ClientDisconnect:
            # Nobody is left to answer, and a part of a body may ask for more than the whole.
            return
        except TimeoutError:
            await _too_slow()(scope, receive, send)
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

    async def _refuse_stranger(self, scope: Scope, headers: Headers) -> ASGIApp | None:
        """Return the refusal of a request without a valid key, or that comes too soon, else None.

        `OPEN_PATHS` need no key, nor do senders, who sign. It puts the caller in the state of the
        request.
        """
        if scope["path"] in OPEN_PATHS or scope["path"].startswith(INBOUND_PREFIX):
            return None
        sent = headers.get("authorization", "")
        try:
            found = await self._authenticate(sent.removeprefix(SCHEME)) if sent else "no_key"
        except GroundswellError as error:
            return error_response(error)
        if isinstance(found, str):
            wait = self._rates.wait_of_stranger(address_of(scope)) if sent else 0
            return _too_often(wait, "wrong keys") if wait else _refused_key(found)
        scope.setdefault("state", {})["caller"] = found
        wait = 0 if found.key_id == LOCAL_KEY else self._rates.wait_of_key(found.key_id)
        return _too_often(wait, f"requests with the key {found.name!r}") if wait else None


def address_of(scope: Scope) -> str:
    """Return the address that a request comes from; empty if it is not known."""
    client = scope.get("client")
    return client[0] if client else ""


def _refused_key(code: str) -> ASGIApp:
    """Return the refusal of a key: status 401."""
    problem = problem_response(401, "Unauthorized", code, REFUSED_KEYS[code])
    problem.headers["WWW-Authenticate"] = "Bearer"
    return problem


def _too_often(wait: int, what: str) -> ASGIApp:
    """Return the refusal of what comes too often: status 429, and when to try again."""
    detail = f"There were too many {what}; the next may come in {wait} s."
    problem = problem_response(429, "Too many requests", "too_many_requests", detail)
    problem.headers["Retry-After"] = str(wait)
    return problem


def _too_slow() -> ASGIApp:
    """Return the refusal of a body that does not end: status 408."""
    detail = f"The body did not end within {BODY_TIMEOUT_SECONDS:.0f} s."
    return problem_response(408, "Request timeout", "too_slow", detail)


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
