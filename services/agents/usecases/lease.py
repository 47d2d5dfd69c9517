"""What of an agent's proposals its lease covers, and the extension of the lease for the rest."""

from collections.abc import Sequence

import structlog

from services.agents.deps import AgentDeps
from shared.agent_types.engines import Proposal
from shared.contracts.commands import ExtendLease, LeaseGrant
from shared.contracts.documents.findings import Finding
from shared.contracts.documents.waves import Task
from shared.kernel.errors import Transient
from shared.targets.paths import matches

log = structlog.get_logger(__name__)


def is_of_task(finding: Finding, task: Task) -> bool:
    """Return whether a finding is in a file of a task, or one of its component that is advised on.

    The latter may be in a file of no component, such as a test. It is none of a part's.
    """
    is_advised = finding.fixable == "no" and not task.opportunity.part
    return matches(finding.path, task.paths) or (is_advised and finding.component == task.component)


async def within_lease(proposed: Sequence[Proposal], task: Task, deps: AgentDeps) -> list[Proposal]:
    """Return the proposals about the task's own files, and only those that its lease covers.

    What is found elsewhere is another agent's. For a change that also touches files outside, such
    as new ones, the lease is extended; where that is refused, the change is left for another wave.
    """
    mine = [each for each in proposed if _is_about(each, task)]
    return [each for each in mine if await _is_covered(each, task, deps)]


def _is_about(proposal: Proposal, task: Task) -> bool:
    """Return whether the first finding of a proposal, if it has any, is one of the task."""
    return all(is_of_task(each, task) for each in proposal.findings[:1])


async def _is_covered(proposal: Proposal, task: Task, deps: AgentDeps) -> bool:
    """Return whether the lease covers all files of a change, once it is extended if need be."""
    outside = [each for each in proposal.changes or () if not matches(each, task.paths)]
    if not outside:
        return True
    request = ExtendLease(
        target_id=task.target_id,
        task_id=task.id,
        epoch=task.epoch,
        paths=tuple(f"/{each}" for each in outside),
    )
    try:
        grant = await deps.bus.request(request, LeaseGrant)
    except Transient as error:
        log.warning("lease_not_extended", task=task.id, reason=str(error))
        return False
    if not grant.granted:
        log.info("proposal_outside_lease", task=task.id, files=outside, reason=grant.reason)
    return grant.granted
