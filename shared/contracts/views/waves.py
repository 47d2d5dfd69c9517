"""What clients are shown of waves and their tasks."""

from datetime import datetime

from shared.contracts.base import (
    AgentTypeName,
    Id,
    Oid,
    Priority,
    Value,
    WaveSize,
)
from shared.contracts.documents.base import Failure
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.states import (
    TaskState,
    WaveState,
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
