"""What a request on `gs.rpc.>` is answered with."""

from shared.contracts.base import Id, Oid, Value
from shared.contracts.documents import Agent, Task, Wave


class WaveAccepted(Value):
    """The wave is written down. `notes` are sentences for people."""

    wave_id: Id
    target_id: Id
    commit: Oid
    base_branch: str
    landing_branch: str
    notes: tuple[str, ...] = ()


class WaveList(Value):
    """Newest first."""

    waves: tuple[Wave, ...]


class WaveShown(Value):
    """A wave and its tasks."""

    wave: Wave
    tasks: tuple[Task, ...]


class Stopped(Value):
    """The waves that were stopped."""

    waves: tuple[Id, ...]


class AgentList(Value):
    """The registered agents."""

    agents: tuple[Agent, ...]


class Status(Value):
    """What is going on: counts by state, of what is not over."""

    agents: dict[str, int]
    waves: dict[str, int]
    tasks: dict[str, int]
    enhancements: dict[str, int]


class Done(Value):
    """It is so now."""

    done: bool = True
