"""Documents that put proposals before the gate without running any agent."""

from shared.contracts.base import EngineName, Priority
from shared.contracts.documents.enhancements import (
    Enhancement,
    FixKind,
    ProposalAuthor,
    ProposalRecord,
    ProposedPatch,
)
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Opportunity, Task, Wave
from shared.contracts.states import EnhancementState, TaskState, WaveState
from shared.kernel.clock import utc_now
from shared.kernel.extensions import agent_type_names
from shared.kernel.ids import uuid7

# Any registered type will do: no agent of it runs.
AGENT_TYPE = agent_type_names()[0]
# The states of a change on which the gate still has work to do.
IN_GATE_STATES = [
    EnhancementState.PROPOSED,
    EnhancementState.CLEARED,
    EnhancementState.VALIDATING,
    EnhancementState.VALIDATED,
]


def new_wave(target: Target) -> Wave:
    """Return a running wave on the root commit of a target."""
    now = utc_now()
    return Wave(
        id=uuid7(),
        target_id=target.id,
        state=WaveState.RUNNING,
        commit=target.root_commit,
        base_commit=target.root_commit,
        created_at=now,
        changed_at=now,
    )


def proposed_task(number: int, wave: Wave) -> Task:
    """Return a task on module `m<number>` that has already submitted its proposal."""
    now, component = utc_now(), f"m{number:02}"
    return Task(
        id=uuid7(),
        wave_id=wave.id,
        target_id=wave.target_id,
        agent_type=AGENT_TYPE,
        component=component,
        paths=(f"/{component}.py",),
        commit=wave.commit,
        opportunity=Opportunity(
            agent_type=AGENT_TYPE,
            component=component,
            description="name what is returned",
            priority=Priority.NORMAL,
            expected_impact=1.0,
            complexity=1.0,
            findings=1,
            fixable=1,
        ),
        state=TaskState.PROPOSED,
        created_at=now,
        changed_at=now,
    )


def cleared_enhancement(
    key: str, task: Task, *, title: str, path: str, patch_digest: str
) -> Enhancement:
    """Return a change of one file that the resolver has cleared and the gate has not seen yet."""
    now = utc_now()
    return Enhancement(
        id=uuid7(),
        wave_id=task.wave_id,
        task_id=task.id,
        target_id=task.target_id,
        proposal=ProposalRecord(
            key=key,
            component=task.component,
            author=ProposalAuthor(
                agent_type=task.agent_type, agent_id=uuid7(), agent="bench", engine=EngineName.RULES
            ),
            epoch=task.epoch,
            order=0,
            fix=FixKind(rule="bench", safe=True, prior=0.9),
            title=title,
            rationale="A benchmark.",
            patch=ProposedPatch(
                digest=patch_digest,
                base_commit=task.commit,
                files=(path,),
                lines_added=2,
                lines_removed=1,
            ),
        ),
        state=EnhancementState.CLEARED,
        created_at=now,
        changed_at=now,
    )
