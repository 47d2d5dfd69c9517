"""How the fixes of one rule in one component become proposals, and what is said about them."""

from collections.abc import Collection, Mapping, Sequence

from shared.agent_types import FixerDeclaration, Proposal
from shared.agent_types.changes import listed, readable_parts
from shared.contracts.base import EngineName
from shared.contracts.documents.findings import Finding, Prediction
from shared.detectors.ports import Change


def propose(
    key: str,
    component: str,
    declaration: FixerDeclaration,
    findings: Sequence[Finding],
    changes: Mapping[str, Change],
    *,
    safe: bool,
    why: str,
) -> list[Proposal]:
    """Return one proposal, or several of whole files where it is too much to read in one go."""
    parts = readable_parts(changes)
    return [
        _proposal(
            f"{key}/{number}" if len(parts) > 1 else key,
            component,
            declaration,
            tuple(each for each in findings if each.path in part),
            {path: changes[path] for path in part},
            safe=safe,
            why=why,
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
) -> Proposal:
    prior = declaration.priors.of(safe=safe)
    return Proposal(
        key=key,
        rule=declaration.rule,
        engine=EngineName.RULES,
        title=f"{declaration.commit_type}({component}): {declaration.phrase} ({declaration.code})",
        rationale=_rationale(declaration, findings, changes, safe=safe, why=why),
        changes=changes,
        safe=safe,
        prior=prior,
        findings=findings,
        prediction=Prediction(
            metric=f"findings.{declaration.rule}",
            direction="down",
            size=float(len(findings)),
            confidence=prior,
        ),
    )


def _rationale(
    declaration: FixerDeclaration,
    findings: Collection[Finding],
    changes: Mapping[str, Change],
    *,
    safe: bool,
    why: str,
) -> str:
    places = "place" if len(findings) == 1 else "places"
    tool = declaration.tool
    facts = (
        f"{len(findings)} {places} in {listed(changes)}, "
        f"found and fixed by {tool}'s rule {declaration.code}."
    )
    caution = (
        ""
        if safe
        else f" {tool.capitalize()} does not promise that behaviour stays the same; "
        "the tests decide."
    )
    return f"{why} {facts}{caution}".strip()
