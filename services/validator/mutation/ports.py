"""What runs a target's tests against mutants."""

from typing import Protocol

from services.validator.mutation.domain.plan import MutationReport
from services.validator.suite.domain.reports import Infrastructure
from shared.environments.ports import Environment
from shared.targets.profile import TargetProfile


class Faults(Protocol):
    """Tries faults that were planted in a target's code: whether its tests notice them."""

    async def try_out(
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
        """Try each fault of a plan (`MutationPlan.to_json`) on a tree, with all tests or those with these ids."""
        ...
