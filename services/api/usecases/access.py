"""Finding out who sent a request, and what of the store exists for them."""

import dataclasses
from datetime import timedelta
from typing import Any

from services.api.domain.access import (
    EVERYTHING,
    Caller,
    caller_with,
    prefix_of,
    refusal_of,
    same_text,
)
from services.api.ports import ApiDeps
from shared.contracts.documents.access import ApiKey
from shared.kernel.errors import Forbidden
from shared.mongo.collections import COLLECTIONS, Store

LAST_USE_PRECISION = timedelta(minutes=1)
# The id of their documents is that of a target.
BY_TARGET_ID = frozenset({"targets", "leases"})


async def authenticate(text: str, deps: ApiDeps, *, local_key: str) -> Caller | str:
    """Return who has the key with this text, or the code of why it is refused.

    `local_key` is the one that allows everything, and is stored nowhere.
    """
    if same_text(text, local_key):
        return EVERYTHING
    prefix = prefix_of(text)
    key = await deps.store.api_keys.first(prefix=prefix) if prefix else None
    refusal = refusal_of(key, text, deps.clock())
    if refusal or key is None:
        return refusal
    await _note_use(key, deps)
    return caller_with(key)


async def _note_use(key: ApiKey, deps: ApiDeps) -> None:
    """Store that a key is used, unless that was stored within the last minute."""
    now = deps.clock()
    if key.last_used_at is None or now - key.last_used_at >= LAST_USE_PRECISION:
        await deps.store.api_keys.set_fields(key.id, last_used_at=now)


def on_behalf_of(caller: Caller, deps: ApiDeps) -> ApiDeps:
    """Return the ports as a caller may use them: other targets do not exist in their store."""
    store = _restricted(deps.store, list(caller.targets)) if caller.targets else deps.store
    return dataclasses.replace(deps, store=store, caller=caller)


def _restricted(store: Store, targets: list[str]) -> Store:
    """Return a view of a store that has only what belongs to some targets."""
    views: dict[str, Any] = {}
    for name, spec in COLLECTIONS.items():
        if name in BY_TARGET_ID:
            views[name] = getattr(store, name).within(id=targets)
        elif "target_id" in spec.model.model_fields:
            views[name] = getattr(store, name).within(target_id=targets)
    return dataclasses.replace(store, **views)


def require_all_targets(deps: ApiDeps) -> None:
    """Raise `Forbidden` for a key that is restricted to some targets."""
    if deps.caller.targets:
        raise Forbidden(
            f"The key {deps.caller.name!r} is for some targets only, and this is about all.",
            code="restricted_key",
        )
