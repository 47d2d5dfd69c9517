"""Scoring a backtest: the gate's verdicts against what became of the commits, and batch costs."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from services.validator.decision.evidence import (
    Candidate,
    Finished,
    Land,
    NeedRuns,
    Reject,
    RequestedRun,
    RunComparison,
    RunEvidence,
    RunPlan,
    SuiteProfile,
    Undecided,
)
from services.validator.decision.gate import decide
from services.validator.suite.domain.reports import Outcome
from shared.contracts.documents.backtests import BacktestSummary, BatchCost, ReplayResult

BATCH_SIZE = 15
Score = Literal["caught", "missed", "false_alarm", "fine", "asked", "rule", "unknown"]


def broken_by(before: Mapping[str, Outcome], after: Mapping[str, Outcome]) -> frozenset[str]:
    """Return the tests that fail on a commit and did not on its parent, or were not there.

    Each commit ran its own tests. One that is gone was removed by its author: that is no failure.
    """
    bad = {test for test, now in after.items() if now.bad}
    return frozenset(test for test in bad if test not in before or not before[test].bad)


def score(verdict: str, *, rule: bool, bad: bool) -> Score:
    """Return how a verdict (land, refuse, ask or unknown) scores, if the commit proved bad or not.

    One that asks is `asked`, and one that follows from a rule and not from tests is `rule`.
    """
    if verdict == "unknown":
        return "unknown"
    if verdict == "ask":
        return "asked"
    if rule:
        return "rule"
    if verdict == "refuse":
        return "caught" if bad else "false_alarm"
    return "missed" if bad else "fine"


@dataclass(frozen=True)
class BacktestSpending:
    """What was run for a backtest.

    `gate` and `truth` are seconds by run; a run that serves both counts as the gate's.
    `reused_runs` counts those that were made before the backtest.
    """

    gate: Mapping[str, float]
    truth: Mapping[str, float]
    full: int
    targeted: int
    environments: Sequence[float] = ()
    reused_runs: int = 0
    suite_seconds: float = 0


def summarise(
    replayed: Sequence[ReplayResult], spent: BacktestSpending, batch: BatchCost | None
) -> BacktestSummary:
    """Return the figures of a backtest: verdicts by how they scored, runs, seconds and batches."""
    by_outcome = {name: [e for e in replayed if e.outcome == name] for name in Score.__args__}  # type: ignore[attr-defined]
    asked, rule = by_outcome["asked"], by_outcome["rule"]
    refused = [each for each in asked if each.code == "refuse"]
    return BacktestSummary(
        commits=len(replayed),
        caught=len(by_outcome["caught"]),
        missed=len(by_outcome["missed"]),
        false_alarms=len(by_outcome["false_alarm"]),
        fine=len(by_outcome["fine"]),
        asked=len(asked),
        needs_approval_bad=sum(each.is_bad for each in asked),
        needs_approval_rejected=len(refused),
        needs_approval_bad_rejected=sum(each.is_bad for each in refused),
        rejected_by_rule=len(rule),
        rejected_by_rule_bad=sum(each.is_bad for each in rule),
        unknown=len(by_outcome["unknown"]),
        full=spent.full,
        targeted=spent.targeted,
        seconds=sum(spent.gate.values()),
        truth_runs=len(spent.truth.keys() - spent.gate.keys()),
        truth_seconds=sum(s for run, s in spent.truth.items() if run not in spent.gate),
        environments=len(spent.environments),
        environment_seconds=sum(spent.environments),
        reused_runs=spent.reused_runs,
        suite_seconds=spent.suite_seconds,
        batch=batch,
    )


def batch_cost(
    replayed: Sequence[ReplayResult], suite: SuiteProfile, *, size: int = BATCH_SIZE
) -> BatchCost | None:
    """Estimate what the gate would have spent on these commits in batches; None if none counts.

    It simulates the gate's decisions without running anything: a batch is assumed to fail exactly
    the tests that one of its commits fails alone, and commits not to conflict. Commits that were
    judged by a rule, or not at all, are left out.
    """
    judged = [
        each for each in replayed if _code_verdict(each) in {"land", "refuse"} and not each.rule
    ]
    groups = [judged[n : n + size] for n in range(0, len(judged), size)]
    full = targeted = 0
    suites = 0.0
    for group in groups:
        for run in _simulate({e.commit: frozenset(_failing(e)) for e in group}, suite):
            full += not run.tests
            targeted += bool(run.tests)
            suites += suite.cost_share(run.tests) if run.tests else 1.0
    if not judged:
        return None
    return BatchCost(
        size=size,
        batches=len(groups),
        changes=len(judged),
        full=full,
        targeted=targeted,
        suites=round(suites, 2),
    )


def _code_verdict(each: ReplayResult) -> str:
    """Return the verdict of a replay, or the code of its reason where the verdict is `ask`."""
    return each.code if each.verdict == "ask" else each.verdict


def _failing(each: ReplayResult) -> tuple[str, ...]:
    """Return the tests for which the gate refused a commit, or its unprotected part; else none."""
    return each.tests if _code_verdict(each) == "refuse" else ()


def _simulate(failing: Mapping[str, frozenset[str]], suite: SuiteProfile) -> Iterable[RunPlan]:
    """Yield the runs that the gate would request until nothing of a batch is left."""
    left = list(failing)
    evidence: dict[RunPlan, RunEvidence] = {}
    while left:
        candidates = [Candidate(id=each, order=n) for n, each in enumerate(left)]
        match decide(candidates, evidence, suite=suite):
            case NeedRuns(runs=(RequestedRun(plan=run), *_)):
                worse = frozenset[str]().union(*(failing[each] for each in run.changes))
                evidence[run] = RunComparison(worse & set(run.tests) if run.tests else worse)
                yield run
            case Land(changes=changes):
                left = [each for each in left if each not in changes]
                evidence = {}
            case Reject(change=change) | Undecided(change=change):
                left.remove(change)
            case Finished():
                return
