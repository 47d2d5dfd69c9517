"""Stores how often the flaky tests of a target failed and passed on its heads."""

from collections.abc import Mapping

from services.validator.decision.rates import FailureRate
from services.validator.deps import ValidatorDeps
from shared.contracts.documents.runs import Flakiness
from shared.kernel.errors import Transient

MAX_SAVE_ATTEMPTS = 20
# Old observations count less: beyond so many of a test, all its counts are halved.
MAX_REMEMBERED_RUNS = 200


async def known_flaky(target_id: str, deps: ValidatorDeps) -> dict[str, FailureRate]:
    """Return the failure rates of the target's flaky tests on its heads."""
    known = await deps.store.flakiness.get(target_id)
    return {test: FailureRate(*counts) for test, counts in known.tests.items()} if known else {}


async def remember_flaky(
    target_id: str, head: str, observed: Mapping[str, FailureRate], deps: ValidatorDeps
) -> None:
    """Add how often flaky tests failed and passed on a head to the target's counts, once per head.

    Raises `Transient` if other processes keep writing the same counts.
    """
    if not observed:
        return
    for _ in range(MAX_SAVE_ATTEMPTS):
        known = await deps.store.flakiness.get(target_id)
        if known is None:
            await deps.store.flakiness.insert(Flakiness(id=target_id))
            continue
        if known.head == head:
            return
        added = {
            test: _add(FailureRate(*known.tests.get(test, (0, 0))), rate)
            for test, rate in observed.items()
        }
        changed = known.model_copy(update={"tests": dict(known.tests) | added, "head": head})
        if await deps.store.flakiness.save(changed):
            return
    raise Transient("Other processes are counting the flaky tests of this target.")


def _add(known: FailureRate, observed: FailureRate) -> tuple[int, int]:
    """Return the summed (failed, passed) counts of a test, halved if they are many."""
    failed, passed = known.failed + observed.failed, known.passed + observed.passed
    if failed + passed > MAX_REMEMBERED_RUNS:
        failed, passed = max(failed // 2, 1), passed // 2
    return failed, passed
