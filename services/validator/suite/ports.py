"""The port through which the validator runs a target's tests."""

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
        approved: tuple[str, ...] = (),
    ) -> RunOutcome:
        """Run tests on a tree and return their report, or why there is none that can be trusted.

        `tests` are the ids to run, empty for all; an id that the tree does not have is missing
        from the report. Test files come from the tree `base_oid`, if it is given, except those
        that only `tree_oid` has, and those that are `approved`. Each test runs `repeat` times and
        its worst outcome counts. With `record`, the functions that each test reaches are recorded
        too.
        """
        ...
