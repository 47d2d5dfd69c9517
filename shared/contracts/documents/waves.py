"""Waves, their tasks, and the opportunities they take up."""

from datetime import datetime

from shared.contracts.base import (
    ALL,
    AgentTypeName,
    Id,
    Oid,
    Priority,
    Value,
    WaveSize,
)
from shared.contracts.documents.base import Document, Failure
from shared.contracts.states import (
    TaskState,
    WaveState,
)


def place(component: str, part: str) -> str:
    """Return the name of a component and, in brackets, of a part of it; empty for the whole."""
    return f"{component} ({part})" if part else component


class Wave(Document):
    """A bounded set of tasks started together. `commit` is the head it began on.

    `environment_seconds` is what building the test environment took, 0 where it was cached.
    `sandbox` names the sandbox tier of its tests. `landing_commit` is where the landing branch was
    at the start. At most `throttle` of its tasks are at work at once, and together they propose no
    more than leaves `max_open` changes of the target open or waiting for a person. `requested_by`
    names what started it, and is empty for a person.

    One field per fact that queries or transitions name.
    """

    id: Id
    target_id: Id
    size: WaveSize = WaveSize.SMALL
    focus: AgentTypeName = ALL
    components: tuple[str, ...] = ()
    dry_run: bool = False
    throttle: int | None = None
    max_open: int | None = None
    requested_by: str = ""
    state: WaveState = WaveState.PLANNED
    commit: Oid
    base_commit: Oid
    final_commit: Oid | None = None
    tasks: int = 0
    notes: tuple[str, ...] = ()
    environment_seconds: float | None = None
    sandbox: str = ""
    landing_commit: Oid | None = None
    failure: Failure | None = None
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None = None


class Opportunity(Value):
    """Findings worth a task; `expected_impact` in health points, `complexity` in changed lines.

    `part` names the part of the component that it is about; empty for the whole. `family` is that
    of most rules that can be fixed, and `component_class` the language and size of the component:
    with the agent type these are the arm that the planner learns about. `prior` is the probability
    that such a change stands, before anything is known.

    One field per thing that the planner looks at.
    """

    agent_type: AgentTypeName
    component: str
    part: str = ""
    description: str
    priority: Priority
    expected_impact: float
    complexity: float
    findings: int
    fixable: int
    family: str = ""
    component_class: str = ""
    prior: float = 1.0

    @property
    def place(self) -> str:
        """The component and, where it is divided, the part of it, for people."""
        return place(self.component, self.part)


class Task(Document):
    """One assignment: an opportunity in a component, for an agent type.

    `agent_id` is the agent that the wave deployed for it, and for the tasks that follow up on it.
    `paths` are the patterns of the component, or of the part of it that the opportunity is about,
    and the limits of the lease. Findings with `excluded_fingerprints` are not to be fixed.
    `follow_up_of` is the task that this one repeats on a newer head, and `attempt` counts such
    repetitions. `sent_back` tells, change by change, what landed first on the lines that its last
    attempt would have changed. It may propose at most `max_changes` changes, if that is not None.

    One field per fact that queries or transitions name.
    """

    id: Id
    wave_id: Id
    target_id: Id
    agent_type: AgentTypeName
    component: str
    paths: tuple[str, ...]
    excluded_fingerprints: tuple[str, ...] = ()
    commit: Oid
    opportunity: Opportunity
    priority: Priority = Priority.NORMAL
    state: TaskState = TaskState.WAITING
    epoch: int = 0
    agent_id: Id | None = None
    follow_up_of: Id | None = None
    attempt: int = 0
    sent_back: tuple[str, ...] = ()
    enhancements: int = 0
    max_changes: int | None = None
    note: str = ""
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None = None
