"""What measures findings on two trees."""

from collections.abc import Sequence
from typing import Protocol

from services.validator.findings.domain import Look
from shared.targets.profile import TargetProfile


class Detectors(Protocol):
    """The detectors of the agents. They read a target and run nothing of it. Everything in it blocks."""

    def look(
        self, target_id: str, head: str, profile: TargetProfile, pairs: Sequence[tuple[str, str]]
    ) -> Sequence[tuple[Look, Look]]:
        """Of each (tree before, tree after): the sources in which they differ, as each has them.

        How the target wants to be looked at is read from `head`. Raises `Rejected` where that cannot be.
        """
        ...
