"""What the gate's test runs say about one change, as steps of its story."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from services.api.domain.text import count, first_of
from shared.contracts.base import RunKind, RunPurpose
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import TestRun
from shared.contracts.states import RunState
from shared.contracts.story import StepKind, StoryStep
from shared.kernel.ids import short_id

RUNS_OF_THE_HEAD = frozenset({RunPurpose.BASELINE, RunPurpose.BASE_AGAIN})
MAX_NAMED_BENCHMARKS = 3

# A step and the time that orders it, which it has even if `at` is not known.
TimedStep = tuple[datetime, StoryStep]


@dataclass(frozen=True)
class StoryRecords:
    """A change, the runs about it in the order they finished, and the titles of others by id."""

    change: Enhancement
    runs: Sequence[TestRun]
    titles: Mapping[str, str]

    def run(self, run_id: str | None) -> TestRun | None:
        """Return the run with this id, if it is known."""
        return next((each for each in self.runs if each.id == run_id), None)


def finished_order(run: TestRun) -> tuple[datetime, str]:
    """Return the sort key of a run: the time it finished, then its id."""
    return (run.finished_at or run.created_at, run.id)


@dataclass
class _SuspectTests:
    """The tests that count against the change, by head, after the runs read so far."""

    by_head: defaultdict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def read(self, run: TestRun) -> None:
        """Take in a run that included the change: its tests now count against it, or no longer.

        A run that gave no report changes nothing.
        """
        reported = run.state is RunState.FINISHED and run.result.outcome == "reported"
        if run.result.worse is None or not reported:
            return
        head = run.request.head
        if run.request.tests:
            self.by_head[head] -= set(run.request.tests)
        else:
            self.by_head[head].clear()
        self.by_head[head] |= set(run.result.worse)


def steps_of_runs(records: StoryRecords) -> list[TimedStep]:
    """Return a step for every run that says something about the change."""
    suspect_tests = _SuspectTests()
    change = records.change.id
    heads = {each.request.head for each in records.runs if change in each.request.changes}
    steps = []
    for run in records.runs:
        step = _step_of(run, records, suspect_tests, heads)
        if step is not None:
            steps.append((finished_order(run)[0], step))
    return steps


def _step_of(
    run: TestRun, records: StoryRecords, suspect_tests: _SuspectTests, heads: set[str]
) -> StoryStep | None:
    """Return a run's step, None if it says nothing or tried mutants; update `suspect_tests`."""
    if run.request.kind is RunKind.MUTATION:
        return None
    if records.change.id not in run.request.changes:
        against = suspect_tests.by_head.get(run.request.head, set())
        return _step_without_change(run, against, heads)
    if run.request.kind.exclusive:
        return _run_step("benchmarks", run, _benchmark_answers(run))
    suspect_tests.read(run)
    return _run_step("run", run, f"{_company(run, records)}: {_answer(run)}")


def _step_without_change(run: TestRun, against: set[str], heads: set[str]) -> StoryStep | None:
    """Return the step of a run without the change; None if it does not bear on the change.

    `against` are the tests that count against the change so far.
    """
    if run.request.head not in heads or run.state is not RunState.FINISHED:
        return None
    if run.request.purpose in RUNS_OF_THE_HEAD:
        return _step_of_head(run, against)
    shared = against & set(run.result.worse or ())
    if not run.request.changes or not shared:
        return None
    return _run_step("run_without", run, f"{first_of(sorted(shared))} worse without it as well")


def _step_of_head(run: TestRun, against: set[str]) -> StoryStep | None:
    """Return the step of a baseline, or of a run of tests in `against` on the head; else None."""
    tests = count(_number_of_tests(run), "test")
    if run.request.purpose is RunPurpose.BASELINE:
        return _run_step("head", run, f"{tests}, {len(run.result.failing) or 'none'} failing")
    if against.isdisjoint(run.request.tests):
        return None
    failing = sorted(against & set(run.result.failing))
    answer = f"{first_of(failing)} failing there too" if failing else "they pass without it"
    return _run_step("head", run, f"again: {tests}: {answer}")


def _number_of_tests(run: TestRun) -> int:
    """Return how many tests a run reported, or how many were requested if it has no counts."""
    return run.result.counts.tests if run.result.counts else len(run.request.tests)


def _run_step(kind: StepKind, run: TestRun, sentence: str) -> StoryStep:
    """Return a step of this kind with the figures of a run and the tests that were worse."""
    return StoryStep(
        kind=kind,
        at=run.finished_at or run.created_at,
        sentence=sentence,
        asked=run.request.why,
        purpose=run.request.purpose,
        against=run.result.worse or (),
        **figures(run),
    )


def figures(run: TestRun) -> dict[str, object]:
    """Return a `StoryStep`'s fields about a run: its id, head and numbers, None if not known."""
    counts, worse = run.result.counts, run.result.worse
    return {
        "run": run.id,
        "head": run.request.head,
        "changes": len(run.request.changes),
        "tests": counts.tests if counts else None,
        "worse": None if worse is None else len(worse),
        "seconds": run.execution.seconds if run.state is RunState.FINISHED else None,
    }


def _company(run: TestRun, records: StoryRecords) -> str:
    """Return which other change was in the run, in words, or how many were; `alone` for none."""
    others = [each for each in run.request.changes if each != records.change.id]
    if not others:
        return "alone"
    if len(others) == 1 and others[0] in records.titles:
        return f"with {records.titles[others[0]]} ({short_id(others[0])})"
    return f"with {count(len(others), 'other')}"


def _answer(run: TestRun) -> str:
    """Return the result of a run, and what it means for a change that it included."""
    if run.state is RunState.SUPERSEDED:
        return "cancelled, because its answer was no longer needed"
    if run.state is not RunState.FINISHED:
        return "not finished"
    if run.result.outcome != "reported":
        reason = run.result.detail.partition("\n")[0]
        return f"no report, so no change is blamed ({reason})"
    return _reported_answer(run)


def _reported_answer(run: TestRun) -> str:
    """Return the numbers of a run that gave a report, and what they mean for its changes."""
    tests, worse = count(_number_of_tests(run), "test"), run.result.worse
    if worse is None:
        return f"{tests}, {len(run.result.failing)} failing"
    if not worse:
        answer = f"{tests}, none worse" + (": cleared" if run.request.tests else "")
        return f"{answer}; {run.changed_tests}" if run.changed_tests else answer
    suspects = len(run.request.changes)
    meaning = "the only suspect" if suspects == 1 else f"one of {suspects} suspects"
    return f"{tests}, {len(worse)} worse: {meaning}"


def _benchmark_answers(run: TestRun) -> str:
    """Count a run's answers, with the figures of up to 3 notable ones, or say why it has none."""
    why = run.result.detail.partition("\n")[0]
    if run.result.outcome == "infrastructure":
        return f"not measured ({why})"
    measured = run.result.benchmarks
    if not measured:
        return why or "nothing was compared"
    answers = [each.answer for each in measured]
    counts = ", ".join(f"{answers.count(each)} {each}" for each in dict.fromkeys(answers))
    told = {"worse", "inconclusive"}
    if run.request.kind is RunKind.GAIN:
        told.add("better")
    notable = [each for each in measured if each.answer in told]
    ratios = "; ".join(f"{each.name} {each.cost}" for each in notable[:MAX_NAMED_BENCHMARKS])
    return f"{counts}: {ratios}" if ratios else counts
