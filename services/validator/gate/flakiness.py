"""Tests that are known to be flaky: how often they failed and passed on trees that nothing was done to."""

from collections.abc import Mapping

from services.validator.decision.rates import Rate
from services.validator.deps import ValidatorDeps
from shared.contracts.documents.runs import Flakiness
from shared.kernel.errors import Transient

TRIES = 20
# What was seen long ago counts less: beyond so many looks at a test all its counts are halved.
REMEMBERED = 200


async def known_flaky(target_id: str, deps: ValidatorDeps) -> dict[str, Rate]:
    """By test its rate on heads of the target."""
    known = await deps.store.flakiness.get(target_id)
    return {test: Rate(*counts) for test, counts in known.tests.items()} if known else {}


async def remember_flaky(
    target_id: str, head: str, seen: Mapping[str, Rate], deps: ValidatorDeps
) -> None:
    """Add what was seen on a head, once per head."""
    if not seen:
        return
    for _ in range(TRIES):
        known = await deps.store.flakiness.get(target_id)
        if known is None:
            await deps.store.flakiness.insert(Flakiness(id=target_id))
            continue
        if known.head == head:
            return
        tests = dict(known.tests) | {
            test: _added(Rate(*known.tests.get(test, (0, 0))), rate) for test, rate in seen.items()
        }
        if await deps.store.flakiness.save(known.model_copy(update={"tests": tests, "head": head})):
            return
    raise Transient("The flaky tests of the target are being counted by others.")


def _added(known: Rate, seen: Rate) -> tuple[int, int]:
    failed, passed = known.failed + seen.failed, known.passed + seen.passed
    if failed + passed > REMEMBERED:
        failed, passed = max(failed // 2, 1), passed // 2
    return failed, passed
