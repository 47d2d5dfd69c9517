"""What a request on `gs.rpc.>` is answered with."""

from shared.contracts.base import Id, Oid, Value
from shared.contracts.documents.agents import Agent
from shared.contracts.documents.waves import Task, Wave


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


class WaveOpened(WaveAccepted):
    """A wave accepted over HTTP; its events come after `events_after` in the event stream."""

    events_after: int


class RollbackAccepted(Value):
    """The rollback is asked for; what becomes of it comes after `events_after`."""

    enhancement_id: Id
    wave_id: Id
    events_after: int


class RollbackAsked(Value):
    """A rollback of several is asked for; `RollbackFinished` with its id comes after `events_after`."""

    rollback_id: Id
    events_after: int


class BacktestAsked(Value):
    """A backtest is asked for; `BacktestFinished` with its id comes after `events_after`."""

    backtest_id: Id
    events_after: int


class DecisionAccepted(Value):
    """The decision is handed over; what becomes of it comes after `events_after`."""

    enhancement_id: Id
    wave_id: Id
    events_after: int


class Ready(Value):
    """Which services answer."""

    services: tuple[str, ...]
