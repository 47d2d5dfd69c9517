"""The sentences that report a check of landed changes to people."""

from collections.abc import Sequence

from services.validator.watch.domain.watching import (
    Drifted,
    Healthy,
    NotRepeated,
    Outcome,
    Regressed,
    Unmeasured,
)

MAX_NAMED = 3


def sentence(probe: str, outcome: Outcome, culprits: Sequence[str], since: str) -> str:
    """Return a sentence on what a probe found.

    `culprits` are the titles of the blamed changes, `since` is the commit that they landed on.
    """
    match outcome:
        case Healthy():
            return f"{probe}: no worse."
        case Drifted(symptoms=symptoms):
            state = f"worse than at landing, and just as bad on {since[:10]} without the changes"
            return f"{probe}: {_listed(symptoms)} {state}; no change is blamed."
        case NotRepeated(symptoms=symptoms):
            state = "worse once; no change is blamed for what does not repeat"
            return f"{probe}: {_listed(symptoms)} {state}."
        case Regressed(symptoms=symptoms, reason=reason):
            state = f"{_listed(symptoms)} worse than on {since[:10]}"
            if culprits:
                return f"{probe}: {state}, because of {' and '.join(map(repr, culprits))}."
            why = reason or "the culprit was rolled back already"
            return f"{probe}: {state}; no change is blamed: {why}."
        case Unmeasured(reason=reason):
            return f"{probe}: not measured ({reason})."


def rollback_reason(symptoms: Sequence[str], since: str) -> str:
    """Return the reason of an automatic rollback, which names the symptoms that the watch found."""
    return (
        f"the watch after its landing found {_listed(symptoms)} worse than on {since[:10]}, "
        "with this change and not right before it"
    )


def window_missed_note(made: int, checks: int) -> str:
    """Return a sentence on a watch whose window ended before all checks were made."""
    done = "none" if not made else f"only {made}"
    return (
        f"Not measured: {done} of {checks} checks {'was' if made <= 1 else 'were'} made in the "
        "window after landing, and now it is over."
    )


def nothing_left_note() -> str:
    """Return a sentence on a watch none of whose changes is still on the branch."""
    return "None of its changes is on the landing branch as it landed any more."


def _listed(symptoms: Sequence[str]) -> str:
    """Name the first symptoms and count the others, followed by "is" or "are"."""
    named = ", ".join(symptoms[:MAX_NAMED])
    more = f" and {len(symptoms) - MAX_NAMED} more" if len(symptoms) > MAX_NAMED else ""
    return f"{named}{more} {'is' if len(symptoms) == 1 else 'are'}"
