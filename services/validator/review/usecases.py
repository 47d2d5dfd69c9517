"""Showing people what landed: branches pushed to their remote, and pull requests for them.

A pull request is stored as soon as its changes are on the landing branch, and delivered until the
forge answers; a forge that is down delays nothing else and loses nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.review import domain
from services.validator.review.ports import NewPullRequest, Remote
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.review import PullRequest
from shared.contracts.documents.targets import Target
from shared.contracts.events import Event, PullRequestOpened, PullRequestRefused
from shared.contracts.states import PullRequestState
from shared.kernel.errors import GroundswellError, Rejected, Transient
from shared.kernel.failpoints import failpoint
from shared.targets.config import FILE, LandingSection, parse_config

log = structlog.get_logger(__name__)

UNANSWERED = [PullRequestState.REFUSED, PullRequestState.PUSHED]


async def show_landed(target: Target, changes: Sequence[Enhancement], deps: ValidatorDeps) -> None:
    """Open or update pull requests for changes that landed, if the target asks for them.

    The changes are in the order in which they are on the landing branch. A failure is stored and
    published, not raised.
    """
    section = await asyncio.to_thread(_section, target, deps) if changes else None
    if section is None:
        return
    if section.per == "wave":
        wanted = domain.for_waves(target, changes, deps.clock())
    else:
        below = await _parent_branch(target, changes[0], section, deps)
        wanted = domain.for_each(target, changes, below, deps.clock())
    for each in wanted:
        await _deliver(await _store(each, deps), target, section, deps)


@dataclass(frozen=True)
class BranchReverts:
    """The commits between `head` and `tip` that revert the changes `rolled_back`.

    `id` is that of the rollback.
    """

    id: str
    head: str
    tip: str
    rolled_back: Sequence[str]


async def show_rolled_back(target: Target, reverts: BranchReverts, deps: ValidatorDeps) -> None:
    """Show reverts in the head's pull request, or in a new one if it has none or that is merged.

    Nothing is done where the target asks for no pull requests.
    """
    section = await asyncio.to_thread(_section, target, deps)
    if section is None:
        return
    remote = deps.remote(target, section.remote)
    newest = await deps.store.pull_requests.first(
        target_id=target.id, commit=reverts.head, sort="-changed_at"
    )
    if newest is not None and not await asyncio.to_thread(remote.merged, reverts.head):
        reverted = reverts.rolled_back
        request = await _extend(newest, reverts.tip, reverted, reverted, deps)
    else:
        own = domain.for_reverts(target, reverts.id, reverts.tip, reverts.rolled_back, deps.clock())
        request = await _store(own, deps)
    await _deliver(request, target, section, deps)


async def deliver_pending(deps: ValidatorDeps) -> None:
    """Deliver the pull requests that are not open yet.

    One that was refused, or only pushed, is tried once by each process, since its settings may have
    changed.
    """
    waiting = await deps.store.pull_requests.find(state=PullRequestState.WANTED)
    for each in await deps.store.pull_requests.find(state=UNANSWERED):
        if each.id not in deps.process.pull_requests:
            again = await deps.store.pull_requests.transition(
                each, "request", changed_at=deps.clock()
            )
            waiting += [again] if again else []
    for each in waiting:
        target = await deps.store.targets.require(each.target_id)
        if section := await asyncio.to_thread(_section, target, deps):
            await _deliver(each, target, section, deps)


def _section(target: Target, deps: ValidatorDeps) -> LandingSection | None:
    """Return the base branch's landing settings; None if they are invalid or ask for none."""
    content = deps.repository(target).base_file(target, FILE)
    try:
        landing = parse_config(content or b"").landing
    except Rejected as error:
        # What landed stays landed even if the configuration breaks; the next wave reports it.
        log.warning("pull_request_configuration_invalid", target=target.id, reason=str(error))
        return None
    return landing if landing.mode == "pull_request" else None


async def _parent_branch(
    target: Target, change: Enhancement, section: LandingSection, deps: ValidatorDeps
) -> str:
    """Return the review branch that a change builds on, else, or once merged, the base branch."""
    parent = await asyncio.to_thread(deps.repository(target).parent, change.landing.commit or "")
    found = await deps.store.pull_requests.first(target_id=target.id, commit=parent)
    remote = deps.remote(target, section.remote)
    if found is None or await asyncio.to_thread(remote.merged, parent):
        return target.base_branch
    return found.branch


async def _store(wanted: PullRequest, deps: ValidatorDeps) -> PullRequest:
    """Store a wanted pull request, or extend the stored one."""
    if await deps.store.pull_requests.insert(wanted):
        return wanted
    known = await deps.store.pull_requests.require(wanted.id)
    return await _extend(known, wanted.commit, wanted.enhancements, wanted.rolled_back, deps)


async def _extend(
    known: PullRequest,
    commit: str,
    enhancements: Sequence[str],
    rolled_back: Sequence[str],
    deps: ValidatorDeps,
) -> PullRequest:
    """Extend a stored pull request up to `commit` by these changes, and return it as stored."""
    extended = await deps.store.pull_requests.transition(
        known,
        "request",
        commit=commit,
        enhancements=_union(known.enhancements, enhancements),
        rolled_back=_union(known.rolled_back, rolled_back),
        changed_at=deps.clock(),
    )
    return extended or await deps.store.pull_requests.require(known.id)


def _union(known: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    """Return the known ids, then the others of `more`, each once."""
    return tuple(dict.fromkeys((*known, *more)))


async def _deliver(
    request: PullRequest, target: Target, section: LandingSection, deps: ValidatorDeps
) -> None:
    """Push the branch and open the pull request; a failure is stored and published, not raised."""
    failpoint("pull_request.wanted")
    deps.process.pull_requests.add(request.id)
    remote = deps.remote(target, section.remote)
    try:
        onto = await asyncio.to_thread(_push, request, target, remote)
        failpoint("pull_request.pushed")
        url = await _open(request, remote, onto, deps)
    except Transient as error:
        log.info("pull_request_postponed", branch=request.branch, reason=str(error))
        reason = f"{error} It will be tried again."
        await deps.store.pull_requests.set_fields(request.id, reason=reason)
    except GroundswellError as error:
        await _refuse(request, str(error), deps)
    else:
        failpoint("pull_request.opened")
        await _finish(request, onto, url, deps)


def _push(request: PullRequest, target: Target, remote: Remote) -> str:
    """Push the branch, and return the one it is to be merged into. Raises as `Remote.push` does."""
    branches = remote.branches()
    if target.base_branch not in branches:
        raise Rejected(
            f"The remote has no branch {target.base_branch} to merge into.",
            hint=f"Push it: git push {target.base_branch}.",
            code="no_base",
        )
    remote.push(request.branch, request.commit, branches.get(request.branch))
    return request.base_branch if request.base_branch in branches else target.base_branch


async def _open(request: PullRequest, remote: Remote, onto: str, deps: ValidatorDeps) -> str:
    """Open the pull request and return its url; empty if there is no token for the forge."""
    if deps.forge is None:
        return ""
    changes = await deps.store.enhancements.find_by_ids(request.enhancements)
    title, body = domain.describe_pull_request(request, changes)
    return await deps.forge.open(NewPullRequest(remote.url, request.branch, onto, title, body))


async def _finish(request: PullRequest, onto: str, url: str, deps: ValidatorDeps) -> None:
    """Store and publish that the pull request is open; without a url, that it is only pushed."""
    if not url:
        reason = (
            f"{request.branch} is pushed; without a token (GROUNDSWELL_FORGE_TOKEN) no pull "
            f"request into {onto} was opened."
        )
        await _transition(request, "push", deps, reason=reason)
        await _publish(PullRequestRefused(**_event_fields(request), reason=reason), request, deps)
        return
    await _transition(request, "open", deps, url=url, base_branch=onto, reason="")
    await _publish(PullRequestOpened(**_event_fields(request), url=url), request, deps)


async def _refuse(request: PullRequest, reason: str, deps: ValidatorDeps) -> None:
    """Store and publish that the pull request could not be opened, and why."""
    await _transition(request, "refuse", deps, reason=reason)
    await _publish(PullRequestRefused(**_event_fields(request), reason=reason), request, deps)


async def _transition(
    request: PullRequest, trigger: str, deps: ValidatorDeps, **fields: str
) -> None:
    """Apply a trigger and these fields to the stored pull request."""
    await deps.store.pull_requests.transition(request, trigger, changed_at=deps.clock(), **fields)


def _event_fields(request: PullRequest) -> dict[str, Any]:
    """Return the fields that all events of a pull request have."""
    return {
        "pull_request_id": request.id,
        "wave_id": request.wave_id or None,
        "target_id": request.target_id,
        "branch": request.branch,
    }


async def _publish(event: Event, request: PullRequest, deps: ValidatorDeps) -> None:
    """Publish an event of a pull request, once for each commit that it goes up to."""
    await deps.bus.publish(event, key=f"{request.id}:{request.commit}", wave=request.wave_id)
