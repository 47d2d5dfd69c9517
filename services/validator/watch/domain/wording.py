"""What a check of what landed says to people, in sentences."""

from collections.abc import Sequence

from services.validator.watch.domain.watching import (
    Drifted,
    Healthy,
    Outcome,
    Regressed,
    Unmeasured,
    Unrepeated,
)

NAMED = 3


def sentence(probe: str, outcome: Outcome, culprits: Sequence[str], since: str) -> str:
    """What a probe found. `culprits` are the titles of those to blame, `since` is what the changes landed on."""
    match outcome:
        case Healthy():
            return f"{probe}: no worse."
        case Drifted(symptoms=symptoms):
            said = f"worse than at landing, and just so on {since[:10]} without the changes"
            return f"{probe}: {_listed(symptoms)} {said}; nobody is blamed for it."
        case Unrepeated(symptoms=symptoms):
            said = "worse for once; nobody is blamed for what does not repeat"
            return f"{probe}: {_listed(symptoms)} {said}."
        case Regressed(symptoms=symptoms, reason=reason):
            said = f"{_listed(symptoms)} worse than on {since[:10]}"
            if culprits:
                return f"{probe}: {said}, because of {' and '.join(map(repr, culprits))}."
            why = reason or "who brought it was taken off already"
            return f"{probe}: {said}; nobody is blamed: {why}."
        case Unmeasured(reason=reason):
            return f"{probe}: not measured ({reason})."


def why_taken_off(symptoms: Sequence[str], since: str) -> str:
    """The reason of an automatic rollback."""
    return (
        f"the watch after its landing found {_listed(symptoms)} worse than on {since[:10]}, "
        "with this change and not right before it"
    )


def too_late(made: int, checks: int) -> str:
    """A watch whose window ended before everything was measured."""
    done = "none" if not made else f"only {made}"
    return (
        f"Not measured: {done} of {checks} checks {'was' if made <= 1 else 'were'} made in the "
        "window after landing, and now it is over."
    )


def nothing_left() -> str:
    """A watch without anything to watch."""
    return "Nothing of it is on the landing branch as it landed any more."


def _listed(symptoms: Sequence[str]) -> str:
    named = ", ".join(symptoms[:NAMED])
    more = f" and {len(symptoms) - NAMED} more" if len(symptoms) > NAMED else ""
    return f"{named}{more} {'is' if len(symptoms) == 1 else 'are'}"
