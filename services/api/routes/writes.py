"""Middleware for requests that change something: they are recorded, and safe to repeat."""

import hashlib

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.ports import ApiDeps
from services.api.routes.guard import address_of
from services.api.routes.problems import error_response
from services.api.usecases.idempotency import (
    CLAIM,
    IN_PROGRESS,
    begin_request,
    finish_request,
    ids_of,
    release_request,
)
from shared.contracts.documents.audit import AuditRecord
from shared.kernel.errors import Conflict, GroundswellError, Rejected

READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
KEY_HEADER = "idempotency-key"
MAX_KEY_CHARS = 255
KEPT_HEADERS = ("content-type", "location")
SUCCESS = range(200, 300)


class SafeWrites:
    """ASGI middleware that records every write, and executes one with an idempotency key once.

    It takes a request from `Guard`, with its caller, and its body in one message. An answer that
    must not be stored is not repeated: a repetition is refused. A request that failed may be sent
    again.
    """

    def __init__(self, app: ASGIApp, *, deps: ApiDeps) -> None:
        self._app = app
        self._deps = deps

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        caller = scope.get("state", {}).get("caller")
        if scope["type"] != "http" or scope["method"] in READING_METHODS or caller is None:
            await self._app(scope, receive, send)
            return
        try:
            record = await self._record(scope)
            answer = await self._execute(scope, receive)
            await self._deps.store.audit.set_fields(record.id, status=answer.status_code)
        except GroundswellError as error:
            answer = error_response(error)
            if error.code == IN_PROGRESS:
                answer.headers["Retry-After"] = str(int(CLAIM.total_seconds()))
        await answer(scope, receive, send)

    async def _record(self, scope: Scope) -> AuditRecord:
        """Store that a request is made, by whom and from where; return the record."""
        caller = scope["state"]["caller"]
        record = AuditRecord(
            id=self._deps.new_id(),
            action=f"{scope['method']} {scope['path']}",
            subject={},
            channel="http",
            at=self._deps.clock(),
            key_id=caller.key_id,
            key_name=caller.name,
            address=address_of(scope),
        )
        await self._deps.store.audit.insert(record)
        return record

    async def _execute(self, scope: Scope, receive: Receive) -> Response:
        """Return the answer of a request: the stored one, if it was executed under its key."""
        key = Headers(scope=scope).get(KEY_HEADER)
        if key is None:
            return await _answer_of(self._app, scope, receive)
        if not 0 < len(key) <= MAX_KEY_CHARS:
            raise Rejected(
                f"An Idempotency-Key has 1 to {MAX_KEY_CHARS} characters.", code="bad_key"
            )
        first = await receive()
        request = await begin_request(_id_of(scope, key), _digest_of(scope, first), self._deps)
        if request.status is not None:
            stored = Response(request.body, request.status, request.headers)
            stored.headers["Idempotent-Replayed"] = "true"
            return stored
        scope["state"]["new_id"] = ids_of(request)
        answer = await _answer_of(self._app, scope, _again(first, receive))
        if answer.status_code not in SUCCESS:
            await release_request(request, self._deps)
            return answer
        kept = _refusal_to_repeat() if answer.headers.get("cache-control") == "no-store" else answer
        headers = {name: kept.headers[name] for name in KEPT_HEADERS if name in kept.headers}
        body = bytes(kept.body)
        await finish_request(request, kept.status_code, headers, body, self._deps)
        return answer


def _id_of(scope: Scope, key: str) -> str:
    """Return the id of a request: one for each caller, method, path and key."""
    parts = (scope["state"]["caller"].key_id, scope["method"], scope["path"], key)
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _digest_of(scope: Scope, message: Message) -> str:
    """Return the digest of what a request asks for: its query and its body."""
    return hashlib.sha256(scope["query_string"] + b"\n" + message.get("body", b"")).hexdigest()


def _refusal_to_repeat() -> Response:
    """Return what a repetition is answered if the answer has a secret, which is not stored."""
    return error_response(
        Conflict(
            "This was done before, and its answer has a secret, which is shown once only.",
            code="answer_not_kept",
        )
    )


def _again(message: Message, receive: Receive) -> Receive:
    """Return a `receive` that first gives a message that was received already."""
    left = [message]

    async def next_message() -> Message:
        """Return the message, and after it whatever else comes from the client."""
        return left.pop() if left else await receive()

    return next_message


async def _answer_of(app: ASGIApp, scope: Scope, receive: Receive) -> Response:
    """Return the whole answer of an application to a request."""
    answer = Response()
    chunks: list[bytes] = []

    async def collect(message: Message) -> None:
        """Put one message of the answer where it belongs."""
        if message["type"] == "http.response.start":
            answer.status_code = message["status"]
            answer.raw_headers = [*message.get("headers", ())]
        else:
            chunks.append(message.get("body", b""))

    await app(scope, receive, collect)
    answer.body = b"".join(chunks)
    answer._headers = MutableHeaders(raw=answer.raw_headers)  # noqa: SLF001 - of the same answer
    return answer
