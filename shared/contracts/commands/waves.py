"""Commands about waves."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.base import (
    ALL,
    AgentTypeName,
    Id,
    Message,
    WaveSize,
)
from shared.contracts.commands.base import Reason


class StartWave(Message):
    """Start a wave on a target: a path, a URL or an id. It may be omitted where only one is known.

    `base` is the branch to improve, by default the one that is checked out. At most `throttle`
    agents are at work at once. With `max_open` no more is proposed than leaves so many changes of
    the target open or waiting for a person.
    """

    subject: ClassVar[str] = "gs.cmd.wave.start"
    target: str | None = Field(default=None, max_length=4096)
    base: str | None = Field(default=None, max_length=255)
    size: WaveSize = WaveSize.SMALL
    focus: AgentTypeName = ALL
    components: tuple[str, ...] = Field(default=(), max_length=200)
    dry_run: bool = False
    throttle: int | None = Field(default=None, ge=1, le=15)
    max_open: int | None = Field(default=None, ge=1, le=500)
    wave_id: Id | None = None


class StopWave(Message):
    """Stop a wave, or every open wave: no new task starts and nothing more lands."""

    subject: ClassVar[str] = "gs.cmd.wave.stop"
    wave_id: Id | None = None
    reason: Reason = "stopped by request"
