"""Scoring a backtest: what the gate said of each commit against what became of it, and what batches would have cost."""

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

BATCH = 15
Score = Literal["caught", "missed", "false_alarm", "fine", "asked", "rule", "unknown"]


def broken_by(before: Mapping[str, Outcome], after: Mapping[str, Outcome]) -> frozenset[str]:
    """The tests that fail under a commit's own tests and did not on its parent under the parent's.

    A test that went away was taken away by a person; that is no failure.
    """
    bad = {test for test, now in after.items() if now.bad}
    return frozenset(test for test in bad if test not in before or not before[test].bad)


def score(said: str, *, rule: bool, bad: bool) -> Score:
    """What an answer was worth. What is for a person, or for none of the tests to say, is not scored."""
    if said == "unknown":
        return "unknown"
    if said == "ask":
        return "asked"
    if rule:
        return "rule"
    if said == "refuse":
        return "caught" if bad else "false_alarm"
    return "missed" if bad else "fine"


@dataclass(frozen=True)
class Spent:
    """What was run for a backtest. `gate` and `truth` are seconds by run; a run may serve both, and is the gate's then."""

    gate: Mapping[str, float]
    truth: Mapping[str, float]
    full: int
    targeted: int
    environments: Sequence[float] = ()
    reused_runs: int = 0
    suite_seconds: float = 0


def summarise(
    replayed: Sequence[ReplayResult], spent: Spent, batch: BatchCost | None
) -> BacktestSummary:
    """The figures of a backtest."""
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
    replayed: Sequence[ReplayResult], knowledge: SuiteProfile, *, size: int = BATCH
) -> BatchCost | None:
    """What the gate would have spent on these commits in batches: its own decisions, on what was measured of each alone.

    Reckoned and not run: a batch is taken to fail exactly the tests that one of its commits fails alone, as if none
    conflicted with another. What was judged by a rule, or not at all, is in no batch. None where nothing is left.
    """
    judged = [each for each in replayed if _answer(each) in {"land", "refuse"} and not each.rule]
    groups = [judged[n : n + size] for n in range(0, len(judged), size)]
    full = targeted = 0
    suites = 0.0
    for group in groups:
        for run in _play({e.commit: frozenset(_failing(e)) for e in group}, knowledge):
            full += not run.tests
            targeted += bool(run.tests)
            suites += knowledge.cost_share(run.tests) if run.tests else 1.0
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


def _answer(each: ReplayResult) -> str:
    return each.code if each.verdict == "ask" else each.verdict


def _failing(each: ReplayResult) -> tuple[str, ...]:
    return each.tests if _answer(each) == "refuse" else ()


def _play(failing: Mapping[str, frozenset[str]], knowledge: SuiteProfile) -> Iterable[RunPlan]:
    """The runs that the gate asks for until nothing of a batch is left, on one head after another."""
    left = list(failing)
    evidence: dict[RunPlan, RunEvidence] = {}
    while left:
        candidates = [Candidate(id=each, order=n) for n, each in enumerate(left)]
        match decide(candidates, evidence, suite=knowledge):
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
