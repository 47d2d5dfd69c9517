"""The engine that advises on what rules and tools of the target's own report without a fix."""

from collections import defaultdict
from collections.abc import AsyncIterator, Sequence

from shared.agent_types.engines import Proposal, TaskContext
from shared.agent_types.fixers import Priors
from shared.contracts.base import EngineName
from shared.contracts.documents.findings import Finding

MAX_NAMED_PLACES = 20


class ReportedEngine:
    """An `Engine` whose proposals have no patch: one for each rule with findings to advise on."""

    def __init__(self, priors: Priors) -> None:
        self._prior = priors.of(safe=False)

    async def propose(self, context: TaskContext) -> AsyncIterator[Proposal]:
        """Yield advice on the findings of the component that nothing fixes."""
        by_rule: dict[str, list[Finding]] = defaultdict(list)
        for each in context.findings:
            if each.advice and each.fixable == "no" and context.may_advise_on(each):
                by_rule[each.rule].append(each)
        for rule, found in sorted(by_rule.items()):
            yield Proposal(
                key=f"{rule}:advice",
                rule=rule,
                engine=EngineName.RULES,
                title=_title(found, context.task.component),
                rationale=_text(found),
                changes=None,
                prior=self._prior,
                findings=tuple(found),
            )


def _title(found: Sequence[Finding], component: str) -> str:
    """Return what to look at, in a line."""
    places = "place" if len(found) == 1 else "places"
    return f"look at {len(found)} {places} in {component} that the rule {found[0].rule} reports"


def _text(found: Sequence[Finding]) -> str:
    """Return the places with what is said about each, and where the rule is explained."""
    rows = [f"{each.path}:{each.line}: {each.message}" for each in found[:MAX_NAMED_PLACES]]
    if len(found) > MAX_NAMED_PLACES:
        rows.append(f"and {len(found) - MAX_NAMED_PLACES} more")
    whose = "an imported log reports" if any(each.imported for each in found) else "is reported"
    intro = f"There is no automatic fix for what {whose}:"
    more = f"\n\nThe rule: {found[0].help_uri}" if found[0].help_uri else ""
    return "\n".join([intro, *rows]) + more
