"""When a delivery is tried again, and when no more."""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.contracts.documents.webhooks import Delivery, DeliveryAttempt

# Eleven tries in a little more than a day, as Standard Webhooks recommends.
WAITS = tuple(
    timedelta(seconds=each) for each in (5, 30, 120, 600, 1800, 3600, 7200, 14400, 21600, 36000)
)
MAX_JITTER = 0.2
MAX_KEPT_ATTEMPTS = 12
# Longer than any try takes: then the process that sent it is gone.
SENDING_SECONDS = 60
GONE = 410
SLOW_DOWN = frozenset({429, 503})
MAX_RETRY_AFTER = timedelta(hours=12)


@dataclass(frozen=True)
class NextTry:
    """What follows from a try: the transition, and when it is due next. `why` it ended, if so."""

    trigger: str
    due_at: datetime
    why: str = ""


def after_attempt(
    delivery: Delivery, attempt: DeliveryAttempt, retry_after: float | None
) -> NextTry:
    """Return what follows from the newest try of a delivery, which is not counted in it yet."""
    if attempt.error == "" and 200 <= attempt.status < 300:  # noqa: PLR2004
        return NextTry("succeed", attempt.at)
    if attempt.status == GONE:
        return NextTry("give_up", attempt.at, "The receiver answered 410: it wants no more.")
    tries = delivery.tries + 1
    if tries > len(WAITS):
        return NextTry(
            "give_up", attempt.at, f"It failed {tries} times; the last: {_told(attempt)}"
        )
    wait = WAITS[tries - 1] * (1 + MAX_JITTER * jitter(delivery.id, tries))
    if attempt.status in SLOW_DOWN and retry_after is not None:
        wait = max(wait, min(timedelta(seconds=retry_after), MAX_RETRY_AFTER))
    due_at = attempt.at + wait
    if due_at > delivery.until:
        return NextTry("give_up", attempt.at, f"Its time is over; the last try: {_told(attempt)}")
    return NextTry("try_again", due_at)


def jitter(delivery_id: str, tries: int) -> float:
    """Return a number from 0 to 1 that spreads the tries of many deliveries."""
    digest = hashlib.sha256(f"{delivery_id}:{tries}".encode()).digest()
    return int.from_bytes(digest[:4], "big") / 0xFFFF_FFFF


def _told(attempt: DeliveryAttempt) -> str:
    """Return what came of a try, for people."""
    if attempt.error:
        return attempt.error
    moved = " (redirects are not followed)" if 300 <= attempt.status < 400 else ""  # noqa: PLR2004
    return f"status {attempt.status}{moved}."
