"""What no request gets past: bodies too large, and pages of other sites in a local browser."""

import ipaddress
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.routes.problems import problem

MAX_BODY = 1 << 20


class Guard:
    """ASGI middleware. `local` says that the API listens on this machine only."""

    def __init__(self, app: ASGIApp, *, local: bool) -> None:
        self._app = app
        self._local = local

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._foreign(headers) or _announced(headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        body = await _read(receive)
        if body is None:
            await _too_large()(scope, receive, send)
            return
        await self._app(scope, _again(body, receive), send)

    def _foreign(self, headers: Headers) -> ASGIApp | None:
        """A page of another site, or a name that was pointed at this machine, asks for nothing good."""
        host = headers.get("host", "")
        origin = headers.get("origin")
        if self._local and not _is_loopback(host):
            return problem(403, "Forbidden", "foreign_host", f"This is not the API of {host}.")
        if origin is not None and _place(origin) != host:
            return problem(403, "Forbidden", "foreign_origin", f"{origin} may not use this API.")
        return None


def _place(origin: str) -> str:
    """Host and port of an origin; empty where it cannot be read."""
    try:
        return urlsplit(origin).netloc
    except ValueError:
        return ""


def _is_loopback(host: str) -> bool:
    try:
        name = urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return False
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def _announced(headers: Headers) -> ASGIApp | None:
    length = headers.get("content-length", "0")
    return _too_large() if length.isdigit() and int(length) > MAX_BODY else None


def _too_large() -> ASGIApp:
    return problem(413, "Too large", "too_large", f"A body may have {MAX_BODY} bytes at most.")


async def _read(receive: Receive) -> bytes | None:
    """The whole body; None when it is too large, however it was announced."""
    chunks, size, more = [], 0, True
    while more:
        message = await receive()
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MAX_BODY:
            return None
        chunks.append(chunk)
        more = message["type"] == "http.request" and message.get("more_body", False)
    return b"".join(chunks)


def _again(body: bytes, receive: Receive) -> Receive:
    """`receive` that first gives the body that was read already."""
    left = [body]

    async def next_message() -> Message:
        if left:
            return {"type": "http.request", "body": left.pop(), "more_body": False}
        return await receive()

    return next_message
