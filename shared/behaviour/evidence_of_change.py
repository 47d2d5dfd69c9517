"""Judges a whole change by what its rule declares."""

from collections.abc import Mapping

from packaging.specifiers import SpecifierSet

from shared.behaviour.check import BehaviourCheck, OpenPlace, check_behaviour
from shared.behaviour.condition import CONDITIONS
from shared.behaviour.declarations import FixBehaviour
from shared.behaviour.names import NamesTaken
from shared.behaviour.workflow_check import check_workflow
from shared.contracts.documents.behaviour import BehaviourEvidence
from shared.detectors.texts import split_lines
from shared.targets.languages import PYTHON, WORKFLOW
from shared.targets.profile import TargetProfile

MAX_OPEN_PLACES = 50
NOT_CHECKED = "nothing can show that it does not, outside of Python and workflows"


def judge_behaviour(
    behaviour: FixBehaviour,
    changes: Mapping[str, tuple[str, str]],
    taken: NamesTaken,
    profile: TargetProfile,
    *,
    allowed: str = "",
) -> BehaviourEvidence:
    """Check each file of a change (its texts before and after, by path) against its rule.

    `allowed` is the policy that allows the rule, if any. Only Python and n8n workflows can be
    checked. At most `MAX_OPEN_PLACES` open places are returned.
    """
    shown: set[str] = set()
    places: list[str] = []
    for path, (before, after) in sorted(changes.items()):
        found = check_file(path, before, after, behaviour, taken=taken, profile=profile)
        shown |= found.shown
        places += [f"{path}:{each.line}: {each.reason}" for each in found.open]
    return BehaviourEvidence(
        may_change=behaviour.may_change,
        conditions=tuple(CONDITIONS[each].words for each in sorted(shown)),
        open=tuple(places[:MAX_OPEN_PLACES]),
        allowed=(allowed or behaviour.permitted) if places else "",
    )


def check_file(
    path: str,
    before: str,
    after: str,
    behaviour: FixBehaviour,
    *,
    taken: NamesTaken,
    profile: TargetProfile,
) -> BehaviourCheck:
    """Check one file of a change against its rule's conditions.

    What is neither Python nor a workflow is open.
    """
    if WORKFLOW.has_suffix(path):
        return check_workflow(before, after, behaviour.unless)
    if not PYTHON.has_suffix(path):
        return BehaviourCheck(open=(_unchecked(before, after),))
    oldest = oldest_python(profile)
    return check_behaviour(path, before, after, behaviour.unless, taken=taken, oldest_python=oldest)


def _unchecked(before: str, after: str) -> OpenPlace:
    """Return the lines from the first to the last that differ, in a language without conditions."""
    old, new = split_lines(before), split_lines(after)
    first = next((n for n, (a, b) in enumerate(zip(old, new, strict=False), 1) if a != b), 1)
    return OpenPlace(first, max(len(old), first), NOT_CHECKED)


def oldest_python(profile: TargetProfile) -> tuple[int, int] | None:
    """Return the oldest Python that a target says it supports; None if it does not say."""
    specifiers = SpecifierSet(profile.environment.requires_python)
    versions = [(2, 7), *((3, minor) for minor in range(20))]
    admitted = [each for each in versions if specifiers.contains(f"{each[0]}.{each[1]}.99")]
    return admitted[0] if len(specifiers) and admitted else None
