"""What the runs of a gate say about one change: it was part of some, and others speak for it."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.api.domain.ids import short
from shared.contracts.base import RunKind
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import BenchmarkResult, TestRun
from shared.contracts.states import RunState
from shared.contracts.story import Kind, StoryStep

HEADS = {"baseline", "base again"}
NAMED = 3

# When to tell it, also where nobody wrote down when it was.
Told = tuple[datetime, StoryStep]


@dataclass(frozen=True)
class Known:
    """A change, the runs by the time they were done, and the titles of others by id."""

    change: Enhancement
    verdicts: Sequence[TestRun]
    titles: Mapping[str, str]

    def verdict(self, run: str | None) -> TestRun | None:
        """The run of that id."""
        return next((each for each in self.verdicts if each.id == run), None)


def done(verdict: TestRun) -> tuple[datetime, str]:
    """When it was, and what settles a tie."""
    return (verdict.finished_at or verdict.created_at, verdict.id)


@dataclass
class _Suspicion:
    """The tests that speak against the change, by head, as far as the runs were read."""

    of: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def weigh(self, verdict: TestRun) -> None:
        """A run that it was part of accuses it, or clears it."""
        finished = verdict.state is RunState.FINISHED and verdict.result.outcome == "reported"
        if verdict.result.worse is None or not finished:
            return
        if verdict.request.tests:
            self.of[verdict.request.head] -= set(verdict.request.tests)
        else:
            self.of[verdict.request.head].clear()
        self.of[verdict.request.head] |= set(verdict.result.worse)


def runs_told(known: Known) -> list[Told]:
    """Every run that says something about the change, by the time it was done."""
    suspicion, told = _Suspicion(), []
    heads = {
        each.request.head for each in known.verdicts if known.change.id in each.request.changes
    }
    for verdict in known.verdicts:
        step = _run(verdict, known, suspicion, heads)
        if step is not None:
            told.append((done(verdict)[0], step))
    return told


def _run(
    verdict: TestRun, known: Known, suspicion: _Suspicion, heads: set[str]
) -> StoryStep | None:
    """What one run has to do with the change; None where it has nothing."""
    if verdict.request.kind is RunKind.MUTATION:
        return None
    if known.change.id not in verdict.request.changes:
        return _without_it(verdict, suspicion.of.get(verdict.request.head, set()), heads)
    if verdict.request.kind is RunKind.BENCHMARKS:
        return _run_step("benchmarks", verdict, _compared(verdict))
    suspicion.weigh(verdict)
    return _run_step("run", verdict, f"{_company(verdict, known)}: {_result(verdict)}")


def _without_it(verdict: TestRun, accused: set[str], heads: set[str]) -> StoryStep | None:
    if verdict.request.head not in heads or verdict.state is not RunState.FINISHED:
        return None
    if verdict.request.purpose in HEADS:
        return _on_the_head(verdict, accused)
    shared = accused & set(verdict.result.worse or ())
    if not verdict.request.changes or not shared:
        return None
    sentence = f"{named(sorted(shared))} worse without it as well"
    return _run_step("elsewhere", verdict, sentence)


def _on_the_head(verdict: TestRun, accused: set[str]) -> StoryStep | None:
    tests = verdict.result.counts.tests if verdict.result.counts else len(verdict.request.tests)
    if verdict.request.purpose == "baseline":
        failing = f"{len(verdict.result.failing) or 'none'} failing"
        return _run_step("head", verdict, f"{count(tests, 'test')}, {failing}")
    if accused.isdisjoint(verdict.request.tests):
        return None
    bad = sorted(accused & set(verdict.result.failing))
    says = f"{named(bad)} failing there too" if bad else "they pass without it"
    return _run_step("head", verdict, f"again: {count(tests, 'test')}: {says}")


def _run_step(kind: Kind, verdict: TestRun, sentence: str) -> StoryStep:
    return StoryStep(
        kind=kind,
        at=verdict.finished_at or verdict.created_at,
        sentence=sentence,
        asked=verdict.request.why,
        purpose=verdict.request.purpose,
        against=verdict.result.worse or (),
        **figures(verdict),
    )


def figures(verdict: TestRun) -> dict[str, object]:
    """What of a run goes into a step about it."""
    finished = verdict.state is RunState.FINISHED
    return {
        "run": verdict.id,
        "head": verdict.request.head,
        "changes": len(verdict.request.changes),
        "tests": verdict.result.counts.tests if verdict.result.counts else None,
        "worse": None if verdict.result.worse is None else len(verdict.result.worse),
        "seconds": verdict.execution.seconds if finished else None,
    }


def _company(verdict: TestRun, known: Known) -> str:
    others = [each for each in verdict.request.changes if each != known.change.id]
    if not others:
        return "alone"
    if len(others) == 1 and others[0] in known.titles:
        return f"with {known.titles[others[0]]} ({short(others[0])})"
    return f"with {count(len(others), 'other')}"


def _result(verdict: TestRun) -> str:
    """What came of a run that it was part of, and what that means for it."""
    if verdict.state is RunState.SUPERSEDED:
        return "dropped, as its answer was not needed any more"
    if verdict.state is not RunState.FINISHED:
        return "not finished"
    if verdict.result.outcome != "reported":
        reason = verdict.result.detail.partition("\n")[0]
        return f"no report, so nobody is blamed ({reason})"
    tests = count(
        verdict.result.counts.tests if verdict.result.counts else len(verdict.request.tests), "test"
    )
    if verdict.result.worse is None:
        return f"{tests}, {len(verdict.result.failing)} failing"
    if not verdict.result.worse:
        return f"{tests}, none worse" + (": cleared" if verdict.request.tests else "")
    figures = f"{tests}, {len(verdict.result.worse)} worse"
    many = len(verdict.request.changes)
    return f"{figures}: accused" if many == 1 else f"{figures}: one of {many} suspects"


def _compared(verdict: TestRun) -> str:
    """A target's benchmarks beside those of the head, with the numbers of those that differ or leave it open."""
    why = verdict.result.detail.partition("\n")[0]
    if verdict.result.outcome == "infrastructure":
        return f"not measured ({why})"
    if not verdict.result.benchmarks:
        return why or "nothing was compared"
    said = [each.answer for each in verdict.result.benchmarks]
    parts = [f"{said.count(each)} {each}" for each in dict.fromkeys(said)]
    open_ = [each for each in verdict.result.benchmarks if each.answer in {"worse", "inconclusive"}]
    figures = "; ".join(ratio(each) for each in open_[:NAMED])
    return ", ".join(parts) + (f": {figures}" if figures else "")


def ratio(measured: BenchmarkResult) -> str:
    """`NAME costs 1.09 times as much (1.05 to 1.12)`; without an interval where there is no bound."""
    ends = (measured.low, measured.high)
    between = "" if None in ends else f" ({measured.low:.2f} to {measured.high:.2f})"
    return f"{measured.name} costs {measured.ratio:.2f} times as much{between}"


def named(tests: Sequence[str]) -> str:
    """The first of them, and how many more."""
    return tests[0] if len(tests) == 1 else f"{tests[0]} and {len(tests) - 1} more"


def count(number: int, noun: str) -> str:
    """`1 test`, `2 tests`."""
    return f"{number} {noun}{'s' * (number != 1)}"
