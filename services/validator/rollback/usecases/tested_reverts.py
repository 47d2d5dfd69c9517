"""Finding out what has to be reverted together, so that the rest passes its tests."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from services.validator.decision.comparison import worse_tests
from services.validator.deps import ValidatorDeps
from services.validator.git.ports import TargetRepository
from services.validator.prepared import PreparedHead
from services.validator.rollback.domain import (
    RevertConflictError,
    RevertibleChange,
    RevertPlan,
    plan_reverts,
)
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.reports import read_report
from services.validator.runs.usecases.request import run_tests
from services.validator.suite.domain.reports import TestReport
from shared.contracts.base import RunPurpose
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Rejected


class RollbackRefusedError(Exception):
    """Nothing can be rolled back, for this reason.

    `tests` would fail after it; `dependents` would have to be rolled back as well.
    """

    def __init__(
        self, reason: str, tests: Sequence[str] = (), dependents: Sequence[Enhancement] = ()
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.tests = tuple(tests)
        self.dependents = tuple(dependents)


@dataclass(frozen=True)
class RollbackRequest:
    """Which changes to roll back, why, and whether their dependents may be rolled back as well.

    `automatic` marks a rollback that no person requested. A `repetition` other than 0 runs known
    trees again: a test's result of today must not be compared with that of the day of landing.
    """

    id: str
    target: Target
    wave_id: str
    changes: Sequence[Enhancement]
    reason: str
    dependents: bool
    automatic: bool = False
    repetition: int = 0


@dataclass(frozen=True)
class LandedStack:
    """The landed changes at one head of the landing branch, newest first, and their commits."""

    target: Target
    repository: TargetRepository
    prepared: PreparedHead
    changes: Sequence[Enhancement]
    commits: dict[str, str] = field(default_factory=dict)

    def plan_reverts(self, chosen: Sequence[str]) -> RevertPlan:
        """Plan to revert these changes, and later ones in the way. Raises `RevertConflictError`."""
        landed = [
            RevertibleChange(each.id, self.commits[each.id], each.proposal.files)
            for each in self.changes
        ]
        return plan_reverts(self.prepared.tree, landed, chosen, self.repository.revert)


async def find_passing_plan(
    request: RollbackRequest, stack: LandedStack, chosen: Sequence[str], deps: ValidatorDeps
) -> tuple[RevertPlan, tuple[str, ...]]:
    """Return a revert plan after which no test is worse than on the head.

    Beside it are the tests that got worse with `chosen` alone, so that later changes are reverted
    as well. Raises `RollbackRefusedError` if there is no such plan.
    """
    plan = await _plan_reverts(stack, chosen)
    worse = await _worse_tests(request, stack, plan, (), deps)
    if not worse:
        return plan, ()
    oldest = max(n for n, each in enumerate(stack.changes) if each.id in set(chosen))
    later = [each.id for each in stack.changes[:oldest] if each.id not in set(plan.order)]

    async def passes(extra: Sequence[str]) -> bool:
        """Return true if the worse tests pass once these later changes are reverted too."""
        longer = await _plan_reverts(stack, [*plan.order, *extra])
        return not await _worse_tests(request, stack, longer, worse, deps)

    if not later or not await passes(later):
        raise RollbackRefusedError(f"without it {len(worse)} tests that pass now would fail", worse)
    needed = await _smallest_sufficient(later, passes)
    plan = await _plan_reverts(stack, [*plan.order, *needed])
    still = await _worse_tests(request, stack, plan, (), deps)
    if still:
        raise RollbackRefusedError(f"without it {len(still)} tests that pass now would fail", still)
    return plan, worse


async def _smallest_sufficient(
    later: Sequence[str], passes: Callable[[Sequence[str]], Awaitable[bool]]
) -> list[str]:
    """Return as much of `later` as the tests need to pass, and no more, found by bisection.

    All of `later` together is known to be enough.
    """
    needed: list[str] = []
    pool = list(later)
    while not await passes(needed):
        low, high = 1, len(pool)
        while low < high:
            middle = (low + high) // 2
            if await passes([*needed, *pool[:middle]]):
                high = middle
            else:
                low = middle + 1
        needed.append(pool[low - 1])
        pool = pool[: low - 1]
    return needed


async def _plan_reverts(stack: LandedStack, chosen: Sequence[str]) -> RevertPlan:
    """Plan to revert changes. Raises `RollbackRefusedError` if foreign commits are in the way."""
    try:
        return await asyncio.to_thread(stack.plan_reverts, chosen)
    except RevertConflictError as error:
        raise RollbackRefusedError(
            "later commits, not all of them ours, changed the same lines of "
            f"{', '.join(error.paths)}; revert those first"
        ) from error


async def _worse_tests(
    request: RollbackRequest,
    stack: LandedStack,
    plan: RevertPlan,
    tests: Sequence[str],
    deps: ValidatorDeps,
) -> tuple[str, ...]:
    """Return the tests that are worse after the reverts than on the head; only `tests` if given.

    Without `tests`, those must be worse in a second run too. What was edited with approval is
    reverted with it, so tests that only came with these changes may vanish. Raises
    `RollbackRefusedError`.
    """
    head = stack.prepared
    reverted = await asyncio.to_thread(head.changed_protected_files, plan.tree)

    async def run(run_request: RunRequest) -> TestReport:
        """Return the report of a run. Raises `RollbackRefusedError` if it gives none."""
        wave_id = request.wave_id or request.changes[0].wave_id
        try:
            finished = await run_tests(deps, head, run_request, wave_id=wave_id)
        except Rejected as error:
            raise RollbackRefusedError(f"its revert could not be tested: {error}") from error
        if finished.result.outcome == "infrastructure":
            raise RollbackRefusedError(f"its revert could not be tested: {finished.result.detail}")
        return await read_report(finished, deps)

    async def worse_of(tests: Sequence[str], again: int = 0) -> tuple[str, ...]:
        """Return which of these tests, or of all without any, are worse after the reverts."""
        number = request.repetition + again
        purpose, tree = RunPurpose.ROLLBACK, plan.tree
        order = RunRequest(tree, purpose, plan.order, tests, number, approved=reverted)
        found, requested = (await run(order)).outcomes, tuple(tests) or None
        worse = worse_tests(base.outcomes, found, requested=requested, approved=reverted)
        return tuple(sorted(worse))

    order = RunRequest(head.tree, RunPurpose.BASELINE, repetition=request.repetition)
    base = await run(order)
    worse = await worse_of(tests)
    # A test that fails once may be flaky, and must not keep a harmful change on the branch.
    return worse if tests or not worse else await worse_of(worse, again=1)
