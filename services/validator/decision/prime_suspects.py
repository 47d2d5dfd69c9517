"""Judges the suspects that stand out, each alone; one run can confirm several of them."""

from collections.abc import Mapping, Sequence

from services.validator.decision.alone import judge_alone
from services.validator.decision.batch import ChangeStep, FailingBatch, name_tests
from services.validator.decision.evidence import RequestedRun
from services.validator.decision.evidence_log import KnownOutcome
from services.validator.decision.head_evidence import next_run_of_head
from services.validator.decision.inference import has_proven_failures
from shared.contracts.base import RunPurpose

# So many prime suspects are not tried before the failures are confirmed.
TOO_MANY_SUSPECTS = 4


class PrimeSuspects:
    """The prime suspects of a failing batch, each with the tests that it is suspected to break."""

    def __init__(self, batch: FailingBatch, tests: Mapping[str, Sequence[str]]) -> None:
        self._batch = batch
        self._log = batch.log
        self._tests = tests

    def next_step(self) -> ChangeStep:
        """Return a decision about one of the suspects, or all runs that are missing, maybe none."""
        requested: list[RequestedRun] = []
        for change in sorted(self._tests, key=lambda each: (-len(self._tests[each]), each)):
            step = judge_alone(self._batch, change, self._tests[change])
            if not isinstance(step, list):
                return step
            requested += step
        # A run of another suspect alone may clear this one, and one run can confirm several.
        together = self._confirm_together()
        confirming = [each for each in requested if each.purpose is RunPurpose.CONFIRMATION]
        alone = [each for each in requested if each.purpose is RunPurpose.BLAME]
        return [*alone, *([together] if together else confirming), *self._run_head(requested)]

    def runs_alone(self) -> list[RequestedRun]:
        """Return a run of each untried suspect alone; none if there are many suspects."""
        if len(self._tests) >= TOO_MANY_SUSPECTS:
            return []
        requested, batch = list[RequestedRun](), self._batch
        for change, tests in self._tests.items():
            plan = batch.plan_alone(batch.with_needs({change}))
            if plan not in self._log and not self._log.comparisons(plan.changes):
                why = f"whether {name_tests(tests)} fails with it alone"
                requested.append(RequestedRun(plan, RunPurpose.BLAME, why))
        return requested

    def _run_head(self, requested: Sequence[RequestedRun]) -> list[RequestedRun]:
        """Return the requested runs of the head as one run, or as they are if that is no use."""
        on_head = [each for each in requested if not each.plan.changes]
        plan = next_run_of_head(self._log, {test for each in on_head for test in each.plan.tests})
        if plan is None or self._log.failed_attempts(plan):
            return on_head
        why = f"whether {name_tests(plan.tests)} passes without them"
        return [RequestedRun(plan, RunPurpose.BASE_AGAIN, why)]

    def _confirm_together(self) -> RequestedRun | None:
        """Return one more run of several suspects, cleared of each other's tests; else None."""
        log, chosen = self._log, dict[str, list[str]]()
        for change, suspected in self._tests.items():
            unproven = [each for each in suspected if self._is_unproven(change, each)]
            others = {each for tests in chosen.values() for each in tests}
            is_apart = all(chosen.keys() <= log.cleared(each) for each in unproven)
            if unproven and is_apart and all(change in log.cleared(each) for each in others):
                chosen[change] = unproven
        if len(chosen) <= 1:
            return None
        tests = sorted({each for mine in chosen.values() for each in mine})
        plan = log.next_repetition(self._batch.ordered(chosen), tests, self._batch.repeat)
        why = f"whether {name_tests(tests)} fails again, each with its own change"
        return (
            None if log.failed_attempts(plan) else RequestedRun(plan, RunPurpose.CONFIRMATION, why)
        )

    def _is_unproven(self, change: str, test: str) -> bool:
        """Return true if the test fails with this change alone, but not often enough for blame.

        False for a test that is repeated or contradictory, and for a change with needs.
        """
        log = self._log
        fails = log.outcome((change,), test) is KnownOutcome.FAILS and self._batch.repeat == 1
        is_special = log.is_contradictory(test) or bool(log.candidates[change].needs)
        return fails and not is_special and not has_proven_failures(log, change, test)
