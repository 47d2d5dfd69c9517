"""Events of agents, waves, measurements, tasks and leases."""

from typing import ClassVar, Literal

from shared.contracts.base import AgentTypeName, Id, Oid
from shared.contracts.events.base import Event, WaveEvent


class AgentRegistered(Event):
    """An agent process started and registered itself; `types` are the agent types it serves."""

    subject: ClassVar[str] = "gs.evt.agent.registered"
    agent_id: Id
    name: str
    types: tuple[AgentTypeName, ...]


class AgentLost(Event):
    """An agent has sent no heartbeat for too long and counts as offline."""

    subject: ClassVar[str] = "gs.evt.agent.lost"
    agent_id: Id
    name: str


class WavePlanned(WaveEvent):
    """A wave was accepted and stored; its findings and its baseline are measured next."""

    subject: ClassVar[str] = "gs.evt.wave.planned"
    commit: Oid


class WaveStarted(WaveEvent):
    """The tasks of a wave exist. `note` says why there are fewer than its size allows."""

    subject: ClassVar[str] = "gs.evt.wave.started"
    tasks: int


class WaveFinished(WaveEvent):
    """A wave ended. `landed` and `rejected` count its enhancements."""

    subject: ClassVar[str] = "gs.evt.wave.finished"
    state: Literal["completed", "stopped", "failed"]
    landed: int = 0
    rejected: int = 0


class FindingsMeasured(WaveEvent):
    """The detectors ran on `commit`, at the start or end of a wave, with `findings` results."""

    subject: ClassVar[str] = "gs.evt.findings.measured"
    commit: Oid
    moment: Literal["before", "after"]
    findings: int


class MeasurementFailed(WaveEvent):
    """The findings or the baseline of a wave could not be measured, so the wave cannot go on."""

    subject: ClassVar[str] = "gs.evt.measurement.failed"
    measurement: Literal["findings", "baseline"] = "findings"
    code: str
    reason: str
    hint: str = ""


class EnvironmentBuilt(WaveEvent):
    """The environment in which the target's tests run is ready.

    `seconds` is what building it took, 0 where it was cached. `sandbox` names the sandbox tier of
    its tests and what that tier enforces. `notes` tell in sentences what could not be had as it is
    declared, and what was done about it.
    """

    subject: ClassVar[str] = "gs.evt.environment.built"
    seconds: float
    cached: bool
    sandbox: str = ""
    notes: tuple[str, ...] = ()


class BaselineMeasured(WaveEvent):
    """The target's full suite ran on the head. Tests that fail there are blamed on no change."""

    subject: ClassVar[str] = "gs.evt.baseline.measured"
    commit: Oid
    tests: int
    failing: int
    seconds: float


class TaskAssigned(WaveEvent):
    """A task got its lease and was sent to the agents."""

    subject: ClassVar[str] = "gs.evt.task.assigned"
    task_id: Id
    agent_type: AgentTypeName
    component: str


class TaskStarted(WaveEvent):
    """An agent began to work on a task."""

    subject: ClassVar[str] = "gs.evt.task.started"
    task_id: Id
    agent_id: Id
    agent: str


class TaskProposed(WaveEvent):
    """An agent finished a task; `enhancements` is how many changes it proposed."""

    subject: ClassVar[str] = "gs.evt.task.proposed"
    task_id: Id
    enhancements: int


class TaskFinished(WaveEvent):
    """A task reached a terminal state."""

    subject: ClassVar[str] = "gs.evt.task.finished"
    task_id: Id
    state: str


class LeaseGranted(WaveEvent):
    """A task got a lease on a component under a new `epoch`."""

    subject: ClassVar[str] = "gs.evt.lease.granted"
    task_id: Id
    component: str
    epoch: int


class LeaseReleased(WaveEvent):
    """The lease of a task ended because the task did."""

    subject: ClassVar[str] = "gs.evt.lease.released"
    task_id: Id
    component: str


class LeaseExpired(WaveEvent):
    """The lease of a task ended because nobody renewed it."""

    subject: ClassVar[str] = "gs.evt.lease.expired"
    task_id: Id
    component: str
