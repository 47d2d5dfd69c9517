"""Acting on the results of a check: culprits are rolled back, and the outcome is published.

An interrupted check is resumed from its stored results; each step is idempotent.
"""

import contextlib
from datetime import timedelta
from typing import Any, Literal

from services.validator.deps import ValidatorDeps
from services.validator.rollback.usecases.rollbacks import roll_back
from services.validator.watch.domain.watching import CheckSchedule, final_trigger, most_severe
from services.validator.watch.domain.wording import rollback_reason
from services.validator.watch.usecases.probes import repetition
from shared.contracts.commands import RollbackEnhancement
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.watches import BlamedChange, ProbeResult, Watch
from shared.contracts.events import HealthChecked, HealthRegressed
from shared.contracts.states import WATCH, EnhancementState
from shared.kernel.errors import Conflict, Transient

Action = Literal["rolled_back", "refused", "none"]


async def conclude(watch: Watch, deps: ValidatorDeps) -> None:
    """Roll back culprits, publish what the check found, and continue or end the watch."""
    refusals = []
    for result in watch.results:
        for blamed in result.blamed:
            change = await _roll_back_culprit(blamed, watch, deps)
            gone = change.state is EnhancementState.ROLLED_BACK
            action: Action = "rolled_back" if gone else "refused"
            if not gone:
                refusals.append(
                    change.landing.rollback_refusal or f"{change.id} could not be rolled back."
                )
            await _publish_regressed(watch, result, blamed, action, deps)
        if result.outcome == "unexplained":
            await _publish_regressed(watch, result, None, "none", deps)
    note = " ".join([*(each.note for each in watch.results), *refusals])
    outcome = most_severe(each.outcome for each in watch.results)
    await _finish(watch, outcome, note, deps, refused=bool(refusals))


async def end_missed(watch: Watch, note: str, deps: ValidatorDeps) -> None:
    """End a watch as missed, for which nothing can be measured any more."""
    await _finish(watch, "missed", note, deps, over=True)


async def _roll_back_culprit(
    blamed: BlamedChange, watch: Watch, deps: ValidatorDeps
) -> Enhancement:
    """Roll back a change and its dependents by a validated revert; return the change after it.

    A refusal is not raised: the change stays applied.
    """
    command = RollbackEnhancement(
        enhancement_id=blamed.enhancement_id,
        reason=rollback_reason(blamed.symptoms, watch.before)[:1000],
        dependents=True,
    )
    with contextlib.suppress(Conflict):
        await roll_back(command, deps, automatic=True, repetition=repetition(watch))
    return await deps.store.enhancements.require(blamed.enhancement_id)


async def _finish(
    watch: Watch,
    outcome: str,
    note: str,
    deps: ValidatorDeps,
    *,
    refused: bool = False,
    over: bool = False,
) -> None:
    """Publish the outcome, then store it: after a crash in between it is published again.

    The watch ends if it is `over`, its checks are made, no change is left or one was `refused`.
    """
    number = watch.current_check
    changes = await deps.store.enhancements.find_by_ids([e.enhancement_id for e in watch.changes])
    rolled_back = [
        each.id for each in changes if each.landing.rollback and each.landing.rollback.automatic
    ]
    left = any(each.state is EnhancementState.APPLIED for each in changes)
    over = over or number >= watch.checks or not left
    trigger = final_trigger(over=over, rolled_back=bool(rolled_back), refused=refused)
    await _publish_checked(watch, outcome, trigger, note, deps)
    now, skipped = deps.clock(), number - watch.checks_done - (outcome != "missed")
    fields: dict[str, Any] = {
        "checks_done": number,
        "checks_missed": watch.checks_missed + max(skipped, 0),
        "current_check": 0,
        "check_started_at": None,
        "results": (),
        "rolled_back": tuple(rolled_back),
        "notes": (*watch.notes, note),
    }
    deps.process.overdue_checks.done(watch.id)
    if trigger is None:
        await save(watch, deps, **fields, due_at=schedule_of(watch).due(number + 1))
    else:
        await deps.store.watches.transition(
            watch, trigger, **fields, reason=note, changed_at=now, finished_at=now
        )


async def _publish_checked(
    watch: Watch, outcome: str, trigger: str | None, note: str, deps: ValidatorDeps
) -> None:
    """Publish the outcome of a check, and the state of the watch that follows from it."""
    after = WATCH.target(watch.state, trigger) if trigger else watch.state
    event = HealthChecked(
        watch_id=watch.id,
        wave_id=watch.wave_id,
        target_id=watch.target_id,
        commit=watch.head or watch.after,
        check=watch.current_check,
        checks=watch.checks,
        outcome=outcome,
        state=str(after),
        note=note[:2000],
    )
    await deps.bus.publish(event, key=f"{watch.id}:{watch.current_check}", wave=watch.wave_id)


async def _publish_regressed(
    watch: Watch,
    result: ProbeResult,
    blamed: BlamedChange | None,
    action: Action,
    deps: ValidatorDeps,
) -> None:
    """Publish a regression with the change to blame, if any, and what was done about it."""
    who = blamed.enhancement_id if blamed else None
    event = HealthRegressed(
        watch_id=watch.id,
        wave_id=watch.wave_id,
        target_id=watch.target_id,
        commit=watch.head or watch.after,
        probe=result.probe,
        symptoms=blamed.symptoms if blamed else result.symptoms,
        components=result.components,
        enhancement_id=who,
        action=action,
        note=result.note,
    )
    key = f"{watch.id}:{watch.current_check}:{result.probe}:{who or 'nobody'}"
    await deps.bus.publish(event, key=key, wave=watch.wave_id)


async def save(watch: Watch, deps: ValidatorDeps, **changes: Any) -> Watch:
    """Store the watch with these fields; raises `Transient` if another process changed it."""
    saved = await deps.store.watches.save(
        watch.model_copy(update={**changes, "changed_at": deps.clock()})
    )
    if saved is None:
        raise Transient("Another validator works on this watch.", delay=0)
    return saved


def schedule_of(watch: Watch) -> CheckSchedule:
    """Return the schedule of a watch's checks."""
    return CheckSchedule(watch.created_at, timedelta(minutes=watch.minutes), watch.checks)
