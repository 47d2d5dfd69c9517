"""Infinite mode: waves on a target one after another, until a person switches it off."""

from datetime import datetime

from pydantic import Field

from shared.contracts.base import ALL, AgentTypeName, Id, Oid, Value
from shared.contracts.documents.base import Document
from shared.contracts.states import InfiniteState


class InfiniteSettings(Value):
    """What a person asked of infinite mode.

    `throttle` is how many agents may be at work at once, `interval_seconds` the pause after each
    wave. Without `resume_after_restart` it is paused when the coordinator is started again.
    """

    throttle: int = Field(default=3, ge=1, le=15)
    interval_seconds: int = Field(default=900, ge=60, le=86_400)
    focus: AgentTypeName = ALL
    resume_after_restart: bool = True


class Breaker(Value):
    """What opens the breaker of infinite mode, and until when it is open.

    `failures` waves in a row failed for the reason `signature`, which has no numbers; `refusals`
    changes in a row were refused. `openings` counts how often it opened since a change landed.
    """

    signature: str = ""
    failures: int = 0
    refusals: int = 0
    openings: int = 0
    reason: str = ""
    until: datetime | None = None


class InfiniteMode(Document):
    """Infinite mode on one target, whose id is that of the target.

    `generation` counts how often it was started, the last time by the request `started_by`; with
    `waves`, which counts the waves since, it names the next wave, so that a wave is started once.
    `wave_id` is the last one, and `counted_wave_id` the last whose outcome was counted. `fruitless`
    waves in a row landed nothing. `head` and `looked_at` tell what the last wave knew: the base it
    left, and when it began. The next one is started at `next_at`. `idle_reason` says why no wave is
    running, and `wakes_at` when that is looked at again. `throttle_now` is the throttle that the
    machine allows.

    One field per fact that queries or transitions name.
    """

    id: Id
    target_id: Id
    state: InfiniteState = InfiniteState.RUNNING
    settings: InfiniteSettings = InfiniteSettings()
    generation: int = 1
    started_by: Id | None = None
    waves: int = 0
    wave_id: Id | None = None
    counted_wave_id: Id | None = None
    fruitless: int = 0
    head: Oid | None = None
    looked_at: datetime
    next_at: datetime
    throttle_now: int
    idle_reason: str = ""
    wakes_at: datetime | None = None
    breaker: Breaker = Breaker()
    started_at: datetime
    changed_at: datetime
