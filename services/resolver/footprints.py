"""Loading what proposals change and rely on, each of them once."""

import asyncio
from collections.abc import Mapping, Sequence

import structlog

from services.resolver.deps import ResolverDeps
from services.resolver.domain.footprints import Footprint, make_footprint
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Rejected
from shared.targets.patches import FilePatch, parse_patch

log = structlog.get_logger(__name__)
MAX_CACHED_FOOTPRINTS = 5_000
# Changes, and as many patches.
MAX_CACHED_CHANGES = 1_000
Stack = Sequence[Sequence[FilePatch]]


async def newer_commit(one: Enhancement, other: Enhancement, deps: ResolverDeps) -> str:
    """Return the newer of the commits that two changes were made for."""
    commits = [each.proposal.required_patch.base_commit for each in (one, other)]
    if commits[0] == commits[1]:
        return commits[0]
    target = await deps.store.targets.require(one.target_id)
    try:
        return await asyncio.to_thread(deps.reader.newer, target, *commits)
    except Rejected as error:
        log.info("commits_not_compared", enhancement=one.id, reason=str(error))
        return commits[0]


async def load_footprints(
    changes: Sequence[Enhancement], commit: str, deps: ResolverDeps
) -> Mapping[str, Footprint | None]:
    """Return the footprints of a target's changes on one commit by their ids.

    One that cannot be read, or does not apply there, has None.
    """
    known = deps.footprints
    missing = [each for each in changes if (each.id, commit) not in known]
    if len(known) + len(missing) > MAX_CACHED_FOOTPRINTS:
        known.clear()
        missing = [*changes]
    if missing:
        target = await deps.store.targets.require(changes[0].target_id)
        for each in missing:
            stack = await _stack(each, deps)
            known[each.id, commit] = await asyncio.to_thread(_read, target, commit, stack, deps)
    return {each.id: known[each.id, commit] for each in changes}


async def find_changes(deps: ResolverDeps, **where: object) -> list[Enhancement]:
    """Return the matching changes by age; what is known of them already is not read again.

    A task has dozens of proposals, and each of them is compared with all others.
    """
    if len(deps.changes) > MAX_CACHED_CHANGES:
        deps.changes.clear()
    return await deps.store.enhancements.find_remembered(deps.changes, **where)


async def _stack(change: Enhancement, deps: ResolverDeps) -> Stack:
    """Return the patches of a change's task up to its own, which builds on those before it."""
    proposals = await find_changes(
        deps, task_id=change.task_id, proposal__epoch=change.proposal.epoch
    )
    patches = [
        each.proposal.patch.digest
        for each in sorted(proposals, key=lambda each: each.proposal.order)
        if each.proposal.patch and each.proposal.order <= change.proposal.order
    ]
    return await _parsed_patches(patches, deps)


async def _parsed_patches(digests: Sequence[str], deps: ResolverDeps) -> Stack:
    """Return patches by their digests; each of them is read and parsed once."""
    known = deps.patches
    if len(known) > MAX_CACHED_CHANGES:
        known.clear()
    if missing := sorted({*digests} - known.keys()):
        for each in await deps.store.patches.find(id=missing):
            known[each.id] = _parsed(each.text)
    return [known.get(each, ()) for each in digests]


def _parsed(text: str) -> Sequence[FilePatch]:
    """Return the files that a patch changes; none for a text that is no patch."""
    try:
        return parse_patch(text)
    except Rejected:
        return ()


def _read(target: Target, commit: str, stack: Stack, deps: ResolverDeps) -> Footprint | None:
    """Return the footprint of the last patch of a stack on a commit; it blocks."""
    *earlier, patch = stack
    paths = {file.path for each in stack for file in each}
    try:
        contents = deps.reader.read(target, commit, sorted(paths))
    except Rejected as error:
        log.info("proposal_not_compared", target=target.id, reason=str(error))
        return None
    return make_footprint(contents, earlier, patch)
