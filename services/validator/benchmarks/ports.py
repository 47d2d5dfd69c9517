"""What runs a target's benchmarks."""

from typing import Protocol

from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.suite.domain.reports import Infrastructure
from shared.environments.ports import Environment
from shared.targets.config import BenchSection
from shared.targets.profile import TargetProfile


class Benchmarks(Protocol):
    """Runs a target's benchmarks on two trees in turn. It needs the machine for itself."""

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
        """Head and candidate, round after round until every benchmark, or each with these names, is answered.

        What says how it is measured is as on the head in both.
        """
        ...
