"""Keys of the HTTP API, and what was answered under a client's idempotency key."""

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from shared.contracts.base import Id, Sha256
from shared.contracts.documents.base import Document


class Scope(StrEnum):
    """What a key allows: reading, starting work, approving changes, or everything.

    All of them include `read`; `admin` includes the others.
    """

    READ = "read"
    RUN = "run"
    APPROVE = "approve"
    ADMIN = "admin"


class ApiKey(Document):
    """A key of the HTTP API: its public `prefix`, and the sha256 of its whole text.

    With `targets`, only these (by their ids) exist for it. It is refused from `expires_at` on, and
    once it is revoked. `created_by` is the id of the key that made it, and `replaces` that of the
    key whose place it takes. `last_used_at` is true to a minute.
    """

    id: Id
    name: str
    prefix: str
    digest: Sha256
    scopes: tuple[Scope, ...]
    targets: tuple[Id, ...] = ()
    expires_at: datetime | None = None
    created_at: datetime
    created_by: str
    replaces: Id | None = None
    last_used_at: datetime | None = None
    revoked_at: datetime | None = None


class IdempotentRequest(Document):
    """A request with an `Idempotency-Key`, and the answer that it got.

    `id` is made of the caller, the request's method and path, and the key. `seed_at` is when it
    came first: with `id` it determines the ids that the request makes. It is being executed until
    `claimed_until`, unless `status` is there, which is that of the answer.
    """

    id: Sha256
    request_digest: Sha256
    seed_at: datetime
    claimed_until: datetime
    status: int | None = None
    headers: dict[str, str] = Field(default_factory=dict)
    body: bytes = b""
