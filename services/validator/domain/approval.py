"""Which changes land only with a person's word, and what that word is good for."""

import re

from shared.contracts.documents import Enhancement, Protection
from shared.targets.components import is_protected
from shared.targets.config import TargetConfig
from shared.targets.patches import Hunk, parse_patch

# What code asks for only to know that it is being tested, or by whom.
AWARE = re.compile(rb"PYTEST_|\b_?pytest\b|GROUNDSWELL_|groundswell_inside")


def asks(change: Enhancement, config: TargetConfig, *, tier: str, trusted: bool) -> str:
    """Why this change needs a person, in a sentence; empty where it needs none."""
    if not trusted:
        return f"its tests ran in sandbox {tier}, which isolates too little to be believed alone"
    policy = config.policy
    if policy.approval == "all":
        return "the policy of the target asks for every change"
    if policy.approval == "unsafe" and not change.safe:
        return "its fix may change behaviour, and the policy of the target asks for such changes"
    touched = [each for each in change.files if is_protected(each, config)]
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
    if policy == "allow" or (policy == "safe" and change.safe):
        return ""
    return f"it is unprotected: {protection.sentence}"


def asks_aware(patch: str, config: TargetConfig) -> str:
    """Why a person has to look at code that may behave for the tests alone, in a sentence.

    No run can tell. Who wants to hide it can; who was only rewarded for green tests rarely does.
    """
    for each in parse_patch(patch):
        if each.path.endswith(".py") and not is_protected(each.path, config):
            for line in (line for hunk in each.hunks for line in _added(hunk)):
                if AWARE.search(line):
                    said = line.decode(errors="replace").strip()[:120]
                    return f"it asks whether it is being tested, in {each.path}: `{said}`"
    return ""


def _added(hunk: Hunk) -> list[bytes]:
    return [each for each in hunk.new if each not in hunk.old]


def lapsed(change: Enhancement, base: str) -> str:
    """Why the approval that it has is not good for it any more; empty where it is, or there is none."""
    approval = change.approval
    if approval is None:
        return ""
    if approval.patch != change.patch:
        return "its patch changed since it was approved"
    if approval.base != base:
        return f"the base branch moved to {base[:10]} since it was approved"
    return ""
