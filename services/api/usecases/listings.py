"""Listing targets, the leases on them, and overlaps between proposals."""

from typing import Any

from services.api.ports import ApiDeps
from services.api.usecases.find import find_by_id, find_page
from services.api.usecases.targets import find_target, find_targets
from shared.contracts.views import (
    Conflicts,
    Leases,
    Page,
    TargetView,
    conflict_view,
    leases_in,
    target_view,
)


async def list_targets(limit: int, after: str, deps: ApiDeps) -> Page[TargetView]:
    """Return a page of targets, newest first."""
    return await find_page(deps.store.targets, target_view, limit, after)


async def get_target(named: str, deps: ApiDeps) -> TargetView:
    """Return the target with this id; its end is enough."""
    return target_view(await find_by_id(deps.store.targets, named, "target"))


async def list_conflicts(
    target: str, wave: str, *, unresolved: bool, limit: int, deps: ApiDeps
) -> Conflicts:
    """Return overlaps, the newest first: of a target and a wave or of all, or those still open."""
    where: dict[str, Any] = {}
    if target:
        where["target_id"] = (await find_target(target, deps)).id
    if wave:
        where["waves"] = (await find_by_id(deps.store.waves, wave, "wave")).id
    if unresolved:
        where["outcome"] = None
    found = await deps.store.conflicts.find(sort="-found_at", limit=limit, **where)
    return Conflicts(items=tuple(conflict_view(each) for each in found))


async def list_leases(target: str, deps: ApiDeps) -> Leases:
    """Return the leases that are held and the claims that wait, on a target or on all of them."""
    where: dict[str, Any] = {}
    if target:
        where["id"] = [each.id for each in await find_targets(target, deps)]
    return leases_in(await deps.store.leases.find(**where))
