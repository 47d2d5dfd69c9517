"""What runs a target's tests."""

from typing import Protocol

from services.validator.suite.domain.reports import RunOutcome
from shared.environments.ports import Environment
from shared.targets.profile import TargetProfile


class Suite(Protocol):
    """Runs a target's tests."""

    async def run(
        self,
        tree_oid: str,
        profile: TargetProfile,
        environment: Environment,
        tests: tuple[str, ...] = (),
        *,
        target_id: str,
        base_oid: str = "",
        repeat: int = 1,
        record: bool = False,
    ) -> RunOutcome:
        """Run the tests that the tree `base_oid` has over a tree, all of them or only those with these ids.

        Tests that only the tree has are run too. With `repeat` each is run so often, and its worst
        outcome counts; with `record` it is recorded as well which functions each test reaches.

        An id that the tree does not have is simply not in the report.
        """
        ...
