"""Which of the requested runs to start beside those that are still running."""

from collections.abc import Collection, Sequence

from services.validator.decision.evidence import RequestedRun
from services.validator.decision.evidence_log import covers
from shared.contracts.base import RunPurpose


def runs_to_start(
    requested: Sequence[RequestedRun], running: Collection[RequestedRun]
) -> list[RequestedRun]:
    """Return the requested runs that none of the running ones answers.

    Parts of a batch are chosen together, for what is known at the time. What those that still run
    will show makes for better ones, so new ones wait for them.
    """
    is_dividing = any(each.purpose is RunPurpose.BISECTION for each in running)
    return [
        each
        for each in requested
        if not (is_dividing and each.purpose is RunPurpose.BISECTION)
        and not any(_answers(other, each) for other in running)
    ]


def _answers(running: RequestedRun, requested: RequestedRun) -> bool:
    """Return true if a run covers the tests of another one, with the same changes."""
    one, other = running.plan, requested.plan
    if one == other:
        return True
    is_alike = (one.changes, one.repetition, one.repeat) == (
        other.changes,
        other.repetition,
        other.repeat,
    )
    return is_alike and bool(other.tests) and all(covers(one.tests, each) for each in other.tests)
