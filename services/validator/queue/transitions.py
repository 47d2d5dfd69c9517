"""How a change leaves the gate: moved once, and always said, from the state that was stored."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from services.validator.deps import ValidatorDeps
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.events import (
    ApprovalRequested,
    EnhancementApplied,
    EnhancementApproved,
    EnhancementEvent,
    EnhancementExpired,
    EnhancementRejected,
    EnhancementRolledBack,
    RollbackRefused,
)
from shared.contracts.states import EnhancementState
from shared.kernel.failpoints import failpoint

LISTED = 50
SAVED = {"land": "landing.saved", "roll_back": "rollback.saved"}
# Less than the streams' duplicate window of ten minutes.
REMEMBERED = timedelta(minutes=8)


async def reject(
    change: Enhancement,
    reason: str,
    deps: ValidatorDeps,
    *,
    tests: Sequence[str] = (),
    run: str | None = None,
) -> None:
    """Refuse `change`, naming the tests that caught it, and the run they did it in."""
    await leave(
        change,
        "reject",
        deps,
        decision__reason=reason,
        decision__tests=tuple(tests),
        decision__run=run,
    )


async def expire(change: Enhancement, reason: str, deps: ValidatorDeps) -> None:
    """Let `change` go without blame."""
    await leave(change, "expire", deps, decision__reason=reason)


async def leave(
    change: Enhancement, trigger: str, deps: ValidatorDeps, **fields: Any
) -> Enhancement:
    """Move `change` and say what it is now, whoever moved it there; what it was is said before."""
    await say_unsaid(change, deps)
    now = deps.clock()
    moved = await deps.store.enhancements.transition(
        change, trigger, changed_at=now, finished_at=now, **fields
    )
    stored = moved or await deps.store.enhancements.require(change.id)
    if trigger in SAVED:
        failpoint(SAVED[trigger])
    await say(stored, deps)
    return stored


async def say(change: Enhancement, deps: ValidatorDeps) -> None:
    """Publish the event that follows from the state of `change`; a repetition is stored once."""
    make = EVENTS.get(change.state)
    if change.state is EnhancementState.CLEARED and change.decision.approval is not None:
        make = _approved
    if make is not None:
        # One that is asked for again, after its approval lapsed, is another question.
        await deps.bus.publish(make(change), key=_key(change), wave=change.wave_id)
        deps.process.published.add(change)


def _key(change: Enhancement) -> str:
    asking = {EnhancementState.NEEDS_APPROVAL, EnhancementState.CLEARED}
    return f"{change.id}:{change.version}" if change.state in asking else change.id


async def say_again(deps: ValidatorDeps) -> None:
    """Say the recent outcomes that nobody is known to have said: we may have been cut off before it.

    Recent is what JetStream still knows the ids of, so what was said before is not stored twice.
    """
    for change in await deps.store.enhancements.find_since(
        "finished_at", deps.clock() - REMEMBERED
    ):
        await say_unsaid(change, deps)


async def say_unsaid(change: Enhancement, deps: ValidatorDeps) -> None:
    """Say what became of a change recently, where it is not known that somebody did."""
    recent = change.finished_at and change.finished_at >= deps.clock() - REMEMBERED
    if recent and change not in deps.process.published:
        await say(change, deps)


async def say_refused(change: Enhancement, tests: Sequence[str], deps: ValidatorDeps) -> None:
    """A rollback that was refused: the change stays where it is."""
    event = RollbackRefused(
        **_common(change), reason=change.landing.rollback_refusal, tests=tuple(tests)[:LISTED]
    )
    await deps.bus.publish(event, key=f"{change.id}:{deps.new_id()}", wave=change.wave_id)


def _common(change: Enhancement) -> dict[str, Any]:
    return {
        "enhancement_id": change.id,
        "wave_id": change.wave_id,
        "target_id": change.target_id,
        "title": change.proposal.title,
    }


def _applied(change: Enhancement) -> EnhancementApplied:
    return EnhancementApplied(
        **_common(change), commit=change.landing.commit or "", branch=change.landing.branch
    )


def _rejected(change: Enhancement) -> EnhancementRejected:
    return EnhancementRejected(
        **_common(change), reason=change.decision.reason, tests=change.decision.tests[:LISTED]
    )


def _expired(change: Enhancement) -> EnhancementExpired:
    return EnhancementExpired(**_common(change), reason=change.decision.reason)


def _rolled_back(change: Enhancement) -> EnhancementRolledBack:
    commit = change.landing.rollback.commit if change.landing.rollback else ""
    return EnhancementRolledBack(**_common(change), commit=commit)


def _asking(change: Enhancement) -> ApprovalRequested:
    return ApprovalRequested(
        **_common(change),
        reason=change.decision.approval_reason,
        patch=change.proposal.required_patch.digest,
    )


def _approved(change: Enhancement) -> EnhancementApproved:
    assert change.decision.approval is not None
    said = change.decision.approval
    return EnhancementApproved(**_common(change), by=said.by, reason=said.reason)


EVENTS: dict[EnhancementState, Callable[[Enhancement], EnhancementEvent]] = {
    EnhancementState.APPLIED: _applied,
    EnhancementState.REJECTED: _rejected,
    EnhancementState.EXPIRED: _expired,
    EnhancementState.ROLLED_BACK: _rolled_back,
    EnhancementState.NEEDS_APPROVAL: _asking,
}
