"""Returns the impacted tests of changes, from the latest recording."""

import asyncio
from collections.abc import Collection, Mapping, Sequence

from services.validator.deps import ValidatorDeps
from services.validator.impact.domain.impact import impacted_tests
from services.validator.impact.usecases.recordings import (
    Recorded,
    changes_between,
    latest_recording,
)
from services.validator.prepared import PreparedHead
from shared.contracts.documents.enhancements import Enhancement


async def impact_of(
    changes: Sequence[Enhancement],
    steps: Sequence[tuple[str, str]],
    prepared: PreparedHead,
    deps: ValidatorDeps,
    present: Collection[str] = (),
) -> Mapping[str, frozenset[str] | None]:
    """Return by change the tests that it can affect; None is all of them, or unknown.

    `steps` are those of a composition on the head, (change, tree after it), and `present` are the
    tests that the head has.
    """
    recorded = await latest_recording(prepared, deps)
    if recorded is None:
        return {each.id: None for each in changes}
    ids = {each.id for each in changes}
    return await asyncio.to_thread(_impact_of, ids, steps, prepared, recorded, present)


def _impact_of(
    ids: Collection[str],
    steps: Sequence[tuple[str, str]],
    prepared: PreparedHead,
    recorded: Recorded,
    present: Collection[str],
) -> dict[str, frozenset[str] | None]:
    """Return by change the tests that it can affect on those before it; None is all. Blocks."""
    found: dict[str, frozenset[str] | None] = dict.fromkeys(ids)
    before = prepared.tree
    for change, after in steps:
        if change in ids:
            differing = changes_between(prepared, recorded, before, after)
            found[change] = impacted_tests(recorded.map, differing, present)
        before = after
    return found
