"""The breaker of infinite mode: what fails again and again is not tried again at once."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from services.coordinator.domain.waves import NUMBERS
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.infinite import Breaker
from shared.contracts.states import EnhancementState

FIRST_PAUSE, MAX_PAUSE = timedelta(minutes=5), timedelta(hours=4)
FAILURES = 2


def after_failure(breaker: Breaker, reason: str) -> Breaker:
    """Return the breaker after a wave failed, or could not be started, for a reason."""
    signature = NUMBERS.sub("", reason)
    same = signature == breaker.signature
    failures = breaker.failures + 1 if same else 1
    return breaker.model_copy(update={"signature": signature, "failures": failures})


def after_changes(breaker: Breaker, changes: Sequence[Enhancement]) -> Breaker:
    """Return the breaker after a wave that did not fail, with the changes that it proposed."""
    refusals, landed = breaker.refusals, False
    for change in sorted(changes, key=lambda each: each.finished_at or each.changed_at):
        if change.state is EnhancementState.REJECTED:
            refusals += 1
        elif change.state is EnhancementState.APPLIED:
            refusals, landed = 0, True
    openings = 0 if landed else breaker.openings
    return Breaker(refusals=refusals, openings=openings)


def reason_to_open(breaker: Breaker, *, max_refusals: int) -> str:
    """Return why the breaker is to open, as a sentence; empty if it is not."""
    if breaker.failures >= FAILURES:
        return f"Waves failed {breaker.failures} times for the same reason: {breaker.signature}"
    if breaker.refusals >= max_refusals:
        return f"{breaker.refusals} changes in a row were refused."
    return ""


def opened(breaker: Breaker, reason: str, *, now: datetime, until: datetime | None) -> Breaker:
    """Return the breaker, open until a time: by default for twice as long as the time before."""
    pause = min(FIRST_PAUSE * 2 ** min(breaker.openings, 10), MAX_PAUSE)
    changes = {
        "reason": reason,
        "until": until or now + pause,
        "openings": breaker.openings + (until is None),
    }
    return breaker.model_copy(update=changes)


def half_open(breaker: Breaker, *, max_refusals: int) -> Breaker:
    """Return the closed breaker, which opens again at the next failure or refusal like those."""
    changes = {
        "failures": min(breaker.failures, FAILURES - 1),
        "refusals": min(breaker.refusals, max_refusals - 1),
        "reason": "",
        "until": None,
    }
    return breaker.model_copy(update=changes)
