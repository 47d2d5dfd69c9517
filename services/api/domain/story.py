"""The story of a change, told from what is stored about it: a pure function, whatever order that comes in."""

from collections.abc import Iterable
from datetime import datetime

from services.api.domain.ids import short
from services.api.domain.trials import Known, Told, count, done, figures, named, runs_told
from shared.contracts.documents.base import StateTransition
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.watches import Watch
from shared.contracts.states import EnhancementState, WatchState
from shared.contracts.story import Kind, Story, StoryStep

# Where several things have one time, the cause comes before what follows from it.
ORDER: tuple[Kind, ...] = (
    "proposed",
    "cleared",
    "approved",
    "head",
    "run",
    "elsewhere",
    "mutants",
    "benchmarks",
    "held",
    "returned",
    "asked",
    "landed",
    "refused",
    "let_go",
    "watched",
    "rolled_back",
    "kept",
)
WATCHED = {
    WatchState.WATCHING: "it is being watched",
    WatchState.QUIET: "nothing got worse",
    WatchState.REVERTED: "something got worse, and what did it was taken off",
    WatchState.GIVEN_UP: "something got worse, and could not be taken off",
}


def tell(
    change: Enhancement,
    verdicts: Iterable[TestRun],
    siblings: Iterable[Enhancement] = (),
    watches: Iterable[Watch] = (),
) -> Story:
    """All that happened to `change`, in order; `siblings` are other changes, to name those it was tried with.

    A change's history is younger than the first changes: of those without one less is told, and nothing is
    made up.
    """
    runs = {each.id: each for each in verdicts}.values()
    known = Known(
        change, sorted(runs, key=done), {each.id: each.proposal.title for each in siblings}
    )
    steps = [_proposed(change), *_moves(known), *runs_told(known)]
    last = max((when for when, _ in steps), default=change.created_at)
    steps += [*_faults(known, last), *_kept(change, last)]
    steps += [_watched(each, change, last) for each in _unique(watches, change)]
    steps.sort(key=lambda each: (each[0], ORDER.index(each[1].kind), each[1].run or ""))
    return Story(
        id=change.id,
        title=change.proposal.title,
        state=change.state,
        steps=tuple(step for _, step in steps),
    )


def _unique(watches: Iterable[Watch], change: Enhancement) -> list[Watch]:
    mine = {
        each.id: each
        for each in watches
        if any(one.enhancement_id == change.id for one in each.changes)
    }
    return sorted(mine.values(), key=lambda each: (each.created_at, each.id))


def _proposed(change: Enhancement) -> Told:
    said = change.proposal.prediction
    parts = [f"by {change.proposal.author.agent} ({change.proposal.author.engine})"]
    if said:
        parts.append(
            f"{said.metric} {said.direction} by {said.size:g} predicted ({_percent(said.confidence)})"
        )
    parts.append(f"prior {_percent(change.proposal.fix.prior)}")
    step = StoryStep(kind="proposed", at=change.created_at, sentence="; ".join(parts))
    return change.created_at, step


def _moves(known: Known) -> list[Told]:
    change, before = known.change, ""
    told = []
    for moved in change.history or _without_history(change):
        step = _moved(moved, before, known)
        if step is not None:
            told.append((moved.at, step))
        before = moved.state
    return told


def _without_history(change: Enhancement) -> tuple[StateTransition, ...]:
    """The one state that is known of it."""
    if change.finished_at is None:
        return ()
    why = change.decision.reason or change.decision.approval_reason
    return (
        StateTransition(
            state=change.state, at=change.finished_at, why=why, tests=change.decision.tests
        ),
    )


def _moved(moved: StateTransition, before: str, known: Known) -> StoryStep | None:
    """What a state that it came into means; None for those that say nothing by themselves."""
    step = None
    match moved.state:
        case EnhancementState.CLEARED:
            step = _into_the_pool(moved, before, known.change)
        case EnhancementState.NEEDS_APPROVAL:
            step = _asked(moved, known.change)
        case EnhancementState.APPLIED:
            step = _landed(moved, known)
        case EnhancementState.REJECTED:
            step = _refused(moved, known)
        case EnhancementState.EXPIRED | EnhancementState.SUPERSEDED:
            step = _step("let_go", moved, f"without blame: {moved.why}")
        case EnhancementState.ROLLED_BACK:
            step = _rolled_back(moved, known.change)
    return step


def _step(kind: Kind, moved: StateTransition, sentence: str) -> StoryStep:
    return StoryStep(kind=kind, at=moved.at, sentence=sentence, against=moved.tests)


def _asked(moved: StateTransition, change: Enhancement) -> StoryStep:
    """What the planted faults have just said is not said again."""
    why = moved.why
    if change.decision.protection and why.endswith(change.decision.protection.summary):
        why = why.partition(": ")[0]
    return _step("asked", moved, f"for a person: {why}")


def _into_the_pool(moved: StateTransition, before: str, change: Enhancement) -> StoryStep:
    again = "tried again on the next head"
    if before == EnhancementState.NEEDS_APPROVAL:
        said = change.decision.approval
        who = f"by {said.by}: {said.reason}" if said else "by a person"
        return _step("approved", moved, who)
    if before == EnhancementState.VALIDATED:
        why = "it was not on the branch, which had moved, or the gate was interrupted"
        return _step("returned", moved, f"{why}; {again}")
    if before != EnhancementState.VALIDATING:
        return _step("cleared", moved, "its lease holds, and it changes nothing outside")
    if not moved.tests:
        return _step("returned", moved, f"it was not part of what landed; {again}")
    why = f"with others it seems to break {named(moved.tests)}, and not alone"
    return _step("held", moved, f"{why}; {again}")


def _landed(moved: StateTransition, known: Known) -> StoryStep:
    change, verdict = known.change, known.verdict(known.change.decision.run)
    sentence = f"as {(change.landing.commit or '')[:10]} on {change.landing.branch}"
    if verdict is None:
        return _step("landed", moved, "; ".join((sentence, *change.decision.evidence)))
    company = len(verdict.request.changes) - 1
    if company:
        sentence += f" together with {count(company, 'other')}"
    if verdict.result.counts:
        ran = f"{count(verdict.result.counts.tests, 'test')} ran on that very tree"
        sentence += f": {ran} (run {short(verdict.id)})"
    return _step("landed", moved, sentence).model_copy(update=figures(verdict))


def _refused(moved: StateTransition, known: Known) -> StoryStep:
    """With the runs that say so: those of it alone, in which one of these tests was worse."""
    change = known.change
    tests = set(change.decision.tests)
    speaking = [
        each
        for each in known.verdicts
        if each.request.changes == (change.id,) and not tests.isdisjoint(each.result.worse or ())
    ]
    by = [short(each.id) for each in speaking]
    sentence = moved.why
    if by:
        sentence += f" (run{'s' * (len(by) > 1)} {', '.join(by)})"
    step = _step("refused", moved, sentence)
    return step.model_copy(
        update={"run": change.decision.run, "against": change.decision.tests or moved.tests}
    )


def _rolled_back(moved: StateTransition, change: Enhancement) -> StoryStep:
    back = change.landing.rollback
    if back is None:
        return _step("rolled_back", moved, "taken off again")
    who = "its watch" if back.automatic else "a person"
    return _step(
        "rolled_back",
        moved,
        f"taken off by {back.commit[:10]}, at the word of {who}: {back.reason}",
    )


def _kept(change: Enhancement, last: datetime) -> list[Told]:
    if not change.landing.rollback_refusal:
        return []
    sentence = f"it stays: {change.landing.rollback_refusal}"
    return [(max(change.changed_at, last), StoryStep(kind="kept", at=None, sentence=sentence))]


def _watched(watch: Watch, change: Enhancement, last: datetime) -> Told:
    made = f"{watch.checks_done - watch.checks_missed} of {count(watch.checks, 'check')} made"
    sentence = f"{WATCHED[watch.state]}: {made} in {watch.minutes:g} min after it landed"
    if change.id in watch.rolled_back:
        sentence += "; it was taken off"
    sentence = "; ".join((sentence, *watch.notes))
    step = StoryStep(kind="watched", at=watch.finished_at, sentence=sentence, run=watch.run)
    return watch.finished_at or last, step


def _faults(known: Known, last: datetime) -> list[Told]:
    found = known.change.decision.protection
    if found is None:
        return []
    verdict = known.verdict(found.run)
    at = verdict and (verdict.finished_at or verdict.created_at)
    step = StoryStep(kind="mutants", at=at, sentence=f"{found.state}: {found.summary}")
    if verdict:
        step = step.model_copy(update={**figures(verdict), "tests": None})
    return [(at or last, step)]


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")
