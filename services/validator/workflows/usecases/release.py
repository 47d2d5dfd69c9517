"""Puts landed changes of workflows into a running n8n, and takes them back once rolled back.

What is to be done is stored first and done by a loop, again until n8n answers. A workflow is only
replaced where n8n has what the file had before the change: edits of people are never overwritten.
"""

import asyncio
from collections.abc import Sequence
from typing import Any

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.workflows.domain.content import NotSendable, content_of, has_content
from services.validator.workflows.domain.harness import NotRunnable
from services.validator.workflows.domain.live import LiveWorkflow
from services.validator.workflows.domain.pairs import WorkflowPair, differing_workflows
from services.validator.workflows.ports import WorkflowServer
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.targets import Target
from shared.contracts.documents.workflows import WorkflowRelease
from shared.contracts.states import ReleaseState
from shared.kernel.errors import Rejected, Transient
from shared.kernel.failpoints import failpoint
from shared.targets.config import FILE, N8nSection, parse_config
from shared.targets.languages import WORKFLOW

log = structlog.get_logger(__name__)

LEADERSHIP = "releases"
# Landing waits so long for n8n; what is not done by then is done later.
MAX_RELEASE_SECONDS = 60.0
NO_ID = "the file names no id of a workflow"
UNKNOWN = "n8n has no workflow with this id"
EDITED = "it was edited in n8n: it is not what the file was before the change"


async def request_releases(
    target: Target, changes: Sequence[Enhancement], deps: ValidatorDeps
) -> None:
    """Store which workflows of landed changes n8n should have, if the target asks for that.

    They are released at once as far as n8n answers, and else by a later `release_pending`.
    """
    edits = [each for each in changes if any(map(WORKFLOW.has_suffix, each.proposal.files))]
    if deps.workflow_server is None or not edits:
        return
    if (await asyncio.to_thread(_section, target, deps)).apply == "no":
        return
    for each in edits:
        for release in await asyncio.to_thread(_releases, target, each, deps):
            await deps.store.releases.insert(release)
    await release_pending(deps)


async def undo_releases(change: Enhancement, reverted: str, deps: ValidatorDeps) -> None:
    """Store that n8n should have the workflows as before a change, which a commit reverted."""
    for each in await deps.store.releases.find(enhancement_id=change.id):
        await deps.store.releases.transition(
            each, "undo", reverted=reverted, changed_at=deps.clock()
        )
    await release_pending(deps)


async def release_pending(deps: ValidatorDeps) -> None:
    """Do what is stored, in order, until n8n does not answer; one process at a time does so."""
    pending = [ReleaseState.WANTED, ReleaseState.UNDOING]
    if deps.workflow_server is None or not await deps.store.releases.count(state=pending):
        return
    try:
        async with (
            asyncio.timeout(MAX_RELEASE_SECONDS),
            deps.leadership.hold_leadership(LEADERSHIP),
        ):
            for each in await deps.store.releases.find(state=pending):
                await _attempt(each, deps.workflow_server, deps)
    except (Transient, TimeoutError) as error:
        log.info("release_postponed", reason=str(error) or "n8n takes too long")


async def _attempt(release: WorkflowRelease, server: WorkflowServer, deps: ValidatorDeps) -> None:
    """Release or undo once, and store the outcome. Raises `Transient` to try again later."""
    do = _undo if release.state is ReleaseState.UNDOING else _release
    try:
        trigger, fields = await do(release, server, deps)
    except (Rejected, NotRunnable, NotSendable) as error:
        trigger, fields = "refuse", {"reason": str(error)}
    await deps.store.releases.transition(release, trigger, changed_at=deps.clock(), **fields)
    log.info("workflow_release", release=release.id, workflow=release.workflow, did=trigger)


async def _release(
    release: WorkflowRelease, server: WorkflowServer, deps: ValidatorDeps
) -> tuple[str, dict[str, Any]]:
    """Save the version with the change as a draft, and publish it where the target wants that."""
    target = await deps.store.targets.require(release.target_id)
    apply = (await asyncio.to_thread(_section, target, deps)).apply
    pair = await _pair(release, (release.base, release.commit), deps)
    live = await _find(release, server)
    before = release.before or live.published
    # What was published before is lost once the new version is.
    await deps.store.releases.set_fields(release.id, before=before)
    failpoint("release.begun")
    saved = await _save(live, pair, server)
    fields = {"before": before, "release": saved.version}
    if apply != "publish" or not before:
        return "save", fields
    await server.publish(saved.id, saved.version)
    return "publish", fields


async def _undo(
    release: WorkflowRelease, server: WorkflowServer, deps: ValidatorDeps
) -> tuple[str, dict[str, Any]]:
    """Publish the version before the change again, and make the draft what it was.

    Where a later version is published that has other changes as well, it is replaced by what the
    file is after the revert.
    """
    live = await _find(release, server)
    is_published = bool(release.release) and live.published == release.release
    if is_published and release.before:
        await server.publish(live.id, release.before)
    target = await deps.store.targets.require(release.target_id)
    reverted = release.reverted or release.base
    parent = await asyncio.to_thread(deps.repository(target).parent, reverted)
    try:
        pair = await _pair(release, (parent, reverted), deps)
        saved = await _save(live, pair, server)
    except (Rejected, NotSendable) as error:
        if not is_published:
            raise
        return "finish", {"reason": f"its draft stays: {error}"}
    is_later = live.published not in {"", release.release, release.before}
    if is_later and live.published == live.version:
        await server.publish(saved.id, saved.version)
    return "finish", {}


async def _find(release: WorkflowRelease, server: WorkflowServer) -> LiveWorkflow:
    """Return the workflow in n8n. Raises `Rejected` where there is none."""
    if not release.workflow:
        raise Rejected(NO_ID)
    live = await server.get(release.workflow)
    if live is None:
        raise Rejected(UNKNOWN)
    return live


async def _save(live: LiveWorkflow, pair: WorkflowPair, server: WorkflowServer) -> LiveWorkflow:
    """Save the new version of a pair as a draft where n8n has the old one, and return that.

    Raises `Rejected` where n8n has neither, and `NotSendable`.
    """
    assert pair.old is not None
    wanted = content_of(pair.new, pair.old)
    if has_content(live.content, content_of(pair.old)):
        return await server.save_draft(live.id, live.name, wanted)
    if has_content(live.content, wanted):
        return live
    raise Rejected(EDITED)


async def _pair(
    release: WorkflowRelease, commits: tuple[str, str], deps: ValidatorDeps
) -> WorkflowPair:
    """Return the workflow at two commits. Raises `Rejected` where one of them has none."""
    target = await deps.store.targets.require(release.target_id)
    pairs = await asyncio.to_thread(_pairs, target, commits, [release.path], deps)
    for each in pairs:
        if each.id == release.workflow and each.old is not None:
            return each
    raise Rejected("the file has it no longer, or has not changed it")


def _releases(target: Target, change: Enhancement, deps: ValidatorDeps) -> list[WorkflowRelease]:
    """Return a wanted release of each workflow that a landed change edits; blocks."""
    commit = change.landing.commit or ""
    base = deps.repository(target).parent(commit)
    paths = [each for each in change.proposal.files if WORKFLOW.has_suffix(each)]
    try:
        pairs = _pairs(target, (base, commit), paths, deps)
    except NotRunnable as error:
        log.warning("release_not_possible", enhancement=change.id, reason=str(error))
        return []
    return [
        WorkflowRelease(
            id=deps.new_id(),
            enhancement_id=change.id,
            target_id=target.id,
            path=each.path,
            workflow=each.id,
            base=base,
            commit=commit,
            created_at=deps.clock(),
            changed_at=deps.clock(),
        )
        for each in pairs
        if each.old is not None
    ]


def _pairs(
    target: Target, commits: tuple[str, str], paths: Sequence[str], deps: ValidatorDeps
) -> list[WorkflowPair]:
    """Return the workflows of files that differ between two commits; blocks."""
    versions = deps.repository(target).versions(commits, paths)
    texts = {
        path: tuple(each.decode(errors="replace") if each is not None else None for each in both)
        for path, both in versions.items()
    }
    return [
        pair
        for path, (old, new) in sorted(texts.items())
        for pair in differing_workflows(path, old, new)
    ]


def _section(target: Target, deps: ValidatorDeps) -> N8nSection:
    """Return `[n8n]` of the base branch; its defaults where the configuration is invalid."""
    content = deps.repository(target).base_file(target, FILE)
    try:
        return parse_config(content or b"").n8n
    except Rejected as error:
        log.warning("n8n_configuration_invalid", target=target.id, reason=str(error))
        return N8nSection()
