"""How the fixes of one rule in one component become proposals, and what is said about them."""

import re
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from itertools import chain, count
from pathlib import PurePosixPath

from shared.agent_types import FixerDeclaration, Proposal
from shared.agent_types.changes import listed, readable_parts
from shared.behaviour import FixBehaviour
from shared.behaviour.condition import CONDITIONS
from shared.contracts.base import EngineName
from shared.contracts.documents.findings import RELATIVE_RUN_TIME, Finding, Prediction
from shared.detectors.ports import Change

# A Conventional Commit's type, scope and description.
MAX_SUBJECT_COLUMNS = 72
SCOPED_TITLE = re.compile(r"(\w+)\(([^()]+)\): (.+)")


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
    found = [
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
    return naming_their_file(found) if is_measured and len(found) > 1 else found


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
    facts = (
        f"{len(findings)} {places} in {listed(changes)}, "
        f"found by {declaration.tool}'s rule {declaration.code}."
    )
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


def naming_their_file(proposals: Sequence[Proposal]) -> list[Proposal]:
    """Return the proposals with the module in the scope of each title that is about one file.

    So people can tell apart what several agents propose for the parts of one component.
    """
    return [replace(each, title=_naming_its_file(each)) for each in proposals]


def _naming_its_file(proposal: Proposal) -> str:
    """Return the title of a proposal, with its module in the scope if it changes one file."""
    parts, paths = SCOPED_TITLE.match(proposal.title), list(proposal.changes or ())
    if parts is None or len(paths) != 1:
        return proposal.title
    module = PurePosixPath(paths[0]).stem
    kind, scope, phrase = parts.groups()
    if module == "__init__" or module == scope.rpartition(".")[2]:
        return proposal.title
    named = f"{kind}({scope}.{module}): {phrase}"
    fits = len(named.rpartition(" (")[0] or named) <= MAX_SUBJECT_COLUMNS
    return named if fits else proposal.title


def with_unique_titles(
    proposals: Sequence[Proposal], taken: Collection[str] = ()
) -> list[Proposal]:
    """Return the proposals with those numbered that would share a title, also with one `taken`."""
    counts = Counter(each.title for each in proposals)
    seen: Counter[str] = Counter()
    used = set(taken)
    found = []
    for each in proposals:
        title = each.title
        seen[title] += 1
        if counts[title] > 1:
            title = _numbered(title, f"{seen[title]} of {counts[title]}")
        title = _unused(title, used)
        used.add(title)
        found.append(replace(each, title=title))
    return found


def _unused(title: str, used: Collection[str]) -> str:
    """Return a title, with the first number that makes it differ from those `used`."""
    parts = (_numbered(title, f"part {number}") for number in count(2))
    return next(each for each in chain([title], parts) if each not in used)


def _numbered(title: str, number: str) -> str:
    """Return a title with a number in the brackets at its end."""
    return f"{title[:-1]}, {number})" if title.endswith(")") else f"{title} ({number})"
