"""What infinite mode does next, as a pure function of its state and of what is known just now."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from services.coordinator.domain import breaker as breakers
from shared.contracts.documents.infinite import InfiniteMode
from shared.contracts.states import InfiniteState
from shared.targets.config import InfiniteSection

# A full disk loses data, so no wave begins before that.
MIN_FREE_BYTES = 500 << 20
# How soon something is looked at again that nobody announces.
LOOK = timedelta(seconds=15)
DISK_PAUSE = timedelta(minutes=5)
# The share of a budget at which people are told.
LOW_BUDGET = 0.8


@dataclass(frozen=True)
class Facts:
    """What is known about a target on which infinite mode runs no wave.

    `other_wave` is the id of a wave that somebody else runs. `open_changes` are those that the gate
    or a person has yet to decide. `news` says what is new since the last wave; empty if nothing.
    `spent_seconds` is what agents and runs took today.
    """

    open_changes: int = 0
    other_wave: str = ""
    news: str = ""
    spent_seconds: float = 0.0
    free_bytes: int = 1 << 40
    limits: InfiniteSection = field(default_factory=InfiniteSection)


@dataclass(frozen=True)
class StartWaveNow:
    """A wave is started."""


@dataclass(frozen=True)
class Idle:
    """No wave is started, for a reason, and that is looked at again at a time."""

    reason: str
    wakes_at: datetime


@dataclass(frozen=True)
class OpenBreaker:
    """The breaker opens for a reason: until a time, or for its own growing pause."""

    reason: str
    until: datetime | None = None


@dataclass(frozen=True)
class CloseBreaker:
    """The breaker closes, and one wave is tried."""


Step = StartWaveNow | Idle | OpenBreaker | CloseBreaker


def next_step(mode: InfiniteMode, facts: Facts, *, now: datetime) -> Step:
    """Return what infinite mode does next, while no wave of its own runs."""
    if mode.state is InfiniteState.BROKEN:
        return _with_open_breaker(mode, now)
    if obstacle := _obstacle(mode, facts, now):
        return obstacle
    if waiting := _waits_for_others(facts, now):
        return waiting
    if mode.next_at > now and not facts.news:
        return Idle(_pause_reason(mode), mode.next_at)
    return StartWaveNow()


def _with_open_breaker(mode: InfiniteMode, now: datetime) -> Step:
    """Return the step while the breaker is open: it closes once its pause is over."""
    until = mode.breaker.until
    if until is not None and until > now:
        return Idle(f"The breaker is open: {mode.breaker.reason}", until)
    return CloseBreaker()


def _obstacle(mode: InfiniteMode, facts: Facts, now: datetime) -> OpenBreaker | None:
    """Return the step that opens the breaker, if something has gone wrong."""
    if facts.free_bytes < MIN_FREE_BYTES:
        needed = MIN_FREE_BYTES >> 20
        reason = f"Only {facts.free_bytes >> 20} MB of disk are free; {needed} are needed."
        return OpenBreaker(reason, now + DISK_PAUSE)
    budget = facts.limits.seconds_per_day
    if budget and facts.spent_seconds >= budget:
        spent = f"{facts.spent_seconds:.0f} of {budget:.0f} seconds"
        return OpenBreaker(f"The budget of the day is spent: {spent}.", _next_day(now))
    if reason := breakers.reason_to_open(mode.breaker, max_refusals=facts.limits.refusals):
        return OpenBreaker(reason)
    return None


def _waits_for_others(facts: Facts, now: datetime) -> Idle | None:
    """Return the step that waits for somebody else, if there is anybody to wait for."""
    if facts.other_wave:
        return Idle(f"Another wave runs on the target: {facts.other_wave}.", now + LOOK)
    if facts.open_changes >= facts.limits.max_open:
        reason = (
            f"{facts.open_changes} changes are open or wait for a person; at most "
            f"{facts.limits.max_open} may."
        )
        return Idle(reason, now + LOOK)
    return None


def _pause_reason(mode: InfiniteMode) -> str:
    """Return why no wave is started before the pause after the last one is over."""
    if mode.fruitless:
        waves = "wave" if mode.fruitless == 1 else f"{mode.fruitless} waves"
        return f"The last {waves} landed nothing, and nothing is new since."
    return "It pauses after each wave, and nothing is new since."


def _next_day(now: datetime) -> datetime:
    """Return the beginning of the next day, UTC."""
    return now.replace(hour=0, minute=0, second=0, microsecond=0) + timedelta(days=1)


def pause_after(fruitless: int, *, interval_seconds: int, limits: InfiniteSection) -> timedelta:
    """Return the pause after a wave: the interval, doubled for each wave that landed nothing.

    It is at most the plateau's longest pause, and never less than the interval.
    """
    interval = timedelta(seconds=interval_seconds)
    longest = max(timedelta(minutes=limits.plateau_minutes), interval)
    return min(interval * (1 << min(fruitless, 20)), longest)


def is_budget_low(facts: Facts) -> bool:
    """Return whether most of the budget of the day is spent."""
    budget = facts.limits.seconds_per_day
    return bool(budget) and facts.spent_seconds >= LOW_BUDGET * budget
