"""Whether changes keep their word about findings, measured by the detectors of their agents."""

import asyncio
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.findings.domain import compare, not_measured
from services.validator.prepared import PreparedHead
from shared.contracts.documents.enhancements import Enhancement
from shared.kernel.errors import Rejected

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Step:
    """A change, and the trees without it and with it."""

    change: Enhancement
    before: str
    after: str


async def check_findings(
    steps: Sequence[Step], place: PreparedHead, deps: ValidatorDeps
) -> Mapping[str, str]:
    """By change the promise it breaks, in words; empty where it keeps them all.

    Where the detectors cannot look there is no evidence, and so no blame.
    """
    pairs = [(each.before, each.after) for each in steps]
    try:
        looks = await asyncio.to_thread(
            deps.detectors.look, place.target.id, place.head, place.profile, pairs
        )
    except Rejected as error:
        log.warning("findings_not_measured", target=place.target.id, reason=str(error))
        return {each.change.id: "" for each in steps}
    following = await _following([each.change for each in steps], deps)
    broken = {}
    for each, (before, after) in zip(steps, looks, strict=True):
        if said := not_measured(each.change.proposal.findings):
            log.info("findings_not_measured", enhancement=each.change.id, reason=said)
        owed = _owed(each.change, following[each.change.task_id])
        check = compare(each.change.proposal.findings, before, after, owed=owed)
        broken[each.change.id] = check.broken
    return broken


async def _following(
    changes: Sequence[Enhancement], deps: ValidatorDeps
) -> Mapping[str, list[Enhancement]]:
    """All that was proposed in these tasks, whatever has become of it."""
    by_task: dict[str, list[Enhancement]] = defaultdict(list)
    for each in await deps.store.enhancements.find(
        task_id=sorted({each.task_id for each in changes})
    ):
        by_task[each.task_id].append(each)
    return by_task


def _owed(change: Enhancement, siblings: Sequence[Enhancement]) -> frozenset[str]:
    """What the changes that stand on this one are there to fix: one rule's fix may be another's finding."""
    return frozenset(
        finding.fingerprint
        for each in siblings
        if each.proposal.epoch == change.proposal.epoch
        and each.proposal.order > change.proposal.order
        for finding in each.proposal.findings
    )
