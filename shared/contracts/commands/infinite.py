"""Commands about infinite mode, and the question how it is."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.base import ALL, AgentTypeName, Id, Message
from shared.contracts.commands.base import Reason


class _OfTarget(Message):
    """A message about a target: a path, a URL, an id or a name; without one, about every target."""

    target: str | None = Field(default=None, max_length=4096)


class StartInfiniteMode(Message):
    """Run wave after wave on a target until that is paused or stopped, also after a restart.

    The target is named as for a wave. `throttle` is how many agents may be at work at once,
    `interval_seconds` the pause after each wave. Without `resume_after_restart` a restart of the
    stack pauses it. On a target where it runs, this changes its settings. The same `request_id`
    again changes nothing, even if it was stopped meanwhile.
    """

    subject: ClassVar[str] = "gs.cmd.infinite.start"
    target: str | None = Field(default=None, max_length=4096)
    base: str | None = Field(default=None, max_length=255)
    throttle: int = Field(default=3, ge=1, le=15)
    interval_seconds: int = Field(default=900, ge=60, le=86_400)
    focus: AgentTypeName = ALL
    resume_after_restart: bool = True
    request_id: Id | None = None


class PauseInfiniteMode(_OfTarget):
    """Start no more waves on a target, or on any; one that runs is finished."""

    subject: ClassVar[str] = "gs.cmd.infinite.pause"
    reason: Reason = "paused by request"


class ResumeInfiniteMode(_OfTarget):
    """Go on with infinite mode at once: paused, waiting, or with its breaker open."""

    subject: ClassVar[str] = "gs.cmd.infinite.resume"
    reason: Reason = "resumed by request"


class StopInfiniteMode(_OfTarget):
    """End infinite mode on a target, or on every one, and stop its wave, unless `after_wave`."""

    subject: ClassVar[str] = "gs.cmd.infinite.stop"
    reason: Reason = "stopped by request"
    after_wave: bool = False


class GetInfiniteMode(_OfTarget):
    """Return how infinite mode is on a target, or on every one: why it is idle, when it wakes."""

    subject: ClassVar[str] = "gs.rpc.infinite.status"
