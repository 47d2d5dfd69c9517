"""The figures of a wave's report. What was not measured is None, never a number."""

from collections.abc import Iterable, Sequence
from statistics import median

from services.api.domain.dimensions import mean_score
from shared.contracts.base import RunKind, RunPurpose
from shared.contracts.documents.conflicts import ConflictOutcome, ConflictResolution
from shared.contracts.documents.findings import Health
from shared.contracts.documents.runs import BenchmarkResult, Recall, TestRun
from shared.contracts.health import (
    ComponentHealth,
    DimensionHealth,
    HealthChange,
    ProtectionSummary,
)
from shared.contracts.report import BaselineSummary, Coordination, ImpactRecall, TestTime
from shared.contracts.states import RunState

# One waits still; the other was left to a person.
NOT_SETTLED = frozenset({None, ConflictOutcome.LEFT_TO_PERSON})


def sum_coordination(conflicts: Iterable[ConflictResolution]) -> Coordination | None:
    """Return how many overlaps were settled without a person; None if there were none."""
    outcomes = [each.outcome for each in conflicts if each.outcome is not ConflictOutcome.WITHDRAWN]
    if not outcomes:
        return None
    settled = sum(each not in NOT_SETTLED for each in outcomes)
    return Coordination(overlaps=len(outcomes), settled=settled)


def sum_test_time(runs: Sequence[TestRun], baseline: BaselineSummary | None) -> TestTime | None:
    """Return the time of all finished runs, and that of one full run; None if no run finished.

    The full run is the median one with changes if there was any, else the baseline, which takes
    longer as it also records which functions each test reaches.
    """
    finished = [each for each in runs if each.state is RunState.FINISHED]
    if not finished:
        return None
    full = [each.execution.seconds for each in finished if _is_plain_full_run(each)]
    if not full and baseline is not None:
        full = [baseline.seconds]
    return TestTime(
        runs=len(finished),
        seconds=sum(each.execution.seconds for each in finished),
        suite_seconds=median(full) if full else None,
    )


def _is_plain_full_run(run: TestRun) -> bool:
    """Return whether a run with changes ran and reported every test once, and recorded nothing."""
    request = run.request
    every_test_once = request.kind is RunKind.TESTS and not request.tests and request.repeat == 1
    reported = run.result.counts is not None
    return every_test_once and bool(request.changes) and reported and not request.record


def find_baseline(runs: Iterable[TestRun], commit: str) -> BaselineSummary | None:
    """Return the full run on `commit`, whichever wave requested it; None without a reported one.

    Of several ways to run the tests, the one in which most of them pass was chosen.
    """
    measured = [
        (each, each.result.counts)
        for each in runs
        if each.request.purpose is RunPurpose.BASELINE and each.request.head == commit
    ]
    known = [(run, counts) for run, counts in measured if counts is not None]
    if not known:
        return None
    run, counts = max(known, key=lambda each: each[1].passed)
    return BaselineSummary(
        tests=counts.tests,
        passed=counts.passed,
        skipped=counts.skipped,
        failing=run.result.failing,
        seconds=run.execution.seconds,
    )


def last_benchmarks(runs: Iterable[TestRun]) -> tuple[BenchmarkResult, ...]:
    """Return the results of the last finished benchmarks that included changes; () for none."""
    compared = [
        each
        for each in runs
        if each.result.benchmarks and each.request.changes and each.state is RunState.FINISHED
        if each.request.kind is RunKind.BENCHMARKS
    ]
    last = max(
        compared, key=lambda each: (each.finished_at or each.created_at, each.id), default=None
    )
    return last.result.benchmarks if last else ()


def sum_recall(recall: Sequence[Recall]) -> ImpactRecall | None:
    """Return the recall of a target's components added up; None if nothing was measured."""
    total = ImpactRecall(
        caught=sum(each.caught for each in recall),
        missed=sum(each.missed for each in recall),
        selected=sum(each.selected for each in recall),
        total=sum(each.total for each in recall),
    )
    return total if total.caught + total.missed + total.total else None


def compare_health(
    before: Sequence[Health],
    after: Sequence[Health],
    protection: Sequence[Health],
    dimensions: tuple[DimensionHealth, ...] = (),
) -> HealthChange:
    """Compare the health of every component before and after a wave.

    `protection` is the protection dimension of the commits that landed; `dimensions` are compared
    already.
    """
    names = sorted({each.component for health in (before, after, protection) for each in health})
    return HealthChange(
        score_before=mean_score(before),
        score_after=mean_score(after),
        findings_before=_sum_findings(before),
        findings_after=_sum_findings(after),
        components=tuple(_compare_component(name, before, after, protection) for name in names),
        protection=sum_protection(protection),
        dimensions=dimensions,
    )


def _compare_component(
    name: str,
    before: Sequence[Health],
    after: Sequence[Health],
    protection: Sequence[Health],
) -> ComponentHealth:
    """Return the health of one component before and after a wave."""
    first, last, landed = (
        [each for each in health if each.component == name]
        for health in (before, after, protection)
    )
    return ComponentHealth(
        component=name,
        score_before=mean_score(first),
        score_after=mean_score(last),
        findings_before=_sum_findings(first),
        findings_after=_sum_findings(last),
        protection=sum_protection(landed),
    )


def _sum_findings(health: Sequence[Health]) -> int | None:
    """Return the number of findings in all components; None if none was measured."""
    return sum(int(each.metrics["findings"]) for each in health) if health else None


def sum_protection(health: Sequence[Health]) -> ProtectionSummary | None:
    """Return the counts of mutants and lines added up; None if none were measured."""
    if not health:
        return None
    return ProtectionSummary(
        **{
            name: sum(int(each.metrics[name]) for each in health)
            for name in ProtectionSummary.model_fields
        }
    )
