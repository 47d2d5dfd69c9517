"""Answers about the whole system: its agents, its services, what is open."""

from pydantic import Field

from shared.contracts.base import Value
from shared.contracts.views import AgentView


class AgentList(Value):
    """Deployed agents, with what each is at."""

    agents: tuple[AgentView, ...]


class Status(Value):
    """Counts: of processes that run agents by agent type, and of what is unfinished by state."""

    workers: dict[str, int] = Field(default_factory=dict)
    agents: dict[str, int]
    waves: dict[str, int]
    tasks: dict[str, int]
    enhancements: dict[str, int]


class Acknowledgement(Value):
    """What was requested is done, now or by an earlier request."""

    done: bool = True


class Readiness(Value):
    """The services that answer."""

    services: tuple[str, ...]
