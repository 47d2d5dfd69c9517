"""Showing people what landed: branches pushed to their remote, and pull requests opened for them.

What is to be shown is written down as soon as it is on the landing branch, and then carried out
until it is answered; a forge that is away holds up nothing and loses nothing.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.review import domain as shown
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
    """Changes that are on the landing branch, in their order; nothing where nobody asked for it."""
    section = await asyncio.to_thread(_section, target, deps) if changes else None
    if section is None:
        return
    if section.per == "wave":
        wanted = shown.for_waves(target, changes, deps.clock())
    else:
        below = await _below(target, changes[0], section, deps)
        wanted = shown.for_each(target, changes, below, deps.clock())
    for each in wanted:
        await _deliver(await _want(each, deps), target, section, deps)


@dataclass(frozen=True)
class Reverts:
    """Of the changes `rolled_back`, between `head` and `tip`; `id` is the rollback's."""

    id: str
    head: str
    tip: str
    taken_off: Sequence[str]


async def show_rolled_back(target: Target, reverts: Reverts, deps: ValidatorDeps) -> None:
    """On the branch that the head was shown on, unless people have merged it; else on one of their own."""
    section = await asyncio.to_thread(_section, target, deps)
    if section is None:
        return
    remote = deps.remote(target, section.remote)
    newest = await deps.store.pull_requests.first(
        target_id=target.id, commit=reverts.head, sort="-changed_at"
    )
    if newest is not None and not await asyncio.to_thread(remote.merged, reverts.head):
        gone = reverts.taken_off
        request = await _grow(newest, reverts.tip, gone, gone, deps)
    else:
        own = shown.for_reverts(target, reverts.id, reverts.tip, reverts.taken_off, deps.clock())
        request = await _want(own, deps)
    await _deliver(request, target, section, deps)


async def show_waiting(deps: ValidatorDeps) -> None:
    """What was not answered yet; also what was refused, once, by a process that may know better."""
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
    """What the base branch says about pull requests; None where it wants none."""
    content = deps.repository(target).base_file(target, FILE)
    try:
        landing = parse_config(content or b"").landing
    except Rejected as error:
        # What landed stays landed, whatever becomes of the base meanwhile; the next wave is told.
        log.warning("pull_request_not_wanted", target=target.id, reason=str(error))
        return None
    return landing if landing.mode == "pull_request" else None


async def _below(
    target: Target, change: Enhancement, section: LandingSection, deps: ValidatorDeps
) -> str:
    """The branch of what stands right below a change, unless people have merged that."""
    parent = await asyncio.to_thread(deps.repository(target).parent, change.landing.commit or "")
    found = await deps.store.pull_requests.first(target_id=target.id, commit=parent)
    remote = deps.remote(target, section.remote)
    if found is None or await asyncio.to_thread(remote.merged, parent):
        return target.base_branch
    return found.branch


async def _want(wanted: PullRequest, deps: ValidatorDeps) -> PullRequest:
    """Write it down, or that it has grown."""
    if await deps.store.pull_requests.insert(wanted):
        return wanted
    known = await deps.store.pull_requests.require(wanted.id)
    return await _grow(known, wanted.commit, wanted.enhancements, wanted.rolled_back, deps)


async def _grow(
    known: PullRequest,
    commit: str,
    enhancements: Sequence[str],
    taken_off: Sequence[str],
    deps: ValidatorDeps,
) -> PullRequest:
    """Up to `commit` now, and with these as well."""
    grown = await deps.store.pull_requests.transition(
        known,
        "request",
        commit=commit,
        enhancements=_together(known.enhancements, enhancements),
        rolled_back=_together(known.rolled_back, taken_off),
        changed_at=deps.clock(),
    )
    return grown or await deps.store.pull_requests.require(known.id)


def _together(known: Sequence[str], more: Sequence[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*known, *more)))


async def _deliver(
    request: PullRequest, target: Target, section: LandingSection, deps: ValidatorDeps
) -> None:
    """Push and open; what cannot be done is written down and said, and raised by nobody."""
    failpoint("pull_request.wanted")
    deps.process.pull_requests.add(request.id)
    remote = deps.remote(target, section.remote)
    try:
        onto = await asyncio.to_thread(_push, request, target, remote)
        failpoint("pull_request.pushed")
        url = await _open(request, remote, onto, deps)
    except Transient as error:
        log.info("pull_request_postponed", branch=request.branch, reason=str(error))
        reason = f"{error} It is tried again."
        await deps.store.pull_requests.set_fields(request.id, reason=reason)
    except GroundswellError as error:
        await _refuse(request, str(error), deps)
    else:
        failpoint("pull_request.opened")
        await _finish(request, onto, url, deps)


def _push(request: PullRequest, target: Target, remote: Remote) -> str:
    """Bring the branch there; the branch that it is to be merged into."""
    there = remote.branches()
    if target.base_branch not in there:
        raise Rejected(
            f"The remote has no branch {target.base_branch} to merge into.",
            hint=f"Push it: git push {target.base_branch}.",
            code="no_base",
        )
    remote.push(request.branch, request.commit, there.get(request.branch))
    return request.base_branch if request.base_branch in there else target.base_branch


async def _open(request: PullRequest, remote: Remote, onto: str, deps: ValidatorDeps) -> str:
    """The url of the pull request; empty where nobody gave us the right to open one."""
    if deps.forge is None:
        return ""
    changes = await deps.store.enhancements.find_by_ids(request.enhancements)
    title, body = shown.words(request, changes)
    return await deps.forge.open(NewPullRequest(remote.url, request.branch, onto, title, body))


async def _finish(request: PullRequest, onto: str, url: str, deps: ValidatorDeps) -> None:
    if not url:
        reason = (
            f"{request.branch} is pushed; without a token (GROUNDSWELL_FORGE_TOKEN) nobody opened a "
            f"pull request from it into {onto}."
        )
        await _move(request, "push", deps, reason=reason)
        await _say(PullRequestRefused(**_facts(request), reason=reason), request, deps)
        return
    await _move(request, "open", deps, url=url, base_branch=onto, reason="")
    await _say(PullRequestOpened(**_facts(request), url=url), request, deps)


async def _refuse(request: PullRequest, reason: str, deps: ValidatorDeps) -> None:
    await _move(request, "refuse", deps, reason=reason)
    await _say(PullRequestRefused(**_facts(request), reason=reason), request, deps)


async def _move(request: PullRequest, trigger: str, deps: ValidatorDeps, **fields: str) -> None:
    await deps.store.pull_requests.transition(request, trigger, changed_at=deps.clock(), **fields)


def _facts(request: PullRequest) -> dict[str, Any]:
    return {
        "pull_request_id": request.id,
        "wave_id": request.wave_id or None,
        "target_id": request.target_id,
        "branch": request.branch,
    }


async def _say(event: Event, request: PullRequest, deps: ValidatorDeps) -> None:
    await deps.bus.publish(event, key=f"{request.id}:{request.commit}", wave=request.wave_id)
