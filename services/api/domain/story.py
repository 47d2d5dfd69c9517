"""The story of a change, told from what is stored about it: a pure function, whatever order that comes in."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.api.domain.ids import short
from shared.contracts.base import RunKind
from shared.contracts.documents import Enhancement, Measured, Moved, Verdict, Watch
from shared.contracts.states import EnhancementState, RunState, WatchState
from shared.contracts.story import Kind, Story, StoryStep

# Where several things have one time, the cause comes before what follows from it.
ORDER: tuple[Kind, ...] = (
    "proposed",
    "cleared",
    "approved",
    "head",
    "run",
    "elsewhere",
    "faults",
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
HEADS = {"baseline", "base again"}
NAMED = 3
WATCHED = {
    WatchState.WATCHING: "it is being watched",
    WatchState.QUIET: "nothing got worse",
    WatchState.REVERTED: "something got worse, and what did it was taken off",
    WatchState.GIVEN_UP: "something got worse, and could not be taken off",
}


@dataclass(frozen=True)
class _Known:
    change: Enhancement
    verdicts: Sequence[Verdict]
    titles: Mapping[str, str]

    def verdict(self, run: str | None) -> Verdict | None:
        return next((each for each in self.verdicts if each.id == run), None)


def tell(
    change: Enhancement,
    verdicts: Iterable[Verdict],
    siblings: Iterable[Enhancement] = (),
    watches: Iterable[Watch] = (),
) -> Story:
    """All that happened to `change`, in order; `siblings` are other changes, to name those it was tried with.

    A change's history is younger than the first changes: of those without one less is told, and nothing is
    made up.
    """
    runs = {each.id: each for each in verdicts}.values()
    known = _Known(change, sorted(runs, key=_done), {each.id: each.title for each in siblings})
    steps = [_proposed(change), *_moves(known), *_runs(known)]
    last = max((when for when, _ in steps), default=change.created_at)
    steps += [*_faults(known, last), *_kept(change)]
    steps += [_watched(each, change) for each in _unique(watches, change)]
    steps.sort(key=lambda each: (each[0], ORDER.index(each[1].kind), each[1].run or ""))
    return Story(
        id=change.id,
        title=change.title,
        state=change.state,
        steps=tuple(step for _, step in steps),
    )


# When to tell it, also where nobody wrote down when it was.
_Told = tuple[datetime, StoryStep]


def _done(verdict: Verdict) -> tuple[datetime, str]:
    return (verdict.finished_at or verdict.created_at, verdict.id)


def _unique(watches: Iterable[Watch], change: Enhancement) -> list[Watch]:
    mine = {
        each.id: each
        for each in watches
        if any(one.enhancement_id == change.id for one in each.changes)
    }
    return sorted(mine.values(), key=lambda each: (each.created_at, each.id))


def _proposed(change: Enhancement) -> _Told:
    said = change.prediction
    parts = [f"by {change.agent} ({change.engine})"]
    if said:
        parts.append(
            f"{said.metric} {said.direction} by {said.size:g} predicted ({_percent(said.confidence)})"
        )
    parts.append(f"good with {_percent(change.prior)} before anything was known")
    step = StoryStep(kind="proposed", at=change.created_at, sentence="; ".join(parts))
    return change.created_at, step


def _moves(known: _Known) -> list[_Told]:
    change, before = known.change, ""
    told = []
    for moved in change.history or _without_history(change):
        step = _moved(moved, before, known)
        if step is not None:
            told.append((moved.at, step))
        before = moved.state
    return told


def _without_history(change: Enhancement) -> tuple[Moved, ...]:
    """The one state that is known of it."""
    if change.finished_at is None:
        return ()
    why = change.reason or change.asks
    return (Moved(state=change.state, at=change.finished_at, why=why, tests=change.tests),)


def _moved(moved: Moved, before: str, known: _Known) -> StoryStep | None:
    match moved.state:
        case EnhancementState.CLEARED:
            return _into_the_pool(moved, before, known.change)
        case EnhancementState.NEEDS_APPROVAL:
            return _step("asked", moved, f"may not land without a person: {moved.why}")
        case EnhancementState.APPLIED:
            return _landed(moved, known)
        case EnhancementState.REJECTED:
            return _refused(moved, known)
        case EnhancementState.EXPIRED | EnhancementState.SUPERSEDED:
            return _step("let_go", moved, f"let go, without blame: {moved.why}")
        case EnhancementState.ROLLED_BACK:
            return _rolled_back(moved, known.change)
    return None


def _step(kind: Kind, moved: Moved, sentence: str) -> StoryStep:
    return StoryStep(kind=kind, at=moved.at, sentence=sentence, against=moved.tests)


def _into_the_pool(moved: Moved, before: str, change: Enhancement) -> StoryStep:
    again = "tried again on the next head"
    if before == EnhancementState.NEEDS_APPROVAL:
        said = change.approval
        who = f"by {said.by}: {said.reason}" if said else "by a person"
        return _step("approved", moved, f"approved {who}")
    if before == EnhancementState.VALIDATED:
        why = "it was not on the branch, which had moved, or the gate was interrupted"
        return _step("returned", moved, f"{why}; {again}")
    if before != EnhancementState.VALIDATING:
        return _step("cleared", moved, "its lease holds, and it changes nothing outside")
    if not moved.tests:
        return _step("returned", moved, f"it was not part of what landed; {again}")
    why = f"with others it seems to break {_named(moved.tests)}, and not alone"
    return _step("held", moved, f"held back: {why}; {again}")


def _landed(moved: Moved, known: _Known) -> StoryStep:
    change, verdict = known.change, known.verdict(known.change.run)
    sentence = f"landed as {(change.commit or '')[:10]} on {change.branch}"
    if verdict is None:
        return _step("landed", moved, "; ".join((sentence, *change.evidence)))
    company = len(verdict.changes) - 1
    if company:
        sentence += f" together with {_count(company, 'other')}"
    if verdict.counts:
        ran = f"{_count(verdict.counts.tests, 'test')} ran on that very tree"
        sentence += f": {ran} (run {short(verdict.id)})"
    return _step("landed", moved, sentence).model_copy(update=_figures(verdict))


def _refused(moved: Moved, known: _Known) -> StoryStep:
    """With the runs that say so: those of it alone, in which one of these tests was worse."""
    change = known.change
    tests = set(change.tests)
    speaking = [
        each
        for each in known.verdicts
        if each.changes == (change.id,) and not tests.isdisjoint(each.worse or ())
    ]
    by = [short(each.id) for each in speaking]
    sentence = f"refused: {moved.why}"
    if by:
        sentence += f" (run{'s' * (len(by) > 1)} {', '.join(by)})"
    step = _step("refused", moved, sentence)
    return step.model_copy(update={"run": change.run, "against": change.tests or moved.tests})


def _rolled_back(moved: Moved, change: Enhancement) -> StoryStep:
    back = change.rollback
    if back is None:
        return _step("rolled_back", moved, "taken off again")
    who = "its watch" if back.automatic else "request"
    return _step("rolled_back", moved, f"taken off by {back.commit[:10]}, by {who}: {back.reason}")


def _kept(change: Enhancement) -> list[_Told]:
    if not change.rollback_refused:
        return []
    sentence = f"could not be taken off: {change.rollback_refused}"
    return [(change.changed_at, StoryStep(kind="kept", at=None, sentence=sentence))]


def _watched(watch: Watch, change: Enhancement) -> _Told:
    made = f"{watch.made - watch.missed} of {_count(watch.checks, 'check')} made"
    sentence = f"{WATCHED[watch.state]}: {made} in {watch.minutes:g} min after it landed"
    if change.id in watch.taken_off:
        sentence += "; it was taken off"
    sentence = "; ".join((sentence, *watch.notes))
    when = watch.finished_at or watch.created_at
    return when, StoryStep(kind="watched", at=when, sentence=sentence, run=watch.run)


def _faults(known: _Known, last: datetime) -> list[_Told]:
    found = known.change.protection
    if found is None:
        return []
    verdict = known.verdict(found.run)
    at = verdict and (verdict.finished_at or verdict.created_at)
    sentence = found.sentence
    if found.planted:
        sentence += f" ({found.noticed} of {found.planted} noticed)"
    step = StoryStep(kind="faults", at=at, sentence=f"{found.state}: {sentence}")
    if verdict:
        step = step.model_copy(update={**_figures(verdict), "tests": None})
    return [(at or last, step)]


@dataclass
class _Suspicion:
    """The tests that speak against the change, by head, as far as the runs were read."""

    of: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def weigh(self, verdict: Verdict) -> None:
        """A run that it was part of accuses it, or clears it."""
        if verdict.worse is None or verdict.outcome != "reported":
            return
        if verdict.tests:
            self.of[verdict.head] -= set(verdict.tests)
        else:
            self.of[verdict.head].clear()
        self.of[verdict.head] |= set(verdict.worse)


def _runs(known: _Known) -> list[_Told]:
    suspicion, told = _Suspicion(), []
    heads = {each.head for each in known.verdicts if known.change.id in each.changes}
    for verdict in known.verdicts:
        step = _run(verdict, known, suspicion, heads)
        if step is not None:
            told.append((_done(verdict)[0], step))
    return told


def _run(
    verdict: Verdict, known: _Known, suspicion: _Suspicion, heads: set[str]
) -> StoryStep | None:
    """What one run has to do with the change; None where it has nothing."""
    if verdict.kind is RunKind.FAULTS:
        return None
    if known.change.id not in verdict.changes:
        return _without_it(verdict, suspicion.of.get(verdict.head, set()), heads)
    if verdict.kind is RunKind.BENCHMARKS:
        return _run_step("benchmarks", verdict, _compared(verdict))
    suspicion.weigh(verdict)
    return _run_step("run", verdict, f"{_company(verdict, known)}: {_result(verdict)}")


def _without_it(verdict: Verdict, accused: set[str], heads: set[str]) -> StoryStep | None:
    if verdict.head not in heads or verdict.state is not RunState.FINISHED:
        return None
    if verdict.purpose in HEADS:
        return _on_the_head(verdict, accused)
    shared = accused & set(verdict.worse or ())
    if not verdict.changes or not shared:
        return None
    sentence = f"without it: {_named(sorted(shared))} worse there too"
    return _run_step("elsewhere", verdict, sentence)


def _on_the_head(verdict: Verdict, accused: set[str]) -> StoryStep | None:
    tests = verdict.counts.tests if verdict.counts else len(verdict.tests)
    if verdict.purpose == "baseline":
        failing = f"{len(verdict.failing) or 'none'} failing"
        return _run_step("head", verdict, f"the head: {_count(tests, 'test')}, {failing}")
    if accused.isdisjoint(verdict.tests):
        return None
    bad = sorted(accused & set(verdict.failing))
    says = f"{_named(bad)} failing there too" if bad else "they pass without it"
    return _run_step("head", verdict, f"the head again: {_count(tests, 'test')}: {says}")


def _run_step(kind: Kind, verdict: Verdict, sentence: str) -> StoryStep:
    return StoryStep(
        kind=kind,
        at=verdict.finished_at or verdict.created_at,
        sentence=sentence,
        asked=verdict.why,
        purpose=verdict.purpose,
        against=verdict.worse or (),
        **_figures(verdict),
    )


def _figures(verdict: Verdict) -> dict[str, object]:
    done = verdict.state is RunState.FINISHED
    return {
        "run": verdict.id,
        "head": verdict.head,
        "changes": len(verdict.changes),
        "tests": verdict.counts.tests if verdict.counts else None,
        "worse": None if verdict.worse is None else len(verdict.worse),
        "seconds": verdict.seconds if done else None,
    }


def _company(verdict: Verdict, known: _Known) -> str:
    others = [each for each in verdict.changes if each != known.change.id]
    if not others:
        return "alone"
    if len(others) == 1 and others[0] in known.titles:
        return f"with {known.titles[others[0]]} ({short(others[0])})"
    return f"with {_count(len(others), 'other')}"


def _result(verdict: Verdict) -> str:
    """What came of a run that it was part of, and what that means for it."""
    if verdict.state is RunState.SUPERSEDED:
        return "dropped, as its answer was not needed any more"
    if verdict.state is not RunState.FINISHED:
        return "not finished"
    if verdict.outcome != "reported":
        reason = verdict.detail.partition("\n")[0]
        return f"no report, so nobody is blamed ({reason})"
    tests = _count(verdict.counts.tests if verdict.counts else len(verdict.tests), "test")
    if verdict.worse is None:
        return f"{tests}, {len(verdict.failing)} failing"
    if not verdict.worse:
        return f"{tests}, none worse" + (": cleared" if verdict.tests else "")
    figures = f"{tests}, {len(verdict.worse)} worse"
    many = len(verdict.changes)
    return f"{figures}: accused" if many == 1 else f"{figures}: one of {many} suspects"


def _compared(verdict: Verdict) -> str:
    """A target's benchmarks beside those of the head, with the numbers of those that differ or leave it open."""
    if not verdict.benchmarks:
        return verdict.detail.partition("\n")[0] or "nothing was compared"
    said = [each.answer for each in verdict.benchmarks]
    parts = [f"{said.count(each)} {each}" for each in dict.fromkeys(said)]
    open_ = [each for each in verdict.benchmarks if each.answer in {"worse", "inconclusive"}]
    figures = "; ".join(ratio(each) for each in open_[:NAMED])
    return ", ".join(parts) + (f": {figures}" if figures else "")


def ratio(measured: Measured) -> str:
    """`NAME 1.09 × as dear (1.05 to 1.12)`; without an interval where there is no bound."""
    ends = (measured.low, measured.high)
    between = "" if None in ends else f" ({measured.low:.2f} to {measured.high:.2f})"
    return f"{measured.name} {measured.ratio:.2f} × as dear{between}"


def _named(tests: Sequence[str]) -> str:
    return tests[0] if len(tests) == 1 else f"{tests[0]} and {len(tests) - 1} more"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'s' * (number != 1)}"


def _percent(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")
