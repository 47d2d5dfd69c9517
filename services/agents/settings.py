"""AgentsSettings of the agents."""

from pathlib import Path

from pydantic import Field

from shared.settings import SandboxSettings


class AgentsSettings(SandboxSettings):
    """Settings of a process that runs agents.

    It runs at most `agents` of them at once, 0 for as many as the machine has cores, which
    processes with the same directory `slots` share. After two times `heartbeat_seconds` without
    a heartbeat it is lost.
    """

    agents: int = Field(default=0, ge=0)
    slots: Path | None = None
    heartbeat_seconds: float = Field(default=5, gt=0)
