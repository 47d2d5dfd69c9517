"""The states of proposed changes."""

from enum import StrEnum

from shared.contracts.states.machine import Machine


class EnhancementState(StrEnum):
    """proposed → cleared → validating → validated → applied → rolled_back, and the ways out."""

    PROPOSED = "proposed"
    CONFLICTING = "conflicting"
    CLEARED = "cleared"
    VALIDATING = "validating"
    VALIDATED = "validated"
    NEEDS_APPROVAL = "needs_approval"
    APPLIED = "applied"
    ROLLED_BACK = "rolled_back"
    REJECTED = "rejected"
    SUPERSEDED = "superseded"
    EXPIRED = "expired"
    ADVISORY = "advisory"


E = EnhancementState

ENHANCEMENT = Machine(
    "enhancement",
    E.PROPOSED,
    {
        (E.PROPOSED, "clear"): E.CLEARED,
        # It waits for another one, which it overlaps; the gate has not begun with it.
        (E.PROPOSED, "conflict"): E.CONFLICTING,
        (E.CLEARED, "conflict"): E.CONFLICTING,
        (E.CONFLICTING, "clear"): E.CLEARED,
        (E.PROPOSED, "advise"): E.ADVISORY,
        (E.CLEARED, "validate"): E.VALIDATING,
        (E.VALIDATING, "pass"): E.VALIDATED,
        (E.VALIDATED, "land"): E.APPLIED,
        (E.APPLIED, "roll_back"): E.ROLLED_BACK,
        # The head moved or the gate was interrupted: the change is queued again.
        (E.VALIDATING, "requeue"): E.CLEARED,
        (E.VALIDATED, "requeue"): E.CLEARED,
        (E.VALIDATING, "request_approval"): E.NEEDS_APPROVAL,
        (E.NEEDS_APPROVAL, "approve"): E.CLEARED,
        **{
            (state, "reject"): E.REJECTED
            for state in (E.PROPOSED, E.CONFLICTING, E.CLEARED, E.VALIDATING, E.NEEDS_APPROVAL)
        },
        **{
            (state, "supersede"): E.SUPERSEDED
            for state in (E.PROPOSED, E.CONFLICTING, E.CLEARED, E.VALIDATING, E.NEEDS_APPROVAL)
        },
        **{
            (state, "expire"): E.EXPIRED
            for state in (E.PROPOSED, E.CONFLICTING, E.CLEARED, E.VALIDATING, E.NEEDS_APPROVAL)
        },
    },
)
