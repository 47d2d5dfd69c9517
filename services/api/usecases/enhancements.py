"""Enhancements: listed, shown, and taken off again."""

from typing import Any

from services.api.domain.ids import short
from services.api.domain.story import tell
from services.api.ports import ApiDeps
from services.api.usecases.find import by_id
from services.api.usecases.sending import send
from shared.contracts.answers import DecisionAccepted, RollbackAccepted, RollbackAsked
from shared.contracts.commands import (
    DecideEnhancement,
    Decision,
    DecisionReason,
    RollbackEnhancement,
    RollbackEnhancements,
    RollbackOptions,
    RollbackSince,
)
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.states import EnhancementState
from shared.contracts.story import Story
from shared.kernel.errors import Conflict, NotFound, Rejected


async def list_enhancements(wave: str, state: str, limit: int, deps: ApiDeps) -> list[Enhancement]:
    """Newest first; of one wave or of all, in one state or in any."""
    where: dict[str, Any] = {}
    if wave:
        where["wave_id"] = (await by_id(deps.store.waves, wave, "wave")).id
    if state:
        if state not in set(EnhancementState):
            known = ", ".join(EnhancementState)
            raise Rejected(f"{state} is no state.", hint=f"States: {known}.", code="bad_state")
        where["state"] = state
    return await deps.store.enhancements.find(sort="-_id", limit=limit, **where)


async def show_enhancement(typed: str, deps: ApiDeps) -> Enhancement:
    """One enhancement with all that is known about it."""
    return await by_id(deps.store.enhancements, typed, "enhancement")


async def show_diff(typed: str, deps: ApiDeps) -> str:
    """Its patch."""
    change = await show_enhancement(typed, deps)
    return (await deps.store.patches.require(change.proposal.patch.digest)).text


async def tell_story(typed: str, deps: ApiDeps) -> Story:
    """What happened to it, in order."""
    change = await show_enhancement(typed, deps)
    store = deps.store
    verdicts = await store.runs.find(wave_id=change.wave_id)
    heads = sorted({each.request.head for each in verdicts if change.id in each.request.changes})
    # Nothing is run twice: what another wave has asked before stands under that one.
    decided = [
        each
        for each in (
            change.decision.run,
            change.decision.protection and change.decision.protection.run,
        )
        if each
    ]
    verdicts += await store.runs.find(id=decided)
    verdicts += await store.runs.find(
        target_id=change.target_id, request__head=heads, request__purpose="baseline"
    )
    return tell(
        change,
        verdicts,
        await store.enhancements.find(wave_id=change.wave_id),
        await store.watches.find(target_id=change.target_id, wave_id=change.wave_id),
    )


async def hand_over(
    typed: str, decision: Decision, said: DecisionReason, deps: ApiDeps
) -> DecisionAccepted:
    """Hand a person's decision over, durably; 409 where none is waited for."""
    change = await show_enhancement(typed, deps)
    if change.state is not EnhancementState.NEEDS_APPROVAL:
        raise Conflict(
            f"Enhancement {short(change.id)} is {change.state}; only one that needs approval can be decided.",
            hint="See groundswell enhancement list --state needs_approval.",
            code="not_waiting",
        )
    command = DecideEnhancement(
        enhancement_id=change.id,
        decision=decision,
        reason=said.reason,
        by=said.by,
        patch=said.patch or change.proposal.patch.digest,
    )
    after = await send(command, deps, key=f"{change.id}:{deps.new_id()}", wave=change.wave_id)
    return DecisionAccepted(enhancement_id=change.id, wave_id=change.wave_id, events_after=after)


async def ask_rollback_of_wave(typed: str, asked: RollbackOptions, deps: ApiDeps) -> RollbackAsked:
    """Ask for all that a wave has landed to be taken off."""
    wave = await by_id(deps.store.waves, typed, "wave")
    if not await deps.store.enhancements.count(wave_id=wave.id, state=EnhancementState.APPLIED):
        raise Conflict(f"Nothing of wave {short(wave.id)} is landed.", code="not_applied")
    return await _ask_all(wave.target_id, asked, deps, wave_id=wave.id)


async def ask_rollback_since(asked: RollbackSince, deps: ApiDeps) -> RollbackAsked:
    """Ask for all that landed on a target since a time to be taken off."""
    target = await deps.store.targets.get(asked.target)
    if target is None:
        found = await deps.store.targets.find(location=asked.target)
        if not found:
            raise NotFound(
                f"No wave has run on {asked.target}.",
                hint="Name the repository as `groundswell wave list` does.",
            )
        target = found[0]
    return await _ask_all(target.id, asked, deps, since=asked.since)


async def _ask_all(
    target_id: str, asked: RollbackOptions, deps: ApiDeps, **what: Any
) -> RollbackAsked:
    command = RollbackEnhancements(
        rollback_id=deps.new_id(),
        target_id=target_id,
        dependents=asked.dependents,
        reason=asked.reason or "rolled back by request",
        **what,
    )
    after = await send(
        command, deps, key=f"{command.rollback_id}:{deps.new_id()}", wave=what.get("wave_id", "")
    )
    return RollbackAsked(rollback_id=command.rollback_id, events_after=after)


async def ask_rollback(typed: str, asked: RollbackOptions, deps: ApiDeps) -> RollbackAccepted:
    """Ask for a rollback, durably; 409 where there is nothing to take off."""
    change = await show_enhancement(typed, deps)
    if change.state is not EnhancementState.APPLIED:
        raise Conflict(
            f"Enhancement {short(change.id)} is {change.state}; only an applied one can be rolled back.",
            hint="See groundswell enhancement list --state applied.",
            code="not_applied",
        )
    command = RollbackEnhancement(
        enhancement_id=change.id,
        reason=asked.reason or "rolled back by request",
        dependents=asked.dependents,
    )
    after = await send(command, deps, key=f"{change.id}:{deps.new_id()}", wave=change.wave_id)
    return RollbackAccepted(enhancement_id=change.id, wave_id=change.wave_id, events_after=after)
