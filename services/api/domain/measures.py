"""The figures of a wave's report: what its tests took and showed. What was not measured is None, never a number."""

from collections.abc import Iterable, Sequence
from statistics import median

from shared.contracts.base import RunKind
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import Health
from shared.contracts.documents.runs import BenchmarkResult, Recall, TestRun
from shared.contracts.report import Baseline, ImpactRecall, ProtectionSummary, TestTime, Waiting
from shared.contracts.states import RunState


def time_of_tests(verdicts: Sequence[TestRun], baseline: Baseline | None) -> TestTime | None:
    """All runs of a wave, and one of its whole suite: with changes where there was one, as the head's is recorded."""
    done = [each for each in verdicts if each.state is RunState.FINISHED]
    if not done:
        return None
    full = [each.execution.seconds for each in done if _full(each)]
    if not full and baseline is not None:
        full = [baseline.seconds]
    return TestTime(
        runs=len(done),
        seconds=sum(each.execution.seconds for each in done),
        suite_seconds=median(full) if full else None,
    )


def _full(verdict: TestRun) -> bool:
    """Whether every test ran once, and nothing else was done."""
    whole = (
        verdict.request.kind is RunKind.TESTS
        and not verdict.request.tests
        and verdict.request.repeat == 1
    )
    return (
        whole
        and bool(verdict.request.changes)
        and verdict.result.counts is not None
        and not verdict.request.record
    )


def benchmarks(verdicts: Iterable[TestRun]) -> tuple[BenchmarkResult, ...]:
    """What the last comparison with changes said: what it was made with is what stands at the end."""
    made = [
        each
        for each in verdicts
        if each.result.benchmarks and each.request.changes and each.state is RunState.FINISHED
    ]
    last = max(made, key=lambda each: (each.finished_at or each.created_at, each.id), default=None)
    return last.result.benchmarks if last else ()


def protection(health: Sequence[Health]) -> ProtectionSummary | None:
    """The sum over what landed."""
    if not health:
        return None
    return ProtectionSummary(
        **{
            name: sum(int(each.metrics[name]) for each in health)
            for name in ProtectionSummary.model_fields
        }
    )


def recall(known: Sequence[Recall]) -> ImpactRecall | None:
    """The sum over the components of a target."""
    found = ImpactRecall(
        caught=sum(each.caught for each in known),
        missed=sum(each.missed for each in known),
        selected=sum(each.selected for each in known),
        total=sum(each.total for each in known),
    )
    return found if found.caught + found.missed + found.total else None


def waiting(change: Enhancement) -> Waiting:
    """What a person is asked, so that many of them can be read: the kind of it, and the first thing that is its own."""
    group, _, because = change.decision.approval_reason.partition(": ")
    survived = change.decision.protection.survived if change.decision.protection else ()
    more = 0
    if survived and change.decision.protection and because == change.decision.protection.summary:
        first, more = survived[0], len(survived) - 1
        reach = "" if first.reached else ", which no test reaches"
        because = f"{first.path}:{first.line}{reach}: {first.description}"
    return Waiting(
        id=change.id,
        title=change.proposal.title,
        component=change.proposal.component,
        files=change.proposal.patch.files,
        asks=change.decision.approval_reason,
        evidence=change.decision.evidence,
        group=group,
        because=because,
        more=more,
        full_run=change.decision.run is not None,
    )
