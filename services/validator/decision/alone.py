"""Judges one suspect by what it does alone on the head, and rejects it if it is the culprit."""

from collections.abc import Sequence

from services.validator.decision.batch import ChangeStep, FailingBatch, HeldBack, name_tests
from services.validator.decision.evidence import (
    NoReport,
    Reject,
    RequestedRun,
    RunComparison,
    RunPlan,
    Undecided,
)
from services.validator.decision.evidence_log import KnownOutcome
from services.validator.decision.head_evidence import next_run_of_head
from services.validator.decision.inference import (
    has_proven_failures,
    is_culprit,
    last_failing_run,
)
from shared.contracts.base import RunPurpose


def judge_alone(batch: FailingBatch, change: str, tests: Sequence[str]) -> ChangeStep:
    """Reject a change that is proven to break one of these tests alone, or return what is missing.

    A change that does not apply alone is tried with what it needs, and held back if that fails.
    """
    log, alone = batch.log, batch.with_needs({change})
    failing = [each for each in tests if log.outcome(alone, each) is KnownOutcome.FAILS]
    if not failing:
        return _try_alone(batch, change, alone, tests)
    if len(alone) > 1:
        return _compare_with_needs(batch, change, alone, failing)
    proven = [each for each in failing if is_culprit(log, change, each)]
    if not proven:
        return _confirm(batch, change, alone, failing)
    plan = last_failing_run(log, alone, proven)
    return Reject(change, tuple(sorted(proven)), plan, _passing_on_base(proven))


def _try_alone(
    batch: FailingBatch, change: str, alone: tuple[str, ...], tests: Sequence[str]
) -> Undecided | HeldBack | list[RequestedRun]:
    """Return the missing runs of a change alone; where none can help, give up or hold it back."""
    log, plan = batch.log, batch.plan_alone(alone)
    if plan not in log:
        return [
            RequestedRun(plan, RunPurpose.BLAME, f"whether {name_tests(tests)} fails with it alone")
        ]
    found = log[plan]
    if isinstance(found, RunComparison):
        again = log.next_repetition(alone, tests, batch.repeat)
        if not log.failed_attempts(again):
            why = f"how often {name_tests(tests)}, which is flaky, fails with it"
            return [RequestedRun(again, RunPurpose.BLAME, why)]
    if isinstance(found, NoReport) and len(alone) == 1:
        return Undecided(change, found.reason)
    return batch.hold_back(change, tests)


def _compare_with_needs(
    batch: FailingBatch, change: str, alone: tuple[str, ...], failing: list[str]
) -> HeldBack | list[RequestedRun]:
    """Hold a change back until what it needs has landed, once the tests have run without it."""
    needs = tuple(each for each in alone if each != change)
    plan = RunPlan(needs, tuple(sorted(failing)), 0, batch.repeat)
    outcomes = [batch.log.outcome(needs, each) for each in failing]
    if KnownOutcome.UNKNOWN in outcomes and plan not in batch.log:
        return [
            RequestedRun(
                plan, RunPurpose.BLAME, f"whether {name_tests(failing)} also fails without it"
            )
        ]
    return batch.hold_back(change, failing)


def _confirm(
    batch: FailingBatch, change: str, alone: tuple[str, ...], failing: list[str]
) -> Undecided | list[RequestedRun]:
    """Request the missing runs of the change alone and of the head; give up without reports."""
    log, requested = batch.log, list[RequestedRun]()
    if not all(has_proven_failures(log, change, each) for each in failing):
        plan = log.next_repetition(alone, failing, batch.repeat_alone)
        why = f"whether {name_tests(failing)} fails again"
        requested.append(RequestedRun(plan, RunPurpose.CONFIRMATION, why))
    if head := next_run_of_head(log, failing):
        why = f"whether {name_tests(head.tests)} passes without it"
        requested.append(RequestedRun(head, RunPurpose.BASE_AGAIN, why))
    for each in requested:
        if missing := log.failed_attempts(each.plan):
            return Undecided(change, missing.reason)
    return requested


def _passing_on_base(tests: Sequence[str]) -> str:
    """Return the reason of a rejection, in which these tests pass only without the change."""
    passing = f"{tests[0]} passes" if len(tests) == 1 else f"{len(tests)} tests pass"
    return f"{passing} on the base and not with it"
