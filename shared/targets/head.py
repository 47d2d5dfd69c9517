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
        f"{target.base_branch} has commits that {target.landing_branch} lacks; work continues from "
        f"{target.landing_branch}. Merge {target.base_branch} into it to bring them together."
    )
    return Head(landing, base, landing, note)
