"""Requests for what is stored, which change nothing."""

from typing import ClassVar

from pydantic import Field

from shared.contracts.base import (
    Id,
    Message,
)


class GetWaves(Message):
    """List the waves, newest first."""

    subject: ClassVar[str] = "gs.rpc.wave.list"
    limit: int = Field(default=20, ge=1, le=500)


class GetWave(Message):
    """Return one wave with its tasks, by default the newest."""

    subject: ClassVar[str] = "gs.rpc.wave.show"
    wave_id: Id | None = None


class GetAgents(Message):
    """List the deployed agents; with `active`, only those whose waves go on."""

    subject: ClassVar[str] = "gs.rpc.agents.list"
    active: bool = False


class GetStatus(Message):
    """Count what is open, by kind and state."""

    subject: ClassVar[str] = "gs.rpc.status"


class GetTaskReason(Message):
    """Return why a task was taken up, and what else the wave could have taken up."""

    subject: ClassVar[str] = "gs.rpc.task.why"
    task_id: Id
