"""A proposal: one rule's fixes in one component, and how it is said."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.agents.domain.edits import changed_lines
from services.agents.domain.roster.code_quality import (
    PRIOR_SAFE,
    PRIOR_UNSAFE,
    RULES,
    commit_type,
)
from shared.contracts.documents.findings import Finding, Prediction

# More changed lines than a person reads in one go are made into several proposals.
READABLE = 300

# The rule under which a target's own repairing command is known.
OWN = "OWN"

Change = tuple[str, str]  # before, after


@dataclass(frozen=True)
class Proposal:
    """`changes` maps paths to texts before and after; proposals of a task stand on each other."""

    key: str
    rule: str
    safe: bool
    title: str
    rationale: str
    findings: tuple[Finding, ...]
    changes: Mapping[str, Change]
    added: int
    removed: int

    @property
    def prior(self) -> float:
        """How likely it is to turn out well."""
        return PRIOR_SAFE if self.safe else PRIOR_UNSAFE

    @property
    def prediction(self) -> Prediction:
        """The fixed findings are gone."""
        return Prediction(
            metric=f"findings.{self.rule}",
            direction="down",
            size=float(len(self.findings)),
            confidence=self.prior,
        )


def propose(
    key: str,
    component: str,
    rule: str,
    findings: Sequence[Finding],
    changes: Mapping[str, Change],
    *,
    safe: bool,
    why: str,
) -> list[Proposal]:
    """One proposal, or several where it is too much to read: whole files, in order."""
    parts = _parts(changes)
    return [
        _proposal(
            f"{key}/{number}" if len(parts) > 1 else key,
            component,
            rule,
            tuple(each for each in findings if each.path in part),
            {path: changes[path] for path in part},
            safe=safe,
            why=why,
        )
        for number, part in enumerate(parts, 1)
    ]


def propose_own(
    component: str, command: str, findings: Sequence[Finding], changes: Mapping[str, Change]
) -> list[Proposal]:
    """What the target's own command does to a component, in pieces that can be read."""
    parts = [each for each in _parts(changes) if each]
    proposals = []
    for number, part in enumerate(parts, 1):
        mine = {path: changes[path] for path in part}
        counts = [changed_lines(*each) for each in mine.values()]
        where = ", ".join(part[:4]) + (f" and {len(part) - 4} more files" if len(part) > 4 else "")  # noqa: PLR2004
        proposals.append(
            Proposal(
                key=OWN if len(parts) == 1 else f"{OWN}/{number}",
                rule=OWN,
                safe=False,
                title=f"style({component}): apply the project's own lint fixes",
                rationale=f"`{command}` changes {where}. The tests decide whether behaviour stays the same.",
                findings=tuple(each for each in findings if each.path in mine),
                changes=mine,
                added=sum(added for added, _ in counts),
                removed=sum(removed for _, removed in counts),
            )
        )
    return proposals


def _parts(changes: Mapping[str, Change]) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    size = 0
    for path in sorted(changes):
        lines = sum(changed_lines(*changes[path]))
        if parts[-1] and size + lines > READABLE:
            parts.append([])
            size = 0
        parts[-1].append(path)
        size += lines
    return parts


def _proposal(
    key: str,
    component: str,
    code: str,
    findings: tuple[Finding, ...],
    changes: Mapping[str, Change],
    *,
    safe: bool,
    why: str,
) -> Proposal:
    rule = RULES[code]
    counts = [changed_lines(*each) for each in changes.values()]
    return Proposal(
        key=key,
        rule=code,
        safe=safe,
        title=f"{commit_type(rule)}({component}): {rule.phrase} ({code})",
        rationale=_rationale(code, findings, changes, safe=safe, why=why),
        findings=findings,
        changes=changes,
        added=sum(added for added, _ in counts),
        removed=sum(removed for _, removed in counts),
    )


def _rationale(
    code: str, findings: Sequence[Finding], changes: Mapping[str, Change], *, safe: bool, why: str
) -> str:
    places = "place" if len(findings) == 1 else "places"
    where = ", ".join(sorted(changes)[:4])
    more = f" and {len(changes) - 4} more files" if len(changes) > 4 else ""  # noqa: PLR2004
    said = f"{len(findings)} {places} in {where}{more}, found and fixed by ruff's rule {code}."
    caution = (
        "" if safe else " Ruff does not promise that behaviour stays the same; the tests decide."
    )
    return f"{why} {said}{caution}".strip()
