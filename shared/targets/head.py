"""Where work begins: the tip that patches are made against and landed on."""

from dataclasses import dataclass

from shared.contracts.documents.targets import Target
from shared.kernel.errors import Conflict
from shared.targets.mirror import Mirror


@dataclass(frozen=True)
class Head:
    """`commit` is the head; `base` the tip of the base branch; `landing` of the landing branch."""

    commit: str
    base: str
    landing: str | None
    note: str = ""


def find_head(mirror: Mirror, target: Target) -> Head:
    """The landing branch's tip while it has something the base lacks, else the base's tip.

    A landing branch that was merged is behind its base: the next landing moves it forward from
    there. So it is where the base has all of it under other commits, squashed or rebased.
    One that the base has left behind goes on where it is, and the note says so.
    Raises `Conflict` when the base branch is gone.
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
        f"{target.base_branch} has commits that {target.landing_branch} lacks; work goes on from "
        f"{target.landing_branch}. Merge {target.base_branch} into it to bring them together."
    )
    return Head(landing, base, landing, note)
