"""What clients are shown of infinite mode."""

from datetime import datetime

from shared.contracts.base import AgentTypeName, Id, Value
from shared.contracts.documents.infinite import InfiniteMode
from shared.contracts.documents.targets import Target
from shared.contracts.states import InfiniteState


class InfiniteView(Value):
    """Infinite mode on a target: what was asked for, and what it is at.

    `throttle_now` is how many agents the machine allows at once at present. `wave_id` is the wave
    that runs. Without one, `idle_reason` says why, and `wakes_at` when that is looked at again; it
    is None where only a person can wake it.

    Flat: one row of a list.
    """

    target_id: Id
    target: str
    location: str
    base_branch: str
    state: InfiniteState
    throttle: int
    throttle_now: int
    interval_seconds: int
    focus: AgentTypeName
    resume_after_restart: bool
    waves: int
    fruitless: int
    wave_id: Id | None
    idle_reason: str
    wakes_at: datetime | None
    started_at: datetime
    changed_at: datetime


def infinite_view(mode: InfiniteMode, target: Target | None, *, wave_runs: bool) -> InfiniteView:
    """Return what clients are shown of infinite mode on `target`."""
    return InfiniteView(
        target_id=mode.target_id,
        target=target.name if target else "",
        location=target.location if target else "",
        base_branch=target.base_branch if target else "",
        state=mode.state,
        throttle=mode.settings.throttle,
        throttle_now=mode.throttle_now,
        interval_seconds=mode.settings.interval_seconds,
        focus=mode.settings.focus,
        resume_after_restart=mode.settings.resume_after_restart,
        waves=mode.waves,
        fruitless=mode.fruitless,
        wave_id=mode.wave_id if wave_runs else None,
        idle_reason="" if wave_runs else mode.idle_reason,
        wakes_at=None if wave_runs else mode.wakes_at,
        started_at=mode.started_at,
        changed_at=mode.changed_at,
    )
