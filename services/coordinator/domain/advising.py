"""Agents that only advise: for findings that nothing fixes, and that nobody was advised on yet."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Sequence

from shared.contracts.base import Priority
from shared.contracts.documents.findings import Finding
from shared.contracts.documents.waves import Opportunity
from shared.detectors.findings import SEVERITY_WEIGHTS

MAX_NAMED_RULES = 4


def advice_opportunities(
    findings: Iterable[Finding], settled: Collection[str], chosen: Iterable[Opportunity]
) -> list[Opportunity]:
    """Return what can be advised on by agents that fix nothing, the most important first.

    There is one for each agent type and component. What is `settled`, by fingerprint, is left out;
    so is what an agent that is `chosen` to fix something in the component advises on as well.
    """
    busy = {(each.agent_type, each.component) for each in chosen}
    grouped: dict[tuple[str, str], list[Finding]] = defaultdict(list)
    for each in findings:
        place = each.agent_type, each.component
        is_new = each.advice and each.fixable == "no" and each.fingerprint not in settled
        if is_new and all(place) and place not in busy:
            grouped[place].append(each)
    found = [_opportunity(*place, each) for place, each in grouped.items()]
    return sorted(found, key=lambda each: (-each.expected_impact, each.component, each.agent_type))


def _opportunity(agent_type: str, component: str, findings: Sequence[Finding]) -> Opportunity:
    """Return the opportunity to advise on some findings."""
    rules = Counter(each.code for each in findings).most_common(MAX_NAMED_RULES)
    named = ", ".join(f"{rule} x{count}" for rule, count in rules)
    return Opportunity(
        agent_type=agent_type,
        component=component,
        description=f"Findings to advise on: {named}",
        priority=Priority.LOW,
        expected_impact=sum(SEVERITY_WEIGHTS[each.severity] for each in findings),
        complexity=float(len(findings)),
        findings=len(findings),
        fixable=0,
    )
