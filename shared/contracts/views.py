"""What clients are shown of stored documents, by the HTTP API and on `gs.rpc.>`.

Each model has only what a client needs, in a shape of its own.
"""

from datetime import datetime
from typing import Generic, TypeVar

from pydantic import Field

from shared.contracts.base import (
    AgentTypeName,
    EngineName,
    Id,
    Oid,
    Priority,
    Sha256,
    Value,
    WaveSize,
)
from shared.contracts.documents.advice import Advice
from shared.contracts.documents.backtests import BacktestSummary, ReplayResult
from shared.contracts.documents.base import Failure
from shared.contracts.documents.behaviour import BehaviourEvidence
from shared.contracts.documents.enhancements import Approval, Rollback
from shared.contracts.documents.findings import Finding, Prediction
from shared.contracts.documents.gain import Gain
from shared.contracts.documents.proof import Proof
from shared.contracts.documents.protection import Protection
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.documents.workflows import WorkflowCheck
from shared.contracts.report import ChangeNeedingApproval
from shared.contracts.states import (
    AgentState,
    BacktestState,
    EnhancementState,
    TaskState,
    WaveState,
)

V = TypeVar("V", bound=Value)


class Page(Value, Generic[V]):
    """One page of a list, newest first."""

    items: tuple[V, ...]
    next: Id | None = Field(
        default=None,
        description="Pass this as `after` to get the next page; null on the last page.",
    )


class WaveView(Value):
    """A wave: its target, what was asked for, and how far it is.

    Flat: one row of a list.
    """

    id: Id
    target: str
    location: str
    base_branch: str
    state: WaveState
    size: WaveSize
    focus: AgentTypeName
    components: tuple[str, ...]
    dry_run: bool
    tasks: int
    commit: Oid
    final_commit: Oid | None
    failure: Failure | None
    created_at: datetime
    finished_at: datetime | None


class TaskView(Value):
    """A task of a wave; `opportunity` describes what the agent was asked to improve.

    `part` names the part of the component that it is about; empty for the whole.

    Flat: one row of a list.
    """

    id: Id
    wave_id: Id
    agent_id: Id | None
    agent_type: AgentTypeName
    component: str
    part: str = ""
    priority: Priority
    state: TaskState
    opportunity: str
    enhancements: int
    note: str
    created_at: datetime
    finished_at: datetime | None


class WaveDetails(Value):
    """A wave and its tasks."""

    wave: WaveView
    tasks: tuple[TaskView, ...]


class AgentView(Value):
    """A deployed agent, and what it is at in the words of `doing`.

    `host` and `pid` are those of the process that runs it or ran it last. `seconds` is how long it
    was at work, without a stint that goes on since `active_since`.

    Flat: one row of a list.
    """

    id: Id
    name: str
    type: AgentTypeName
    wave_id: Id
    focus: str
    assignment: str
    state: AgentState
    doing: str
    host: str
    pid: int | None
    active_since: datetime | None
    heartbeat_at: datetime | None
    seconds: float
    deployed_at: datetime
    retired_at: datetime | None


class EnhancementView(Value):
    """A proposed change as it appears in a list; `reason` says why it did not land.

    Flat: one row of a list.
    """

    id: Id
    wave_id: Id
    component: str
    agent_type: AgentTypeName
    rule: str
    title: str
    state: EnhancementState
    reason: str
    files: tuple[str, ...]
    lines_added: int
    lines_removed: int
    commit: Oid | None
    branch: str
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None


class EnhancementDetails(EnhancementView):
    """A proposed change with its findings, prediction and evidence.

    `patch` is the sha256 of the diff, `base_commit` the commit it applies to; advice has neither.
    `epoch` is that of the lease it was made under. `approval_reason` says why it needs approval;
    `tests` are the tests that it breaks; `releases` says what became of its workflows in n8n.
    `outline` is what it does in words of what its files describe, `gain` what was measured of one
    that promises speed.

    Flat: what a client shows of one enhancement.
    """

    task_id: Id
    agent: str
    engine: EngineName
    epoch: int
    safe: bool
    rationale: str
    findings: tuple[Finding, ...]
    prediction: Prediction | None
    base_commit: Oid | None
    patch: Sha256 | None
    tests: tuple[str, ...]
    evidence: tuple[str, ...]
    approval_reason: str
    proof: Proof | None
    behaviour: BehaviourEvidence | None
    protection: Protection | None
    workflows: WorkflowCheck | None
    releases: tuple[str, ...]
    approval: Approval | None
    rollback: Rollback | None
    rollback_refusal: str
    outline: str = ""
    advice: Advice | None = None
    gain: Gain | None = None


class ApprovalGroup(Value):
    """Changes of one rule in one component that need approval for the same kind of reason."""

    reason: str
    rule: str
    component: str
    changes: tuple[ChangeNeedingApproval, ...]


class ApprovalGroups(Value):
    """All changes that need approval, in groups; the largest come first."""

    groups: tuple[ApprovalGroup, ...]

    @property
    def count(self) -> int:
        """The number of changes in all groups."""
        return sum(len(each.changes) for each in self.groups)


class BacktestView(Value):
    """A backtest as it appears in a list; `done` of `total` commits have been replayed."""

    id: Id
    name: str
    location: str
    base_branch: str
    since: str
    limit: int
    state: BacktestState
    done: int
    total: int | None
    created_at: datetime
    finished_at: datetime | None


class BacktestDetails(BacktestView):
    """A backtest with every replayed commit, and its summary once it is complete."""

    since_commit: Oid | None
    head: Oid | None
    replayed: tuple[ReplayResult, ...]
    summary: BacktestSummary | None
    sandbox: str
    failure: Failure | None


def wave_view(wave: Wave, target: Target | None) -> WaveView:
    """Return what clients are shown of a wave on `target`."""
    return WaveView(
        id=wave.id,
        target=target.name if target else "",
        location=target.location if target else "",
        base_branch=target.base_branch if target else "",
        state=wave.state,
        size=wave.size,
        focus=wave.focus,
        components=wave.components,
        dry_run=wave.dry_run,
        tasks=wave.tasks,
        commit=wave.commit,
        final_commit=wave.final_commit,
        failure=wave.failure,
        created_at=wave.created_at,
        finished_at=wave.finished_at,
    )


def task_view(task: Task) -> TaskView:
    """Return what clients are shown of a task."""
    return TaskView(
        id=task.id,
        wave_id=task.wave_id,
        agent_id=task.agent_id,
        agent_type=task.agent_type,
        component=task.component,
        part=task.opportunity.part,
        priority=task.priority,
        state=task.state,
        opportunity=task.opportunity.description,
        enhancements=task.enhancements,
        note=task.note,
        created_at=task.created_at,
        finished_at=task.finished_at,
    )
