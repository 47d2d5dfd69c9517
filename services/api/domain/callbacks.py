"""What a callback waits for, and what it tells."""

from datetime import datetime, timedelta

from shared.contracts.answers import CallbackBody
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.webhooks import Awaited, Delivery
from shared.contracts.states import ENHANCEMENT, EnhancementState

# The limit of what receivers commonly take; larger reports are left to be fetched.
MAX_BODY_BYTES = 64_000
DECIDED = frozenset({EnhancementState.APPLIED, EnhancementState.NEEDS_APPROVAL})
# How long a refusal that stood before may be the answer to an older request.
SETTLING = timedelta(minutes=1)


def is_decided(change: Enhancement, waiting: Delivery, now: datetime) -> bool:
    """Return whether what a callback waits for has become of a change."""
    awaited = waiting.awaited or Awaited()
    if change.state is EnhancementState.APPLIED and awaited.action == "rollback":
        refusal = change.landing.rollback_refusal
        settled = now - waiting.created_at >= SETTLING
        return bool(refusal) and (refusal != awaited.refusal or settled)
    if change.state is EnhancementState.NEEDS_APPROVAL and awaited.action == "land":
        # It was approved, and needs another approval since.
        return change.changed_at > waiting.created_at
    return change.state in DECIDED or bool(ENHANCEMENT.terminal(change.state))


def encode_callback(body: CallbackBody) -> str:
    """Return a callback's body as JSON, without its report where that is too large."""
    text = body.model_dump_json(exclude_none=True)
    if len(text.encode()) <= MAX_BODY_BYTES:
        return text
    note = "The report is too large for a callback; fetch it at report_url."
    return body.model_copy(update={"report": None, "note": note}).model_dump_json(exclude_none=True)


def gave_up(awaited: Awaited, at: datetime) -> CallbackBody:
    """Return what is told of a wave that did not start in time."""
    return CallbackBody(
        kind="wave",
        wave_id=awaited.wave_id,
        state="failed",
        note="The wave did not start; the dead letters have the reason.",
        at=at,
    )
