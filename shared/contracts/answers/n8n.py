"""Answers to automation tools, and what their callbacks are told."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.contracts.base import Id, Value
from shared.contracts.report import WaveReport
from shared.contracts.views import EnhancementView


class DeploymentAccepted(Value):
    """The wave that was accepted, where to ask about it, and its callback, if it has one.

    Its events have greater sequence numbers in the event stream than `events_after`.
    """

    wave_id: Id
    status_url: str
    report_url: str
    callback_id: Id | None = None
    events_after: int


class ValidationAccepted(Value):
    """A change as it is now, where to ask about it, and its callback, if it has one.

    `state` is the state of the change before an action that was asked for.
    """

    enhancement_id: Id
    wave_id: Id
    state: str
    reason: str
    commit: str | None = None
    status_url: str
    callback_id: Id | None = None


class CallbackBody(Value):
    """What a callback is told: how a wave ended with its report, or what became of a change."""

    kind: Literal["wave", "enhancement"]
    wave_id: Id | None = None
    enhancement_id: Id | None = None
    state: str
    note: str = ""
    report_url: str | None = None
    report: WaveReport | None = None
    changes: tuple[EnhancementView, ...] = ()
    verdict: EnhancementView | None = None
    at: datetime


class ComponentScore(Value):
    """The health score last measured of a component in a dimension."""

    target_id: Id
    component: str
    dimension: str
    score: float
    measured_at: datetime


class SystemHealth(Value):
    """Whether the services answer, what is going on, and the health scores last measured."""

    state: Literal["ok", "degraded"]
    problem: str = ""
    services: tuple[str, ...] = ()
    agents: dict[str, int] = Field(default_factory=dict)
    waves: dict[str, int] = Field(default_factory=dict)
    scores: tuple[ComponentScore, ...] = ()
    lowest_score: float | None = None
