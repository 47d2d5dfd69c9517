"""Check the claims of changes about findings, by the detectors that the changes name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.findings.domain import TreePair, not_measured
from services.validator.prepared import PreparedHead
from shared.contracts.documents.enhancements import Enhancement
from shared.detectors.comparison import compare
from shared.kernel.errors import Rejected

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class ChangeTrees:
    """A change, and the trees without it and with it."""

    change: Enhancement
    before: str
    after: str


def changes_with_trees(
    changes: Sequence[Enhancement], steps: Sequence[tuple[str, str]], tree: str
) -> list[ChangeTrees]:
    """Return the changes of a composition on `tree`, each with the trees around it.

    `steps` are those of the composition: (change, tree after it). What is not in them is left out.
    """
    by_id = {each.id: each for each in changes}
    found = []
    for change, after in steps:
        found.append(ChangeTrees(by_id[change], tree, after))
        tree = after
    return found


async def check_findings(
    steps: Sequence[ChangeTrees], prepared: PreparedHead, deps: ValidatorDeps
) -> Mapping[str, str]:
    """Return in words, by change, which claim about findings is false; empty where none is.

    Where the detectors cannot measure there is no evidence, and so no blame: empty for all.
    """
    pairs = [_pair(each) for each in steps]
    try:
        measured = await deps.detectors.measure_pairs(
            prepared.target.id, prepared.head, prepared.profile, pairs
        )
    except Rejected as error:
        log.warning("findings_not_measured", target=prepared.target.id, reason=str(error))
        return {each.change.id: "" for each in steps}
    broken = {}
    for each, pair in zip(steps, measured, strict=True):
        claims = each.change.proposal.findings
        if note := not_measured(claims, pair.tools):
            log.info("findings_not_measured", enhancement=each.change.id, reason=note)
        measurable = [claim for claim in claims if claim.tool in pair.tools]
        broken[each.change.id] = compare(measurable, pair.before, pair.after).broken
    return broken


def _pair(step: ChangeTrees) -> TreePair:
    """Return the trees without and with a change, to be measured by the detectors it names."""
    proposal = step.change.proposal
    return TreePair(
        step.before, step.after, proposal.author.agent_type, frozenset(proposal.detectors)
    )
