"""Store what infinite mode is at, and publish it: idle, its breaker open or closed, its budget."""

from datetime import datetime

from services.coordinator.deps import CoordinatorDeps
from services.coordinator.domain import breaker as breakers
from services.coordinator.domain.infinite import Facts, Idle, is_budget_low
from shared.contracts.documents.infinite import InfiniteMode
from shared.contracts.events import (
    BreakerClosed,
    BreakerOpened,
    BudgetLow,
    InfiniteIdle,
    TargetEvent,
)


async def idle(mode: InfiniteMode, step: Idle, deps: CoordinatorDeps) -> None:
    """Store why no wave runs and until when; publish it if the reason is another one."""
    changed = step.reason != mode.idle_reason
    if not changed and step.wakes_at == mode.wakes_at:
        return
    noted = await note(mode, deps, idle_reason=step.reason, wakes_at=step.wakes_at)
    if changed:
        event = InfiniteIdle(
            target_id=mode.target_id, reason=step.reason, wakes_at=step.wakes_at, note=step.reason
        )
        await _publish(event, noted, deps)


async def open_breaker(
    mode: InfiniteMode, reason: str, until: datetime | None, deps: CoordinatorDeps
) -> None:
    """Open the breaker, and publish that."""
    breaker = breakers.opened(mode.breaker, reason, now=deps.clock(), until=until)
    assert breaker.until is not None, "an open breaker is open until some time"
    broken = await deps.store.infinite.transition(
        mode,
        "break",
        breaker=breaker,
        idle_reason=f"The breaker is open: {reason}",
        wakes_at=breaker.until,
        changed_at=deps.clock(),
    )
    if broken is not None:
        event = BreakerOpened(
            target_id=mode.target_id, reason=reason, until=breaker.until, note=reason
        )
        await _publish(event, broken, deps)


async def close_breaker(mode: InfiniteMode, facts: Facts, deps: CoordinatorDeps) -> None:
    """Close the breaker, so that one more wave is tried, and publish that."""
    reason = mode.breaker.reason
    closed = await deps.store.infinite.transition(
        mode,
        "close",
        breaker=breakers.half_open(mode.breaker, max_refusals=facts.limits.refusals),
        idle_reason="",
        wakes_at=None,
        next_at=deps.clock(),
        changed_at=deps.clock(),
    )
    if closed is not None:
        await _publish(BreakerClosed(target_id=mode.target_id, reason=reason), closed, deps)


async def warn_of_budget(mode: InfiniteMode, facts: Facts, deps: CoordinatorDeps) -> None:
    """Publish once a day that most of its budget is spent."""
    if not is_budget_low(facts):
        return
    event = BudgetLow(
        target_id=mode.target_id,
        spent_seconds=facts.spent_seconds,
        budget_seconds=facts.limits.seconds_per_day,
    )
    key = f"{mode.id}:budget:{deps.clock():%Y-%m-%d}"
    if key not in deps.published:
        await deps.bus.publish(event, key=key)
        deps.published.add(key)


async def note(mode: InfiniteMode, deps: CoordinatorDeps, **changes: object) -> InfiniteMode:
    """Store facts about infinite mode; return it, as a person left it if one was faster."""
    noted = await deps.store.infinite.transition(mode, "note", changed_at=deps.clock(), **changes)
    return noted or await deps.store.infinite.require(mode.id)


async def _publish(event: TargetEvent, mode: InfiniteMode, deps: CoordinatorDeps) -> None:
    """Publish an event about infinite mode; once for each of its stored versions."""
    await deps.bus.publish(event, key=f"{mode.id}:{mode.version}")
