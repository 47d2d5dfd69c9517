"""The story of a change: a pure function of what is stored about it, in whatever order it comes."""

from collections.abc import Iterable
from datetime import datetime
from typing import get_args

from services.api.domain.story_runs import (
    StoryRecords,
    TimedStep,
    figures,
    finished_order,
    steps_of_runs,
)
from services.api.domain.text import count, first_of, percent
from shared.contracts.documents.base import StateTransition
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.watches import Watch
from shared.contracts.states import EnhancementState, WatchState
from shared.contracts.story import StepKind, Story, StoryStep
from shared.kernel.ids import short_id

# Steps of the same time are ordered so that a cause comes before what follows from it.
ORDER: tuple[StepKind, ...] = (
    "proposed",
    "cleared",
    "waits",
    "proven",
    "approved",
    "head",
    "run",
    "run_without",
    "mutants",
    "benchmarks",
    "held_back",
    "returned",
    "needs_approval",
    "landed",
    "rejected",
    "expired",
    "superseded",
    "watched",
    "rolled_back",
    "rollback_refused",
)
assert set(ORDER) == set(get_args(StepKind))
WATCH_OUTCOMES = {
    WatchState.WATCHING: "it is being watched",
    WatchState.QUIET: "nothing got worse",
    WatchState.REVERTED: "something got worse, and the culprit was rolled back",
    WatchState.GIVEN_UP: "something got worse, and could not be rolled back",
}
NEXT_HEAD = "it is tried again on the next head"


def make_story(
    change: Enhancement,
    runs: Iterable[TestRun],
    siblings: Iterable[Enhancement] = (),
    watches: Iterable[Watch] = (),
) -> Story:
    """Return everything that happened to `change`, in order.

    `siblings` are the other changes of its wave, to name those it was run with. A change without a
    stored history has fewer steps; none is made up.
    """
    unique = {each.id: each for each in runs}.values()
    titles = {each.id: each.proposal.title for each in siblings}
    records = StoryRecords(change, sorted(unique, key=finished_order), titles)
    steps = [_proposed(change), *_state_steps(records), *steps_of_runs(records)]
    last = max(when for when, _ in steps)
    steps += [*_proven(change), *_mutants(records, last), *_rollback_refused(change, last)]
    steps += [_watched(each, change, last) for each in _watches_of(change, watches)]
    steps.sort(key=lambda each: (each[0], ORDER.index(each[1].kind), each[1].run or ""))
    return Story(
        id=change.id,
        title=change.proposal.title,
        state=change.state,
        steps=tuple(step for _, step in steps),
    )


def _watches_of(change: Enhancement, watches: Iterable[Watch]) -> list[Watch]:
    """Return the watches of the change, each once, in the order they began."""
    found = {
        watch.id: watch
        for watch in watches
        if any(each.enhancement_id == change.id for each in watch.changes)
    }
    return sorted(found.values(), key=lambda each: (each.created_at, each.id))


def _proposed(change: Enhancement) -> TimedStep:
    """Return the first step: which agent proposed the change, and what it predicted."""
    proposal, predicted = change.proposal, change.proposal.prediction
    parts = [f"by {proposal.author.agent} ({proposal.author.engine})"]
    if predicted:
        parts.append(
            f"predicts {predicted.metric} {predicted.direction} by {predicted.size:g} "
            f"({percent(predicted.confidence)} confident)"
        )
    parts.append(f"{percent(proposal.fix.prior)} of such changes are expected to land")
    step = StoryStep(kind="proposed", at=change.created_at, sentence="; ".join(parts))
    return change.created_at, step


def _state_steps(records: StoryRecords) -> list[TimedStep]:
    """Return the steps for the states that the change went through, in order."""
    change, before = records.change, ""
    steps = []
    for moved in change.history or _known_state(change):
        step = _state_step(moved, before, records)
        if step is not None:
            steps.append((moved.at, step))
        before = moved.state
    return steps


def _known_state(change: Enhancement) -> tuple[StateTransition, ...]:
    """Return the final state of a change without a stored history; () if it has not ended."""
    if change.finished_at is None:
        return ()
    decision = change.decision
    why = decision.reason or decision.approval_reason
    return (
        StateTransition(state=change.state, at=change.finished_at, why=why, tests=decision.tests),
    )


def _state_step(moved: StateTransition, before: str, records: StoryRecords) -> StoryStep | None:
    """Return the step of a state that the change reached; None for states that need no step."""
    step = None
    match moved.state:
        case EnhancementState.CLEARED:
            step = _cleared(moved, before, records.change)
        case EnhancementState.NEEDS_APPROVAL:
            step = _needs_approval(moved, records.change)
        case EnhancementState.APPLIED:
            step = _landed(moved, records)
        case EnhancementState.REJECTED:
            step = _rejected(moved, records)
        case EnhancementState.CONFLICTING:
            step = _step("waits", moved, moved.why)
        case EnhancementState.EXPIRED:
            step = _step("expired", moved, moved.why)
        case EnhancementState.SUPERSEDED:
            step = _step("superseded", moved, moved.why)
        case EnhancementState.ROLLED_BACK:
            step = _rolled_back(moved, records.change)
    return step


def _step(kind: StepKind, moved: StateTransition, sentence: str) -> StoryStep:
    """Return a step of this kind, at the time of a state transition and with its tests."""
    return StoryStep(kind=kind, at=moved.at, sentence=sentence, against=moved.tests)


def _needs_approval(moved: StateTransition, change: Enhancement) -> StoryStep:
    """Return the step of a change that needs approval; its mutants are left to their own step."""
    why, protection = moved.why, change.decision.protection
    if protection and why.endswith(protection.summary):
        why = why.partition(": ")[0]
    return _step("needs_approval", moved, why)


def _cleared(moved: StateTransition, before: str, change: Enhancement) -> StoryStep:
    """Return the step of a change that came into the gate's queue: new, approved, or sent back."""
    if before == EnhancementState.NEEDS_APPROVAL:
        approval = change.decision.approval
        who = f"by {approval.by}: {approval.reason}" if approval else "by a person"
        return _step("approved", moved, who)
    if before == EnhancementState.VALIDATED:
        why = "it was not on the branch: the branch had moved, or the gate was interrupted"
        return _step("returned", moved, f"{why}; {NEXT_HEAD}")
    if before == EnhancementState.CONFLICTING:
        return _step("cleared", moved, "what it waited for has ended")
    if before != EnhancementState.VALIDATING:
        return _step("cleared", moved, "its lease is valid, and it changes nothing outside of it")
    if not moved.tests:
        return _step("returned", moved, f"it was not part of what landed; {NEXT_HEAD}")
    why = f"it seems to break {first_of(moved.tests)}, but only together with other changes"
    return _step("held_back", moved, f"{why}; {NEXT_HEAD}")


def _landed(moved: StateTransition, records: StoryRecords) -> StoryStep:
    """Return the step of a landing: commit and branch, and the run of that tree or the evidence."""
    change, run = records.change, records.run(records.change.decision.run)
    sentence = f"as {(change.landing.commit or '')[:10]} on {change.landing.branch}"
    if run is None:
        return _step("landed", moved, "; ".join((sentence, *change.decision.evidence)))
    others = len(run.request.changes) - 1
    if others:
        sentence += f" together with {count(others, 'other')}"
    if run.result.counts:
        tests = count(run.result.counts.tests, "test")
        sentence += f": {tests} ran on exactly that tree (run {short_id(run.id)})"
    return _step("landed", moved, sentence).model_copy(update=figures(run))


def _rejected(moved: StateTransition, records: StoryRecords) -> StoryStep:
    """Return the step of a rejection, with the runs of the change alone that are against it."""
    change = records.change
    tests = set(change.decision.tests)
    proof = [
        short_id(each.id)
        for each in records.runs
        if each.request.changes == (change.id,) and not tests.isdisjoint(each.result.worse or ())
    ]
    sentence = moved.why
    if proof:
        sentence += f" (run{'s' * (len(proof) > 1)} {', '.join(proof)})"
    against = change.decision.tests or moved.tests
    step = _step("rejected", moved, sentence)
    return step.model_copy(update={"run": change.decision.run, "against": against})


def _rolled_back(moved: StateTransition, change: Enhancement) -> StoryStep:
    """Return the step of a rollback: its commit and reason, and whether it was automatic."""
    rollback = change.landing.rollback
    if rollback is None:
        return _step("rolled_back", moved, "rolled back")
    who = "automatically by its watch" if rollback.automatic else "by request"
    return _step("rolled_back", moved, f"{who}, with {rollback.commit[:10]}: {rollback.reason}")


def _rollback_refused(change: Enhancement, last: datetime) -> list[TimedStep]:
    """Return the step of a refused rollback, not before `last`; empty if none was refused."""
    reason = change.landing.rollback_refusal
    if not reason:
        return []
    step = StoryStep(kind="rollback_refused", at=None, sentence=reason)
    return [(max(change.changed_at, last), step)]


def _watched(watch: Watch, change: Enhancement, last: datetime) -> TimedStep:
    """Return the step of a watch, placed at `last` if the watch has not ended."""
    checks = f"{watch.checks_done - watch.checks_missed} of {count(watch.checks, 'check')} made"
    outcome = f"{WATCH_OUTCOMES[watch.state]}: {checks} in {watch.minutes:g} min after it landed"
    if change.id in watch.rolled_back:
        outcome += "; this change was rolled back"
    sentence = "; ".join((outcome, *watch.notes))
    step = StoryStep(kind="watched", at=watch.finished_at, sentence=sentence, run=watch.run)
    return watch.finished_at or last, step


def _proven(change: Enhancement) -> list[TimedStep]:
    """Return the step that proves the change, at the time it was validated; empty without proof."""
    proof = change.decision.proof
    if proof is None:
        return []
    times = [each.at for each in change.history if each.state == EnhancementState.VALIDATING]
    at = min(times, default=change.created_at)
    sentence = proof.summary.removeprefix("proven: ")
    return [(at, StoryStep(kind="proven", at=at, sentence=sentence))]


def _mutants(records: StoryRecords, last: datetime) -> list[TimedStep]:
    """Return the step about the mutants of the change; empty if its protection is not known."""
    found = records.change.decision.protection
    if found is None:
        return []
    run = records.run(found.run)
    at = run and (run.finished_at or run.created_at)
    step = StoryStep(kind="mutants", at=at, sentence=f"{found.state}: {found.summary}")
    if run:
        step = step.model_copy(update={**figures(run), "tests": None})
    return [(at or last, step)]
