"""Events of infinite mode."""

from datetime import datetime
from typing import ClassVar

from shared.contracts.events.base import TargetEvent


class InfiniteStarted(TargetEvent):
    """Infinite mode runs on a target from now on, or with other settings."""

    subject: ClassVar[str] = "gs.evt.infinite.started"
    throttle: int
    interval_seconds: int


class InfinitePaused(TargetEvent):
    """Infinite mode starts no more waves until it is resumed."""

    subject: ClassVar[str] = "gs.evt.infinite.paused"
    reason: str


class InfiniteResumed(TargetEvent):
    """Infinite mode goes on."""

    subject: ClassVar[str] = "gs.evt.infinite.resumed"
    reason: str


class InfiniteStopped(TargetEvent):
    """Infinite mode on a target has ended."""

    subject: ClassVar[str] = "gs.evt.infinite.stopped"
    reason: str


class InfiniteIdle(TargetEvent):
    """Infinite mode runs no wave, for another reason than before; it wakes at `wakes_at`."""

    subject: ClassVar[str] = "gs.evt.infinite.idle"
    reason: str
    wakes_at: datetime


class BreakerOpened(TargetEvent):
    """Infinite mode starts no waves until `until`: something fails again and again."""

    subject: ClassVar[str] = "gs.evt.breaker.opened"
    reason: str
    until: datetime


class BreakerClosed(TargetEvent):
    """The breaker of infinite mode closed: one wave is tried."""

    subject: ClassVar[str] = "gs.evt.breaker.closed"
    reason: str


class BudgetLow(TargetEvent):
    """Infinite mode has used most of what it may use in a day, in seconds of agents and runs."""

    subject: ClassVar[str] = "gs.evt.budget.low"
    spent_seconds: float
    budget_seconds: float
