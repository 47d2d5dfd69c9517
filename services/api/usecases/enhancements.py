"""Listing, showing and deciding about enhancements, and rolling them back."""

from typing import Any

from services.api.domain.story import make_story
from services.api.domain.views import enhancement_details, enhancement_view
from services.api.ports import ApiDeps
from services.api.usecases.commands import record_and_publish
from services.api.usecases.find import find_by_id, find_page
from services.api.usecases.targets import find_target
from services.api.usecases.waiting import wait_for_change
from shared.contracts.answers import DecisionAccepted, RollbackAccepted, RollbacksAccepted
from shared.contracts.base import RunPurpose
from shared.contracts.commands import (
    DecideEnhancement,
    Decision,
    DecisionReason,
    GivenDecision,
    RollbackEnhancement,
    RollbackEnhancements,
    RollbackOptions,
    RollbackSince,
)
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import TestRun
from shared.contracts.states import ENHANCEMENT, EnhancementState
from shared.contracts.story import Story
from shared.contracts.views import EnhancementDetails, EnhancementView, Page
from shared.kernel.errors import Conflict, NotFound, Rejected
from shared.kernel.ids import short_id


async def list_enhancements(
    wave: str, state: str, limit: int, after: str, deps: ApiDeps
) -> Page[EnhancementView]:
    """Return a page of enhancements, newest first: of one wave or all, in one state or any.

    Raises `Rejected` for an unknown state, and as `find_by_id` does for a wave.
    """
    where: dict[str, Any] = {}
    if wave:
        where["wave_id"] = (await find_by_id(deps.store.waves, wave, "wave")).id
    if state:
        if state not in set(EnhancementState):
            known = ", ".join(EnhancementState)
            raise Rejected(
                f"There is no state {state}.", hint=f"States: {known}.", code="bad_state"
            )
        where["state"] = state
    return await find_page(deps.store.enhancements, enhancement_view, limit, after, **where)


async def get_enhancement(typed: str, deps: ApiDeps) -> EnhancementDetails:
    """Return one enhancement with its findings, prediction and evidence."""
    change = await _find(typed, deps)
    return enhancement_details(change, await deps.store.releases.find(enhancement_id=change.id))


async def await_enhancement(typed: str, seconds: int, deps: ApiDeps) -> EnhancementDetails:
    """Return an enhancement once its state changes or is final; after `seconds` in any case."""
    return await wait_for_change(
        lambda: get_enhancement(typed, deps), lambda found: found.state, ENHANCEMENT, seconds, deps
    )


async def get_diff(typed: str, deps: ApiDeps) -> str:
    """Return the patch of an enhancement as a unified diff. Raises `NotFound` for advice."""
    change = await _find(typed, deps)
    if change.proposal.patch is None:
        raise NotFound(
            f"Enhancement {short_id(change.id)} is advice and has no patch.", code="no_patch"
        )
    return (await deps.store.patches.require(change.proposal.patch.digest)).text


async def get_story(typed: str, deps: ApiDeps) -> Story:
    """Return what happened to an enhancement, in order."""
    change = await _find(typed, deps)
    return make_story(
        change,
        await _runs_about(change, deps),
        await deps.store.enhancements.find(wave_id=change.wave_id),
        await deps.store.watches.find(target_id=change.target_id, wave_id=change.wave_id),
    )


async def _runs_about(change: Enhancement, deps: ApiDeps) -> list[TestRun]:
    """Return the wave's runs, those that decided on the change, and its baselines, some twice."""
    runs = await deps.store.runs.find(wave_id=change.wave_id)
    heads = sorted({each.request.head for each in runs if change.id in each.request.changes})
    # A run that another wave requested first is stored under that wave.
    protection = change.decision.protection
    decisive = [change.decision.run, protection.run if protection else None]
    runs += await deps.store.runs.find(id=[each for each in decisive if each])
    runs += await deps.store.runs.find(
        target_id=change.target_id, request__head=heads, request__purpose=RunPurpose.BASELINE
    )
    return runs


async def submit_decision(
    typed: str, decision: Decision, given: DecisionReason, deps: ApiDeps
) -> DecisionAccepted:
    """Publish a person's decision; raise `Conflict` if the change does not need approval."""
    change = await _find(typed, deps)
    return await decide_about(change, decision, given, deps, patch=given.patch)


async def decide_about(
    change: Enhancement,
    decision: Decision,
    given: GivenDecision,
    deps: ApiDeps,
    patch: str | None = None,
) -> DecisionAccepted:
    """Publish a decision for a patch of a change, by default its present one.

    Raises `Conflict` if the change does not need approval.
    """
    if change.state is not EnhancementState.NEEDS_APPROVAL:
        raise Conflict(
            f"Enhancement {short_id(change.id)} is {change.state}; "
            "only one that needs approval can be approved or rejected.",
            hint="See groundswell enhancement list --state needs_approval.",
            code="needs_no_approval",
        )
    command = DecideEnhancement(
        enhancement_id=change.id,
        decision=decision,
        reason=given.reason,
        by=given.by,
        patch=patch or change.proposal.required_patch.digest,
    )
    after = await _publish_about(change, command, deps)
    return DecisionAccepted(enhancement_id=change.id, wave_id=change.wave_id, events_after=after)


async def roll_back_enhancement(
    typed: str, options: RollbackOptions, deps: ApiDeps
) -> RollbackAccepted:
    """Request the rollback of a landed enhancement; raise `Conflict` if it is not landed."""
    change = await _find(typed, deps)
    if change.state is not EnhancementState.APPLIED:
        raise Conflict(
            f"Enhancement {short_id(change.id)} is {change.state}; "
            "only an applied one can be rolled back.",
            hint="See groundswell enhancement list --state applied.",
            code="not_applied",
        )
    command = RollbackEnhancement(
        enhancement_id=change.id,
        reason=options.reason or "rolled back by request",
        dependents=options.dependents,
    )
    after = await _publish_about(change, command, deps)
    return RollbackAccepted(enhancement_id=change.id, wave_id=change.wave_id, events_after=after)


async def roll_back_wave(typed: str, options: RollbackOptions, deps: ApiDeps) -> RollbacksAccepted:
    """Request the rollback of what a wave landed; raise `Conflict` if nothing of it is landed."""
    wave = await find_by_id(deps.store.waves, typed, "wave")
    if not await deps.store.enhancements.count(wave_id=wave.id, state=EnhancementState.APPLIED):
        raise Conflict(
            f"Wave {short_id(wave.id)} has no landed change to roll back.", code="not_applied"
        )
    return await _roll_back_all(wave.target_id, options, deps, wave_id=wave.id)


async def roll_back_since(request: RollbackSince, deps: ApiDeps) -> RollbacksAccepted:
    """Request the rollback of everything that landed on a target since a time.

    Raises `NotFound` and `Conflict` as `find_target` does.
    """
    target = await find_target(request.target, deps, base=request.base)
    return await _roll_back_all(target.id, request, deps, since=request.since)


async def _find(typed: str, deps: ApiDeps) -> Enhancement:
    """Return the change whose id is `typed` or ends with it; raises as `find_by_id` does."""
    return await find_by_id(deps.store.enhancements, typed, "enhancement")


async def _publish_about(
    change: Enhancement, command: DecideEnhancement | RollbackEnhancement, deps: ApiDeps
) -> int:
    """Record and publish a command; return the sequence number of the last event before it."""
    key = f"{change.id}:{deps.new_id()}"
    return await record_and_publish(command, deps, key=key, wave=change.wave_id)


async def _roll_back_all(
    target_id: str, options: RollbackOptions, deps: ApiDeps, **which: Any
) -> RollbacksAccepted:
    """Request one rollback of many changes; `which` selects them by wave or time of landing."""
    command = RollbackEnhancements(
        rollback_id=deps.new_id(),
        target_id=target_id,
        dependents=options.dependents,
        reason=options.reason or "rolled back by request",
        **which,
    )
    key, wave = command.rollback_id, command.wave_id or ""
    after = await record_and_publish(command, deps, key=key, wave=wave)
    return RollbacksAccepted(rollback_id=command.rollback_id, events_after=after)
