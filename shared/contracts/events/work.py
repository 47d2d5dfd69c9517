"""Events of agents, waves, measurements, tasks and leases."""

from typing import Any, ClassVar, Literal, Self

from shared.contracts.base import AgentTypeName, Id, Oid
from shared.contracts.documents.agents import Agent
from shared.contracts.events.base import Event, TargetEvent, WaveEvent


class WorkerRegistered(Event):
    """A process started that runs agents of these types, at most `slots` of them at once."""

    subject: ClassVar[str] = "gs.evt.worker.registered"
    worker_id: Id
    host: str
    pid: int
    types: tuple[AgentTypeName, ...]
    slots: int


class AgentEvent(WaveEvent):
    """The fields that all events about one agent share; each is named after a state."""

    agent_id: Id
    name: str
    agent_type: AgentTypeName
    focus: str

    @classmethod
    def about(cls, agent: Agent, **fields: Any) -> Self:
        """Return the event about this agent, with what the event has besides."""
        return cls(
            agent_id=agent.id,
            name=agent.name,
            agent_type=agent.type,
            focus=agent.focus,
            wave_id=agent.wave_id,
            target_id=agent.target_id,
            **fields,
        )


class AgentDeployed(AgentEvent):
    """A wave deployed an agent on a component; it waits for a lease, and then for a slot."""

    subject: ClassVar[str] = "gs.evt.agent.deployed"


class AgentActive(AgentEvent):
    """A worker process has a slot for an agent and runs it on a task, under a lease epoch."""

    subject: ClassVar[str] = "gs.evt.agent.active"
    task_id: Id
    epoch: int
    host: str
    pid: int


class AgentIdle(AgentEvent):
    """An agent is done with what it had to do; it may get more of it later in the wave."""

    subject: ClassVar[str] = "gs.evt.agent.idle"


class AgentFailed(AgentEvent):
    """An agent could not do its task; its wave goes on without what it would have proposed."""

    subject: ClassVar[str] = "gs.evt.agent.error"


class AgentOffline(AgentEvent):
    """An agent's process or lease is lost; its task is given out again under a new lease epoch."""

    subject: ClassVar[str] = "gs.evt.agent.offline"
    host: str
    pid: int


class AgentRetired(AgentEvent):
    """The wave of an agent is over; the agent was at work for `seconds` in all."""

    subject: ClassVar[str] = "gs.evt.agent.retired"
    seconds: float


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


class FindingsImported(TargetEvent):
    """A log of another tool was stored, with `findings` results; or `reason` says why it was not.

    `notes` tell in sentences what of it is left out.
    """

    subject: ClassVar[str] = "gs.evt.findings.imported"
    target_id: Id | None = None  # type: ignore[assignment]
    import_id: Id
    name: str
    findings: int = 0
    notes: tuple[str, ...] = ()
    code: str = ""
    reason: str = ""
    hint: str = ""


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
    part: str = ""


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
    """The lease of a task ended because it has proposed all it will, or is over."""

    subject: ClassVar[str] = "gs.evt.lease.released"
    task_id: Id
    component: str


class LeaseExpired(WaveEvent):
    """The lease of a task ended because nobody renewed it."""

    subject: ClassVar[str] = "gs.evt.lease.expired"
    task_id: Id
    component: str
