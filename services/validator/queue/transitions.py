"""State changes of enhancements: each is stored once, and its event is published afterwards.

The event follows from the stored state, so it can be published again after a crash.
"""

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
    EnhancementSuperseded,
    RollbackRefused,
)
from shared.contracts.states import EnhancementState
from shared.kernel.failpoints import failpoint

MAX_LISTED_TESTS = 50
FAILPOINTS = {"land": "landing.saved", "roll_back": "rollback.saved"}
# Less than the ten minutes for which the streams recognise duplicates.
REPUBLISH_WINDOW = timedelta(minutes=8)


async def reject(
    change: Enhancement,
    reason: str,
    deps: ValidatorDeps,
    *,
    tests: Sequence[str] = (),
    run: str | None = None,
) -> None:
    """Reject a change because of `tests`, which failed in the run with the id `run`; publish it."""
    await transition_and_publish(
        change,
        "reject",
        deps,
        decision__reason=reason,
        decision__tests=tuple(tests),
        decision__run=run,
    )


async def expire(change: Enhancement, reason: str, deps: ValidatorDeps) -> None:
    """Expire a change: it ends without blame, for this reason, and that is published."""
    await transition_and_publish(change, "expire", deps, decision__reason=reason)


async def transition_and_publish(
    change: Enhancement, trigger: str, deps: ValidatorDeps, **fields: Any
) -> Enhancement:
    """Apply `trigger` to a change and publish the outcome, and return the change as stored.

    If another process was faster, the outcome is that of its transition. An outcome that the
    change had before is published first.
    """
    await publish_if_unpublished(change, deps)
    now = deps.clock()
    moved = await deps.store.enhancements.transition(
        change, trigger, changed_at=now, finished_at=now, **fields
    )
    stored = moved or await deps.store.enhancements.require(change.id)
    if trigger in FAILPOINTS:
        failpoint(FAILPOINTS[trigger])
    await publish_outcome(stored, deps)
    return stored


async def publish_outcome(change: Enhancement, deps: ValidatorDeps) -> None:
    """Publish the event of a change's state, if it has one; repetitions are stored once."""
    make = EVENTS.get(change.state)
    if change.state is EnhancementState.CLEARED and change.decision.approval is not None:
        make = _approved
    if make is not None:
        await deps.bus.publish(make(change), key=_key(change), wave=change.wave_id)
        deps.process.published.add(change)


def _key(change: Enhancement) -> str:
    """Return the id of a change's event, by which JetStream recognizes a repetition."""
    # A change may need approval several times, so these events are told apart by version.
    repeatable = {EnhancementState.NEEDS_APPROVAL, EnhancementState.CLEARED}
    return f"{change.id}:{change.version}" if change.state in repeatable else change.id


async def publish_unpublished(deps: ValidatorDeps) -> None:
    """Publish recent outcomes that this process has not published: a crash may have come between.

    Only as long as JetStream recognises duplicates, so that no event is stored twice.
    """
    for change in await deps.store.enhancements.find_since(
        "finished_at", deps.clock() - REPUBLISH_WINDOW
    ):
        await publish_if_unpublished(change, deps)


async def publish_if_unpublished(change: Enhancement, deps: ValidatorDeps) -> None:
    """Publish the outcome of a change, if it is recent and this process has not published it."""
    recent = change.finished_at and change.finished_at >= deps.clock() - REPUBLISH_WINDOW
    if recent and change not in deps.process.published:
        await publish_outcome(change, deps)


async def publish_rollback_refused(
    change: Enhancement, tests: Sequence[str], deps: ValidatorDeps
) -> None:
    """Publish that a change could not be rolled back, because of `tests`, and stays landed."""
    event = RollbackRefused(
        **_common(change),
        reason=change.landing.rollback_refusal,
        tests=tuple(tests)[:MAX_LISTED_TESTS],
    )
    await deps.bus.publish(event, key=f"{change.id}:{deps.new_id()}", wave=change.wave_id)


def _common(change: Enhancement) -> dict[str, Any]:
    """Return the fields that all events of a change have."""
    return {
        "enhancement_id": change.id,
        "wave_id": change.wave_id,
        "target_id": change.target_id,
        "title": change.proposal.title,
    }


def _applied(change: Enhancement) -> EnhancementApplied:
    """Return the event that the change was applied."""
    return EnhancementApplied(
        **_common(change), commit=change.landing.commit or "", branch=change.landing.branch
    )


def _rejected(change: Enhancement) -> EnhancementRejected:
    """Return the event that the change was rejected, with the reason and the first tests."""
    return EnhancementRejected(
        **_common(change),
        reason=change.decision.reason,
        tests=change.decision.tests[:MAX_LISTED_TESTS],
    )


def _expired(change: Enhancement) -> EnhancementExpired:
    """Return the event that the change expired, with the reason."""
    return EnhancementExpired(**_common(change), reason=change.decision.reason)


def _superseded(change: Enhancement) -> EnhancementSuperseded:
    """Return the event that another change does all that the change would have done."""
    return EnhancementSuperseded(**_common(change), reason=change.decision.reason)


def _rolled_back(change: Enhancement) -> EnhancementRolledBack:
    """Return the event that the change was rolled back, with the revert's commit."""
    commit = change.landing.rollback.commit if change.landing.rollback else ""
    return EnhancementRolledBack(**_common(change), commit=commit)


def _asking(change: Enhancement) -> ApprovalRequested:
    """Return the event that the change needs a person's approval, with the reason."""
    return ApprovalRequested(
        **_common(change),
        reason=change.decision.approval_reason,
        patch=change.proposal.required_patch.digest,
    )


def _approved(change: Enhancement) -> EnhancementApproved:
    """Return the event that a person approved the change; it must have an approval."""
    assert change.decision.approval is not None
    said = change.decision.approval
    return EnhancementApproved(**_common(change), by=said.by, reason=said.reason)


EVENTS: dict[EnhancementState, Callable[[Enhancement], EnhancementEvent]] = {
    EnhancementState.APPLIED: _applied,
    EnhancementState.REJECTED: _rejected,
    EnhancementState.EXPIRED: _expired,
    EnhancementState.SUPERSEDED: _superseded,
    EnhancementState.ROLLED_BACK: _rolled_back,
    EnhancementState.NEEDS_APPROVAL: _asking,
}
