"""How the fixes of one rule in one component become proposals, and what is said about them."""

from collections.abc import Collection, Mapping, Sequence

from shared.agent_types import FixerDeclaration, Proposal
from shared.agent_types.changes import listed, readable_parts
from shared.behaviour import FixBehaviour
from shared.behaviour.condition import CONDITIONS
from shared.contracts.base import EngineName
from shared.contracts.documents.findings import RELATIVE_RUN_TIME, Finding, Prediction
from shared.detectors.ports import Change

MAX_QUOTED_MESSAGES = 3


def propose(
    key: str,
    component: str,
    declaration: FixerDeclaration,
    findings: Sequence[Finding],
    changes: Mapping[str, Change],
    *,
    safe: bool,
    why: str,
    shown: Sequence[str] = (),
    followed: Sequence[str] = (),
) -> list[Proposal]:
    """Return the fixes of one rule as one proposal, or as several where it is too much to review.

    Each of several has whole files. What is made for speed is proposed file by file, so that each
    change has a measured gain of its own, and nothing lands or is refused for that of another one.
    `shown` are the conditions, by name, under which the fixes keep behaviour, and `followed` the
    codes of what they made possible and what is fixed with them.
    """
    is_measured = declaration.saves > 0
    parts = [[each] for each in sorted(changes)] if is_measured else readable_parts(changes)
    return [
        _proposal(
            f"{key}/{number}" if len(parts) > 1 else key,
            component,
            declaration,
            tuple(each for each in findings if each.path in part),
            {path: changes[path] for path in part},
            safe=safe,
            why=why,
            shown=shown,
            followed=followed,
        )
        for number, part in enumerate(parts, 1)
    ]


def _proposal(
    key: str,
    component: str,
    declaration: FixerDeclaration,
    findings: tuple[Finding, ...],
    changes: Mapping[str, Change],
    *,
    safe: bool,
    why: str,
    shown: Sequence[str],
    followed: Sequence[str],
) -> Proposal:
    """Return one proposal, with what it predicts."""
    prior = declaration.priors.of(safe=safe)
    said = (
        why,
        _facts(declaration, findings, changes, followed),
        _caution(declaration.behaviour, shown),
    )
    return Proposal(
        key=key,
        rule=declaration.rule,
        engine=EngineName.RULES,
        title=_title(declaration, component, shown),
        rationale=" ".join(filter(None, said)),
        conditions=tuple(shown),
        changes=changes,
        safe=safe,
        prior=prior,
        findings=findings,
        prediction=_prediction(declaration, len(findings), prior),
    )


def _prediction(declaration: FixerDeclaration, findings: int, prior: float) -> Prediction:
    """Return what a fix predicts: less run time if it is made for that, else fewer findings."""
    if declaration.saves:
        return Prediction(
            metric=RELATIVE_RUN_TIME, direction="down", size=declaration.saves, confidence=prior
        )
    metric = f"findings.{declaration.rule}"
    return Prediction(metric=metric, direction="down", size=float(findings), confidence=prior)


def _title(declaration: FixerDeclaration, component: str, shown: Sequence[str]) -> str:
    """Return the commit's subject; it warns where a condition was needed and none was shown."""
    where = ", where it may matter" if declaration.behaviour.unless and not shown else ""
    phrase = f"{declaration.phrase}{where}"
    return f"{declaration.commit_type}({component}): {phrase} ({declaration.code})"


def _facts(
    declaration: FixerDeclaration,
    findings: Collection[Finding],
    changes: Mapping[str, Change],
    followed: Sequence[str],
) -> str:
    """Return how much is fixed where, for the commit's message."""
    places = "place" if len(findings) == 1 else "places"
    facts = f"{len(findings)} {places} in {listed(changes)}, found by the rule {declaration.rule}."
    if declaration.quoted:
        messages = list(dict.fromkeys(each.message for each in findings))
        facts = " ".join([facts, *messages[:MAX_QUOTED_MESSAGES]])
    if not followed:
        return facts
    return f"{facts} What that made possible is fixed as well ({', '.join(followed)})."


def _caution(behaviour: FixBehaviour, shown: Sequence[str]) -> str:
    """Return what is known about the behaviour of the changed code, for the commit's message."""
    if shown:
        words = "; ".join(CONDITIONS[each].words for each in shown)
        return f"Behaviour stays the same: {words}."
    if behaviour.proven:
        return f"The compiled program is expected to stay the same. {behaviour.proven}"
    return f"It may change {behaviour.may_change}."
