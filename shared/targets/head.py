"""The head of a target: the commit that patches are made against and landed on."""

from dataclasses import dataclass

from shared.contracts.documents.targets import Target
from shared.kernel.errors import Conflict
from shared.targets.mirror import Mirror


@dataclass(frozen=True)
class Head:
    """The head (`commit`), the tips of the base and landing branches, and a note for the user."""

    commit: str
    base: str
    landing: str | None
    note: str = ""


def find_head(mirror: Mirror, target: Target) -> Head:
    """Return the landing branch's tip while it adds something to the base, else the base's tip.

    A landing branch that was merged into its base, squashed or rebased included, adds nothing; the
    next landing moves it forward to the base. Where the two have diverged, the landing branch's tip
    is the head, and the note tells the user. Raises `Conflict` when the base branch is gone.
    """
    base = mirror.branch(target.base_branch)
    if base is None:
        raise Conflict(
            f"{target.location} has no branch {target.base_branch} any more.",
            hint="Start a wave on a branch that exists.",
            code="no_base",
        )
    landing = mirror.branch(target.landing_branch)
    if landing is None or mirror.is_ancestor(landing, base):
        return Head(base, base, landing)
    if mirror.is_ancestor(base, landing):
        return Head(landing, base, landing)
    if mirror.is_merged_into(landing, base):
        return Head(base, base, landing)
    note = (
        f"{target.base_branch} has commits that {target.landing_branch} lacks. They are not looked "
        f"at: work continues from {target.landing_branch}. Merge that into {target.base_branch}, "
        "and the next wave looks at both."
    )
    return Head(landing, base, landing, note)


def replaced_reason(mirror: Mirror, target: Target, commit: str) -> str | None:
    """Return why work on a commit of the target cannot land there, in words; None if it can.

    It cannot once another repository is at the target's location: one in which neither the commit
    nor the target's root commit shares history with the base branch as last fetched.
    """
    if any(mirror.has_history_of(target, each) for each in (commit, target.root_commit)):
        return None
    return (
        f"the repository at {target.location} is not the one it was made for: "
        f"{target.base_branch} shares no history with {commit[:10]}, as after the repository was "
        "deleted and created anew; start a new wave to have this one improved"
    )
