"""The port that measures how fast functions are."""

from typing import Protocol

from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.gains.domain.plan import GainPlan
from services.validator.suite.domain.reports import Infrastructure
from shared.environments.ports import Environment
from shared.targets.profile import TargetProfile


class FunctionBenchmarks(Protocol):
    """Compares functions of two trees, on inputs recorded while tests run."""

    async def compare(
        self,
        tree_oid: str,
        plan: GainPlan,
        profile: TargetProfile,
        environment: Environment,
        tests: tuple[str, ...] = (),
        *,
        target_id: str,
        base_oid: str,
    ) -> BenchmarkReport | Infrastructure:
        """Record the inputs in these tests (all if none) without the change, then compare.

        The tree is that with the change, `base_oid` that whose protected files judge it. Where no
        input can be recorded, the report has no rounds, and a note says so.
        """
        ...
