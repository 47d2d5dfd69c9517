"""Which changes land only with a person's word, and what that word is good for."""

from shared.contracts.documents import Enhancement, Protection
from shared.targets.components import is_protected
from shared.targets.config import TargetConfig


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
