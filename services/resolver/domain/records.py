"""What is recorded of an overlap, and what is said about it to people."""

from collections.abc import Collection
from datetime import datetime

from services.resolver.domain.conflicts import Overlap, outcome_of
from shared.contracts.documents.conflicts import (
    REASON_PREFIX,
    ConflictKind,
    ConflictOutcome,
    ConflictParticipant,
    ConflictResolution,
)
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.states import EnhancementState

MAX_NAMED_FILES = 3
REASONS = {
    ConflictKind.DISJOINT_HUNKS: "both change {}, in different places",
    ConflictKind.IDENTICAL: "both make the same edits in {}",
    ConflictKind.CONTAINED: "one makes every edit that the other makes in {}",
    ConflictKind.TEXTUAL: "both rewrite the same lines of {}, or lines next to each other",
    ConflictKind.SIGNATURE: "one changes how a function is called that the other calls, in {}",
    ConflictKind.BUILDS_ON: "one was made on top of the other in {}",
}
ENDINGS = {
    ConflictOutcome.SUPERSEDED: "supersede",
    ConflictOutcome.REMADE: "expire",
    ConflictOutcome.SENT_BACK: "expire",
    ConflictOutcome.LEFT_TO_PERSON: "expire",
}


def record_of(overlap: Overlap, *, now: datetime) -> ConflictResolution:
    """Return the record of an overlap, with its outcome if that is certain already."""
    first, second = overlap.first, overlap.second
    files = _files(first, second)
    outcome = outcome_of(overlap.kind, overlap.strategy, first.state, second.state)
    return ConflictResolution(
        id=":".join(sorted((first.id, second.id))),
        target_id=first.target_id,
        waves=tuple(dict.fromkeys((first.wave_id, second.wave_id))),
        first=_participant(first),
        second=_participant(second),
        kind=overlap.kind,
        strategy=overlap.strategy,
        outcome=outcome,
        reason=REASONS[overlap.kind].format(_named(files)),
        files=files,
        found_at=now,
        resolved_at=None if outcome is None else now,
    )


def resolved(
    record: ConflictResolution,
    first: EnhancementState,
    second: EnhancementState,
    *,
    now: datetime,
) -> ConflictResolution | None:
    """Return a record with its outcome, by the states of both proposals; None while one waits."""
    outcome = outcome_of(record.kind, record.strategy, first, second)
    if outcome is None:
        return None
    return record.model_copy(update={"outcome": outcome, "resolved_at": now})


def ending(records: Collection[ConflictResolution]) -> ConflictResolution | None:
    """Return the first of a proposal's records whose outcome ends it, if there is one."""
    return next((each for each in records if each.outcome in ENDINGS), None)


def waiting_reason(records: Collection[ConflictResolution]) -> str:
    """Return why a proposal waits, for the first of what it waits for."""
    first = next(each for each in records if each.outcome is None)
    return f"{REASON_PREFIX}{first.first.title!r} goes first: {first.reason}"


def ending_reason(record: ConflictResolution) -> str:
    """Return why a proposal ended, by the record that ended it."""
    if record.outcome is ConflictOutcome.SUPERSEDED:
        return f"{REASON_PREFIX}{record.first.title!r} does all of it"
    if record.kind is ConflictKind.BUILDS_ON:
        return f"{REASON_PREFIX}{record.first.title!r} did not land: {record.reason}"
    return f"{REASON_PREFIX}{record.first.title!r} landed first: {record.reason}"


def _participant(change: Enhancement) -> ConflictParticipant:
    """Return what a record says of one of its proposals."""
    return ConflictParticipant(
        enhancement_id=change.id,
        task_id=change.task_id,
        wave_id=change.wave_id,
        agent_type=change.proposal.author.agent_type,
        title=change.proposal.title,
    )


def _files(one: Enhancement, other: Enhancement) -> tuple[str, ...]:
    """Return the files that both proposals change, or else those of either."""
    mine, its = set(one.proposal.files), set(other.proposal.files)
    return tuple(sorted(mine & its or mine | its))


def _named(files: Collection[str]) -> str:
    """Return the first files, and how many more there are."""
    more = len(files) - MAX_NAMED_FILES
    first = ", ".join([*files][:MAX_NAMED_FILES])
    return f"{first} and {more} more" if more > 0 else first
