"""The dimension `tests` of health: how the suite did before a wave and on what landed."""

from collections.abc import Sequence

from shared.agent_types.health import Metric
from shared.contracts.base import RunKind, RunPurpose
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.runs import TestCounts, TestRun
from shared.contracts.health import DimensionHealth, MetricChange, ProtectionSummary
from shared.contracts.states import RunState
from shared.kernel.ids import short_id

DIMENSION, SAMPLE_UNIT = "tests", "tests"
FORMULA = "100 * passed / (passed + failing)"
PASSED = Metric("passed", "tests", "up")
FAILING = Metric("failing", "tests")
SKIPPED = Metric("skipped", "tests")
KILLED = Metric("killed_mutants", "% of the mutants in what landed", "up")
METRICS = (PASSED, FAILING, SKIPPED, KILLED)


def suite_score(counts: TestCounts) -> float | None:
    """Return the share of tests that pass, from 0 to 100; None if none passed or failed."""
    ran = counts.passed + counts.failed
    return round(100 * counts.passed / ran, 1) if ran else None


def compare_suite(
    runs: Sequence[TestRun],
    commit: str,
    landed: Sequence[Enhancement],
    final_commit: str | None,
    protection: ProtectionSummary | None,
) -> DimensionHealth:
    """Return how the suite did on the first commit of a wave, and on its final one.

    The latter is the full run that let the last change land; without one both are the same.
    """
    first = _last([each for each in runs if _is_of_commit(each, commit)])
    last = first if final_commit == commit else _run_of_landing(runs, landed, final_commit)
    before, after = (run.result.counts if run else None for run in (first, last))
    return DimensionHealth(
        dimension=DIMENSION,
        source=_source(first, last),
        sample_unit=SAMPLE_UNIT,
        sample_before=before.tests if before else None,
        sample_after=after.tests if after else None,
        score_before=suite_score(before) if before else None,
        score_after=suite_score(after) if after else None,
        metrics=_metrics(before, after, protection),
    )


def _is_of_commit(run: TestRun, commit: str) -> bool:
    """Return whether a run is the baseline of a commit."""
    return run.request.purpose is RunPurpose.BASELINE and run.request.head == commit


def _run_of_landing(
    runs: Sequence[TestRun], landed: Sequence[Enhancement], final_commit: str | None
) -> TestRun | None:
    """Return the full run of the tree of a wave's final commit; None if that is not known."""
    deciding = {e.decision.run for e in landed if e.landing.commit == final_commit}
    return _last(
        [
            each
            for each in runs
            if each.id in deciding and each.request.kind is RunKind.TESTS and not each.request.tests
        ]
    )


def _last(runs: Sequence[TestRun]) -> TestRun | None:
    """Return the run with a report in which most tests pass; None without one."""
    reported = [
        (each.result.counts.passed, each.id, each)
        for each in runs
        if each.state is RunState.FINISHED and each.result.counts is not None
    ]
    return max(reported, default=(0, "", None))[2]


def _source(first: TestRun | None, last: TestRun | None) -> str:
    """Return which runs were read, by their short ids."""
    ids = dict.fromkeys(short_id(each.id) for each in (first, last) if each is not None)
    return f"full runs {', '.join(ids)}" if ids else ""


def _metrics(
    before: TestCounts | None, after: TestCounts | None, protection: ProtectionSummary | None
) -> tuple[MetricChange, ...]:
    """Return the counts of both runs, and how many of the mutants in what landed were killed."""
    ends = [(e.passed, e.failed, e.skipped) if e else (None,) * 3 for e in (before, after)]
    known = zip((PASSED, FAILING, SKIPPED), *ends, strict=True)
    counted = [_change(metric, first, last) for metric, first, last in known]
    if protection is None or not protection.mutants:
        return tuple(counted)
    share = round(100 * protection.killed / protection.mutants, 1)
    return (*counted, _change(KILLED, None, share))


def _change(metric: Metric, before: float | None, after: float | None) -> MetricChange:
    """Return a metric with its values."""
    return MetricChange(
        name=metric.name, unit=metric.unit, better=metric.better, before=before, after=after
    )
