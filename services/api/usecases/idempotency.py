"""Executing a request once, however often it is sent with one idempotency key."""

from datetime import timedelta
from itertools import count

from services.api.ports import ApiDeps
from shared.contracts.documents.access import IdempotentRequest
from shared.kernel.errors import Conflict, Rejected
from shared.kernel.ids import NewId, derive_uuid7

# After this time a request without an answer may be executed again: its process died, or takes
# long. As it makes the same ids again, it then starts nothing that was started before.
CLAIM = timedelta(seconds=30)
IN_PROGRESS = "in_progress"


async def begin_request(request_id: str, digest: str, deps: ApiDeps) -> IdempotentRequest:
    """Claim a request, or return it with the answer that it got.

    Raises `Rejected` if another request was sent with the key, and `Conflict` while the same one is
    being executed.
    """
    now = deps.clock()
    new = IdempotentRequest(
        id=request_id, request_digest=digest, seed_at=now, claimed_until=now + CLAIM
    )
    if await deps.store.idempotency.insert(new):
        return new
    known = await deps.store.idempotency.require(request_id)
    if known.request_digest != digest:
        raise Rejected(
            "Another request was sent with this Idempotency-Key.",
            hint="Use a key of its own for each request.",
            code="key_reused",
        )
    if known.status is not None:
        return known
    if known.claimed_until > now:
        raise _in_progress()
    taken = await deps.store.idempotency.save(known.updated(claimed_until=now + CLAIM))
    if taken is None:
        raise _in_progress()
    return taken


def _in_progress() -> Conflict:
    """Return the error that a request is being executed."""
    return Conflict("The request with this Idempotency-Key is being executed.", code=IN_PROGRESS)


async def finish_request(
    request: IdempotentRequest, status: int, headers: dict[str, str], body: bytes, deps: ApiDeps
) -> None:
    """Store the answer of a request, which every repetition gets from now on."""
    await deps.store.idempotency.set_fields(request.id, status=status, headers=headers, body=body)


async def release_request(request: IdempotentRequest, deps: ApiDeps) -> None:
    """Let a request that failed be sent again with its key at once."""
    await deps.store.idempotency.set_fields(request.id, claimed_until=deps.clock())


def ids_of(request: IdempotentRequest) -> NewId:
    """Return what makes the ids of a request: the same ones whenever it is executed."""
    milliseconds = int(request.seed_at.timestamp() * 1000)
    numbers = count()
    return lambda: derive_uuid7(f"{request.id}:{next(numbers)}", milliseconds)
