"""Which changes land only with a person's word, and what that word is good for."""

import doctest
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.protection import Protection
from shared.targets.config import TargetConfig
from shared.targets.languages import PYTHON
from shared.targets.paths import is_protected

# What code asks for only to know that it is being tested, or by whom.
AWARE = re.compile(r"PYTEST_|\b_?pytest\b|GROUNDSWELL_|groundswell_in_target")
LONGEST = 120


def asks(change: Enhancement, config: TargetConfig, *, tier: str, trusted: bool) -> str:
    """Why this change needs a person, in a sentence; empty where it needs none."""
    if not trusted:
        return f"its tests ran in sandbox {tier}, which isolates too little to be believed alone"
    policy = config.policy
    if policy.approval == "all":
        return "the policy of the target asks for every change"
    if policy.approval == "unsafe" and not change.proposal.fix.safe:
        return "its fix may change behaviour, and the policy of the target asks for such changes"
    touched = [each for each in change.proposal.files if is_protected(each, config)]
    if touched:
        return f"it touches what judges it: {', '.join(touched)}"
    return ""


def asks_unprotected(
    change: Enhancement, protection: Protection | None, config: TargetConfig
) -> str:
    """Why a person has to look at what the tests would not: the fault that stayed green, in a sentence.

    What cannot be measured in such a target at all asks nobody, or every change there would.
    """
    policy = config.policy.unprotected
    if protection is None or protection.state not in {"unprotected", "unknown"}:
        return ""
    if policy == "allow" or (policy == "safe" and change.proposal.fix.safe):
        return ""
    return f"it is unprotected: {protection.summary}"


def asks_uncovered(protection: Protection | None) -> str:
    """Why a person has to look, whatever the policy on what is unprotected: tests were there, and are no more."""
    found = protection.uncovered if protection is not None else ()
    if not found:
        return ""
    first, more = found[0], f", and {len(found) - 1} more" if len(found) > 1 else ""
    said = f"no test reaches `{first.function}` any more, and {first.tests_before} did before{more}"
    return f"it lowers coverage: {first.path}: {said}"


@dataclass(frozen=True)
class Edited:
    """A file that a change has touched. `tests` are those of the head's suite that are in that very file."""

    path: str
    before: str
    after: str
    tests: frozenset[str] = frozenset()


def asks_edited(files: Sequence[Edited], config: TargetConfig) -> str:
    """Why a person has to look at what a change does to what judges it, though no path says so; a sentence."""
    for each in files:
        if not is_protected(each.path, config) and (why := _aware(each) or _told_otherwise(each)):
            return why
    return ""


def _aware(file: Edited) -> str:
    """Code that may behave for the tests alone.

    No run can tell. Who wants to hide it can; who was only rewarded for green tests rarely does.
    """
    known = set(file.before.splitlines())
    for line in file.after.splitlines() if PYTHON.has_suffix(file.path) else ():
        if line not in known and AWARE.search(line):
            return f"it asks whether it is being tested, in {file.path}: `{line.strip()[:LONGEST]}`"
    return ""


def _told_otherwise(file: Edited) -> str:
    """Tests beside the code, and examples in its docstrings: a change that may edit them is right by its own word."""
    if not file.tests:
        return ""
    if any("." not in each for each in file.tests):
        return f"there are tests in {file.path}, which it touches"
    gone = _examples(file.before) - _examples(file.after)
    if not gone:
        return ""
    source, *_ = min(gone)
    return f"it changes an example that is a test, in {file.path}: `{source.strip()[:LONGEST]}`"


def _examples(text: str) -> Counter[tuple[str, str, str]]:
    """What is tried and what is expected of it; where that cannot be read, all of the text."""
    try:
        found = doctest.DocTestParser().get_examples(text)
    except ValueError:
        return Counter([(text, "", "")])
    return Counter((each.source, each.want, str(sorted(each.options.items()))) for each in found)


def lapsed(change: Enhancement, base: str) -> str:
    """Why the approval that it has is not good for it any more; empty where it is, or there is none."""
    approval = change.decision.approval
    if approval is None:
        return ""
    if approval.patch != change.proposal.required_patch.digest:
        return "its patch changed since it was approved"
    if approval.base != base:
        return f"the base branch moved to {base[:10]} since it was approved"
    return ""
