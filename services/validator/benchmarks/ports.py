"""The port that runs a target's benchmarks."""

from typing import Protocol

from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.suite.domain.reports import Infrastructure
from shared.environments.ports import Environment
from shared.targets.config import BenchSection
from shared.targets.profile import TargetProfile


class Benchmarks(Protocol):
    """Runs a target's benchmarks on two trees in turn; nothing else may run beside it."""

    async def compare(
        self,
        trees: tuple[str, str],
        profile: TargetProfile,
        environment: Environment,
        bench: BenchSection,
        names: tuple[str, ...] = (),
        *,
        target_id: str,
    ) -> BenchmarkReport | Infrastructure:
        """Compare head and candidate (`trees`) until more pairs would not help or take too long.

        A candidate whose command alone fails each time gives a report, in which all are gone; other
        failures are `Infrastructure`. With `names` only those benchmarks count. The files that
        define the benchmarks are those of the head in both trees.
        """
        ...
