"""Making, listing, rotating and revoking keys of the API."""

import os
from datetime import timedelta

from services.api.domain.access import digest_of, key_text, prefix_of
from services.api.ports import ApiDeps
from services.api.usecases.access import require_all_targets
from services.api.usecases.find import find_by_id, find_page
from services.api.usecases.targets import find_targets
from shared.contracts.answers import KeyMade
from shared.contracts.commands import CreateKey, RotateKey
from shared.contracts.documents.access import ApiKey
from shared.contracts.views import KeyView, Page, key_view
from shared.kernel.errors import Conflict, Rejected


async def create_key(wanted: CreateKey, deps: ApiDeps) -> KeyMade:
    """Make a key. Raises `Forbidden` for a restricted key, and `NotFound` for unknown targets."""
    require_all_targets(deps)
    if wanted.expires_at is not None and wanted.expires_at <= deps.clock():
        raise Rejected("expires_at is in the past.", code="bad_expiry")
    targets = [each.id for name in wanted.targets for each in await find_targets(name, deps)]
    return await _make(
        ApiKey(
            id=deps.new_id(),
            name=wanted.name,
            prefix="",
            digest=digest_of(""),
            scopes=tuple(sorted(set(wanted.scopes))),
            targets=tuple(sorted(set(targets))),
            expires_at=wanted.expires_at,
            created_at=deps.clock(),
            created_by=deps.caller.key_id,
        ),
        deps,
    )


async def list_keys(limit: int, after: str, deps: ApiDeps) -> Page[KeyView]:
    """Return a page of keys, newest first, also of those that are refused by now."""
    require_all_targets(deps)
    return await find_page(deps.store.api_keys, key_view, limit, after)


async def rotate_key(typed: str, wanted: RotateKey, deps: ApiDeps) -> KeyMade:
    """Make a key that takes the place of another one, which is valid for a grace period yet.

    It lives as long as the other one was to live.
    """
    old = await _find_valid(typed, deps)
    now = deps.clock()
    made = await _make(
        old.model_copy(
            update={
                "id": deps.new_id(),
                "version": 0,
                "created_at": now,
                "created_by": deps.caller.key_id,
                "replaces": old.id,
                "last_used_at": None,
                "expires_at": old.expires_at and now + (old.expires_at - old.created_at),
            }
        ),
        deps,
    )
    ends = now + timedelta(seconds=wanted.grace_seconds)
    await deps.store.api_keys.set_fields(old.id, expires_at=min(ends, old.expires_at or ends))
    return made


async def revoke_key(typed: str, deps: ApiDeps) -> KeyView:
    """Revoke a key: it is refused from now on."""
    key = await _find_valid(typed, deps)
    await deps.store.api_keys.set_fields(key.id, revoked_at=deps.clock())
    return key_view(await deps.store.api_keys.require(key.id))


async def _find_valid(typed: str, deps: ApiDeps) -> ApiKey:
    """Return the key with an id, of which the end is enough; raise `Conflict` if it is revoked."""
    require_all_targets(deps)
    key = await find_by_id(deps.store.api_keys, typed, "key")
    if key.revoked_at is not None:
        raise Conflict(f"The key {key.name!r} is revoked already.", code="revoked_key")
    return key


async def _make(template: ApiKey, deps: ApiDeps) -> KeyMade:
    """Store a key like `template` with a text of its own, and return it with that."""
    text = key_text(os.urandom(36))
    key = template.model_copy(update={"prefix": prefix_of(text), "digest": digest_of(text)})
    if not await deps.store.api_keys.insert(key):
        raise Conflict(
            f"The key {key.id} was made before, and its text is shown once only.",
            hint="Rotate it, which makes another one.",
            code="key_was_made",
        )
    return KeyMade(key=key_view(key), secret=text)
