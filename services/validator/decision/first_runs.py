"""The targeted runs before a full run that are expected to save more than they cost."""

from services.validator.decision.evidence import RequestedRun, RunPlan
from services.validator.decision.evidence_log import FLAKY_REPEATS, EvidenceLog
from services.validator.decision.inference import open_tests, tests_not_run_with
from services.validator.decision.splitting import (
    MAX_RERUN_COST_SHARE,
    affordable_repeats,
    choose_first_tests,
    choose_reruns,
    quick_gate_pays,
)
from shared.contracts.base import RunPurpose


def quick_gates(
    log: EvidenceLog, changes: tuple[str, ...], max_runs: int
) -> tuple[RequestedRun, ...]:
    """Return missing quick gates, the riskiest changes' first, if they are expected to pay."""
    candidates = [log.candidates[each] for each in changes]
    if not log.suite.budget or RunPlan(changes) in log:
        return ()
    if not quick_gate_pays(candidates, log.suite):
        return ()
    plans = [
        RunPlan((each.id,), tuple(sorted(each.impacted)))
        for each in sorted(candidates, key=lambda each: -each.risk)
        if each.impacted and not each.needs
    ]
    why = "the tests that reach it, before it is tried with others"
    runs = [RequestedRun(each, RunPurpose.QUICK_GATE, why) for each in plans if each not in log]
    return tuple(runs[:max_runs])


def first_run(log: EvidenceLog, changes: tuple[str, ...]) -> RequestedRun | None:
    """Return a targeted run that may save the full run of an untried batch, if there is one.

    It runs the tests that failed with more than these changes, or else all that reach any.
    """
    if log.comparisons(changes):
        return None
    failed = open_tests(log, changes)
    reaching = _reaching(log, changes)
    if not failed.isdisjoint(failed if reaching is None else reaching):
        return _check(log, changes, failed)
    return _quick_gate(log, changes)


def _check(
    log: EvidenceLog, changes: tuple[str, ...], failed: frozenset[str]
) -> RequestedRun | None:
    """Return a run of tests that failed with more changes; None if made or too expensive."""
    suite = log.suite
    plan = RunPlan(changes, choose_reruns(failed, suite))
    if plan in log:
        return None
    if suite.durations and suite.cost_share(plan.tests) > MAX_RERUN_COST_SHARE:
        return None
    why = f"whether {len(failed)} tests that failed with more changes also fail with these"
    return RequestedRun(plan, RunPurpose.CHECK, why)


def _quick_gate(log: EvidenceLog, changes: tuple[str, ...]) -> RequestedRun | None:
    """Return a run of the tests that reach a batch; None if it was made or does not pay."""
    suite = log.suite
    if not suite.budget:
        return None
    candidates = [log.candidates[each] for each in changes]
    worth = choose_first_tests(candidates, suite)
    tests = tests_not_run_with(log, changes, worth)
    # Most of the cost of such a run is its startup, so repeating its tests shows flaky ones
    # early.
    repeat = affordable_repeats(suite, tests, FLAKY_REPEATS - 1)
    plan = RunPlan(changes, tuple(sorted(tests)), 0, repeat)
    why = f"the {len(tests)} tests that reach any of them, before all tests"
    return None if not tests or plan in log else RequestedRun(plan, RunPurpose.QUICK_GATE, why)


def _reaching(log: EvidenceLog, changes: tuple[str, ...]) -> frozenset[str] | None:
    """Return the tests that reach any of the changes; None if that is unknown for one."""
    found = frozenset[str]()
    for each in changes:
        impacted = log.candidates[each].impacted
        if impacted is None:
            return None
        found |= impacted
    return found
