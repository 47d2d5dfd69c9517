"""What clients are shown of keys of the HTTP API."""

from datetime import datetime

from shared.contracts.base import Id, Value
from shared.contracts.documents.access import ApiKey, Scope


class KeyView(Value):
    """A key, without what would let anybody use it.

    Flat: one row of a list.
    """

    id: Id
    name: str
    prefix: str
    scopes: tuple[Scope, ...]
    targets: tuple[Id, ...]
    created_at: datetime
    created_by: str
    replaces: Id | None
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None


def key_view(key: ApiKey) -> KeyView:
    """Return what clients are shown of a key."""
    return KeyView.model_validate(key.model_dump())
