"""The gate's decisions: pure code over the evidence log of one head.

`decide` is called again and again; each time it reads the whole log and returns the next step. So
the same log always gives the same decision, and a crash loses nothing but time.

Full runs land changes, targeted runs find culprits. A batch that is worse leaves a set of failing
tests, and each run of only these tests on a part of the batch says something about all of them at
once (`blame`). A change is rejected only if it fails alone on the head, on a test that passes
there, three times in at least two runs that nothing else explains. A change that fails only
together with others is held back until they have landed, and is judged on the new head. Each step
lands, rejects or asks about something smaller, so a round ends.
"""

from collections.abc import Mapping, Sequence

from services.validator.decision.batch import FailingBatch, HeldBack
from services.validator.decision.blame import Blame
from services.validator.decision.evidence import (
    BENCHMARK_PREFIX,
    UNKNOWN_SUITE,
    Candidate,
    DoesNotApply,
    Finished,
    Land,
    NeedRuns,
    NoReport,
    RequestedRun,
    RunComparison,
    RunEvidence,
    RunPlan,
    Step,
    SuiteProfile,
    Undecided,
)
from services.validator.decision.evidence_log import (
    BURN_IN_REPEATS,
    FLAKY_REPEATS,
    EvidenceLog,
    KnownOutcome,
)
from services.validator.decision.first_runs import first_run, quick_gates
from services.validator.decision.head_evidence import (
    flaky_on_head,
    flaky_tests_of_unknown_rate,
    next_run_of_head,
)
from services.validator.decision.inference import (
    has_failed_enough,
    tests_to_explain,
    unconfirmed_tests,
)
from services.validator.decision.rates import FailureRate
from services.validator.decision.splitting import choose_reruns
from shared.contracts.base import RunPurpose

# A change that so many rounds left undecided is tried alone, so that no other change is in its way.
MAX_ROUNDS_WAITED = 3


def decide(
    candidates: Sequence[Candidate],
    evidence: Mapping[RunPlan, RunEvidence],
    *,
    suite: SuiteProfile = UNKNOWN_SUITE,
    max_runs: int = 1,
) -> Step:
    """Return the next step; if it needs runs, at most `max_runs` that can be made in parallel."""
    ordered = sorted(candidates, key=lambda each: each.order)
    if not ordered:
        return Finished()
    log = EvidenceLog(evidence, {each.id: each for each in ordered}, suite)
    return _BatchJudge(log, max_runs).judge(_first_batch(ordered))


def flaky_tests(evidence: Mapping[RunPlan, RunEvidence]) -> dict[str, FailureRate]:
    """Return the tests that both failed and passed on the head itself, with their counts."""
    return flaky_on_head(EvidenceLog(evidence, {}, UNKNOWN_SUITE))


def _first_batch(ordered: Sequence[Candidate]) -> tuple[str, ...]:
    """Return all candidates, or the one that has waited too long with those that it needs."""
    longest = max(ordered, key=lambda each: each.rounds_waited)
    if longest.rounds_waited < MAX_ROUNDS_WAITED:
        return tuple(each.id for each in ordered)
    alone = longest.needs | {longest.id}
    return tuple(each.id for each in ordered if each.id in alone)


class _BatchJudge:
    """Decides about a batch, parts of which may have been tried already."""

    def __init__(self, log: EvidenceLog, max_runs: int) -> None:
        self._log = log
        self._max_runs = max_runs
        self._held_back: dict[str, tuple[str, ...]] = {}

    def judge(self, changes: tuple[str, ...]) -> Step:
        """Land `changes`, or take the next step towards the culprits among them."""
        if runs := quick_gates(self._log, changes, self._max_runs) or self._rates_on_head():
            return NeedRuns(runs)
        unconfirmed = unconfirmed_tests(self._log, changes)
        blame = self._blame(changes, unconfirmed) if unconfirmed else None
        if blame and (alone := blame.runs_of_prime_suspects()):
            return self._with_run_ahead(blame, alone)
        if failing := tests_to_explain(self._log, changes, unconfirmed):
            return self._find_culprits(changes, failing)
        if blame:
            return self._with_run_ahead(blame, self._confirm(changes, unconfirmed))
        if first := first_run(self._log, changes):
            return NeedRuns((first,))
        return self._try_all(changes)

    def _blame(self, changes: tuple[str, ...], failing: frozenset[str]) -> Blame:
        """Return the search for the culprits of these failing tests."""
        return Blame(FailingBatch(self._log, changes, failing, self._max_runs))

    def _rates_on_head(self) -> tuple[RequestedRun, ...]:
        """Return a run of the head for flaky tests of unknown rate; none if two gave no report."""
        unknown = flaky_tests_of_unknown_rate(self._log)
        plan = self._log.next_repetition((), unknown, FLAKY_REPEATS)
        if not unknown or self._log.failed_attempts(plan):
            return ()
        why = f"how often {len(unknown)} flaky tests fail there"
        return (RequestedRun(plan, RunPurpose.BASE_AGAIN, why),)

    def _try_all(self, changes: tuple[str, ...]) -> Step:
        """Request the full run, then burn-in and benchmarks, then land; shrink without a report."""
        full = RunPlan(changes)
        if full not in self._log:
            why = "all of them together, every test"
            return NeedRuns((RequestedRun(full, RunPurpose.FULL_RUN, why),))
        found = self._log[full]
        if not isinstance(found, RunComparison):
            return self._shrink(changes, found)
        missing = self._burn_in(changes, found) or self._compare_benchmarks(changes)
        return missing or Land(changes, full, tuple(self._held_back.items()))

    def _find_culprits(self, changes: tuple[str, ...], failing: frozenset[str]) -> Step:
        """Return the next step; without changes held back, or with half the batch if all are."""
        blame = self._blame(changes, failing)
        step = blame.next_step()
        if not isinstance(step, HeldBack):
            return self._with_run_ahead(blame, step)
        if not step.remaining:
            return self._shrink(changes, NoReport("every part of it is in the way of another"))
        self._held_back |= step.changes
        return self.judge(step.remaining)

    def _with_run_ahead(self, blame: Blame, step: Step) -> Step:
        """Add to needed runs the full run without prime suspects, if more than one may be made."""
        if not isinstance(step, NeedRuns) or self._max_runs == 1:
            return step
        plan = RunPlan(blame.without_prime_suspects())
        if not plan.changes or plan in self._log or plan in {each.plan for each in step.runs}:
            return step
        suspects = len(blame.batch.changes) - len(plan.changes)
        ahead = RequestedRun(plan, RunPurpose.FULL_RUN, f"all but {suspects} suspects, ahead")
        first, *rest = step.runs
        return NeedRuns((first, ahead, *rest)[: self._max_runs])

    def _shrink(self, changes: tuple[str, ...], found: NoReport | DoesNotApply) -> Step:
        """Try half of a batch without a report; one change that gives none alone is undecided."""
        if len(changes) == 1:
            reason = found.reason if isinstance(found, NoReport) else "it does not apply"
            return Undecided(changes[0], reason)
        return self.judge(changes[: len(changes) // 2])

    def _confirm(self, changes: tuple[str, ...], unconfirmed: frozenset[str]) -> Step:
        """Request the missing runs with the changes and of the head; shrink without reports."""
        log = self._log
        repeat = min(log.required_repeats(each) for each in unconfirmed)
        alike = {each for each in unconfirmed if log.required_repeats(each) == repeat}
        tests = choose_reruns(alike, log.suite)
        failed_once = [each for each in tests if not has_failed_enough(log, changes, each)]
        requested = []
        if failed_once:
            plan = log.next_repetition(changes, failed_once, repeat)
            why = f"whether {len(failed_once)} tests fail again"
            requested.append(RequestedRun(plan, RunPurpose.CONFIRMATION, why))
        if head := next_run_of_head(log, tests):
            why = f"whether {len(head.tests)} tests still pass there"
            requested.append(RequestedRun(head, RunPurpose.BASE_AGAIN, why))
        for each in requested:
            if missing := log.failed_attempts(each.plan):
                return self._shrink(changes, missing)
        return NeedRuns(tuple(requested)[: self._max_runs])

    def _burn_in(self, changes: tuple[str, ...], found: RunComparison) -> Step | None:
        """Request many runs of unknown new tests, if any: flaky ones would reject good changes."""
        log = self._log
        unknown = [t for t in found.new if log.outcome(changes, t) is KnownOutcome.UNKNOWN]
        if not unknown:
            return None
        plan = log.next_repetition(changes, unknown, BURN_IN_REPEATS)
        if missing := log.failed_attempts(plan):
            return self._shrink(changes, missing)
        why = f"{len(unknown)} new tests, {BURN_IN_REPEATS} times each"
        return NeedRuns((RequestedRun(plan, RunPurpose.BURN_IN, why),))

    def _compare_benchmarks(self, changes: tuple[str, ...]) -> Step | None:
        """Request the benchmarks of a batch that passed, with no run beside them; None if done.

        Benchmarks that give no report on the head either say nothing about the changes.
        """
        plan, head = RunPlan(changes, (BENCHMARK_PREFIX,)), RunPlan((), (BENCHMARK_PREFIX,))
        if not self._log.suite.benchmarks:
            return None
        if plan not in self._log:
            why = "whether anything got slower"
            return NeedRuns((RequestedRun(plan, RunPurpose.BENCHMARKS, why),))
        found = self._log[plan]
        if isinstance(found, RunComparison):
            return None
        if head not in self._log:
            why = "whether they give a report on the head at all"
            return NeedRuns((RequestedRun(head, RunPurpose.BENCHMARKS, why),))
        has_report = isinstance(self._log[head], RunComparison)
        return self._shrink(changes, found) if has_report else None
