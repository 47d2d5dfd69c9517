"""The proposals that the rules engine of the bundled agent type makes for a component."""

from collections.abc import Sequence
from pathlib import Path

from services.agents.main import serve_type
from shared.agent_types import Proposal, TaskContext, agent_spec
from shared.agent_types.engines import HeldLease
from shared.contracts.base import Priority
from shared.contracts.documents.waves import Opportunity, Task
from shared.detectors.ports import DetectorResources, Source
from shared.kernel.clock import utc_now
from shared.kernel.ids import uuid7

AGENT_TYPE = "code_quality"


async def rules_proposals(
    source: Source, component: str, scratch: Path, exclude: Sequence[str] = ()
) -> list[Proposal]:
    """Return the proposals for a component; commands of the target are not run."""
    served = serve_type(agent_spec(AGENT_TYPE), DetectorResources(scratch))
    context = _context(source, component, exclude)
    return [each async for each in served.engine.propose(context)]


def _context(source: Source, component: str, exclude: Sequence[str]) -> TaskContext:
    """Return what an engine gets for a task on a component; the task itself is made up."""
    now = utc_now()
    opportunity = Opportunity(
        agent_type=AGENT_TYPE,
        component=component,
        description="",
        priority=Priority.NORMAL,
        expected_impact=0,
        complexity=0,
        findings=0,
        fixable=0,
    )
    paths = next(each.paths for each in source.profile.components if each.name == component)
    task = Task(
        id=uuid7(),
        wave_id=uuid7(),
        target_id=uuid7(),
        agent_type=AGENT_TYPE,
        component=component,
        paths=paths,
        excluded_fingerprints=tuple(exclude),
        commit="0" * 40,
        opportunity=opportunity,
        created_at=now,
        changed_at=now,
    )
    return TaskContext(task, opportunity, (), HeldLease(component, paths, 0), source)
