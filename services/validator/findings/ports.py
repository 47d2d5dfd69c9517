"""What measures findings on pairs of trees."""

from collections.abc import Sequence
from typing import Protocol

from services.validator.findings.domain import MeasuredPair, TreePair
from shared.targets.profile import TargetProfile


class Detectors(Protocol):
    """The detectors of the registered agent types that run nothing of a target."""

    async def measure_pairs(
        self, target_id: str, head: str, profile: TargetProfile, pairs: Sequence[TreePair]
    ) -> Sequence[MeasuredPair]:
        """Measure by its detectors the unprotected files in which each pair differs, in order.

        What the target configures counts as it stands on `head`, before and after. Raises
        `Rejected` where that configuration cannot be used.
        """
        ...
