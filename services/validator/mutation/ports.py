"""What runs a target's tests against mutants."""

from typing import Protocol

from services.validator.mutation.domain.plan import MutationReport
from services.validator.suite.domain.reports import Infrastructure
from shared.environments.ports import Environment
from shared.targets.profile import TargetProfile


class MutationRunner(Protocol):
    """Runs a target's tests against the mutants of a plan."""

    async def run(
        self,
        tree_oid: str,
        plan: str,
        profile: TargetProfile,
        environment: Environment,
        tests: tuple[str, ...] = (),
        *,
        target_id: str,
        base_oid: str = "",
    ) -> MutationReport | Infrastructure:
        """Try each mutant of a plan (`MutationPlan.to_json`) on a tree, with all tests or these.

        Returns `Infrastructure` if the session with the mutants gave no whole report.
        """
        ...
