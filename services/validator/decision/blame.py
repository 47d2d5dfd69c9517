"""Finds the culprits of failing tests by targeted runs on parts of a batch.

Each run answers for all failing tests at once. For each test there is a smallest set of changes
with which it is known to fail; those that it passed with are cleared of it, and what is left are
its suspects (group testing: Dorfman 1943; Du and Hwang 1999). A suspect that stands out is tried
alone. The others are divided so that each run halves the suspects of as many tests as it can
(Shannon-Fano codes), so one series of about log2 n runs finds the culprits of all tests that have
one each. A test without any suspect is broken by several changes together, which is left to
`joint_blame`.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.validator.decision.batch import BlameStep, FailingBatch, name_tests
from services.validator.decision.evidence import NeedRuns, RequestedRun, RunPlan
from services.validator.decision.evidence_log import KnownOutcome
from services.validator.decision.inference import failing_parts
from services.validator.decision.joint_blame import JointBlame
from services.validator.decision.prime_suspects import PrimeSuspects
from services.validator.decision.splitting import (
    halving_groups,
    max_groups_at_once,
    midpoint,
    suspicion,
)
from shared.contracts.base import RunPurpose

# A suspect with this share of the suspicion of a test is a prime suspect, which is tried alone.
PRIME_SUSPECT_SHARE = 0.5
# Where this share of the suspects is expected to be bad, a group would nearly always fail: each is
# tried alone.
BAD_SHARE_TO_TRY_SINGLY = 0.2


@dataclass(frozen=True)
class _SortedTests:
    """The failing tests by prime suspect, those with suspects but no prime one, and the others."""

    by_prime_suspect: dict[str, list[str]]
    suspects: dict[str, dict[str, float]]
    unexplained: list[str]


class Blame:
    """The search for the culprits of a failing batch, as far as the log goes."""

    def __init__(self, batch: FailingBatch) -> None:
        self.batch = batch
        self._log = batch.log

    def next_step(self) -> BlameStep:
        """Return the runs needed next to find the culprits, or the decision about one of them."""
        tests, batch = self._sorted, self.batch
        step = PrimeSuspects(batch, tests.by_prime_suspect).next_step()
        if not isinstance(step, list):
            return step
        # Runs that clear others come first: after them what is known may be enough for the prime
        # suspects.
        requested = self._divide(tests.suspects) + step
        if requested:
            unique = tuple({each.plan: each for each in requested}.values())
            return NeedRuns(unique[: batch.max_runs])
        return JointBlame(batch, tests.unexplained or list(tests.suspects)).next_step()

    def runs_of_prime_suspects(self) -> NeedRuns | None:
        """Return runs of each prime suspect alone, to be made before the failures are confirmed.

        If no change is to blame, that costs a run more for each of them; otherwise it saves one.
        None if a test has no prime suspect, if they are many, or if nothing is left to ask.
        """
        tests = self._sorted
        if tests.suspects or tests.unexplained:
            return None
        runs = PrimeSuspects(self.batch, tests.by_prime_suspect).runs_alone()
        return NeedRuns(tuple(runs)[: self.batch.max_runs]) if runs else None

    def without_prime_suspects(self) -> tuple[str, ...]:
        """Return the batch without prime suspects and what needs them; () if a test has none."""
        tests = self._sorted
        if tests.suspects or tests.unexplained:
            return ()
        held = {each: tuple(suspected) for each, suspected in tests.by_prime_suspect.items()}
        return self.batch.hold_back_all(held).remaining

    @cached_property
    def _sorted(self) -> _SortedTests:
        """The failing tests by prime suspect, those with suspects but no prime one, and others."""
        found = _SortedTests(defaultdict(list), {}, [])
        for test in self.batch.tests:
            weights = self._suspects(test)
            likeliest = max(weights, key=lambda each: weights[each], default=None)
            if likeliest is None:
                found.unexplained.append(test)
            elif self._is_prime(weights[likeliest], sum(weights.values())):
                found.by_prime_suspect[likeliest].append(test)
            else:
                found.suspects[test] = weights
        return found

    def _is_prime(self, weight: float, total: float) -> bool:
        """Return true if a suspect has half of its test's suspicion, or all if frugal."""
        return weight == total if self.batch.is_frugal else weight >= PRIME_SUSPECT_SHARE * total

    def _suspects(self, test: str) -> dict[str, float]:
        """Return the changes that alone explain each failure and no pass, with their suspicion.

        If there are none, the changes of the smallest failing set that are not cleared: one of
        several may break it. Where the batch is frugal, there are none then.
        """
        log, changes = self._log, self.batch.changes
        cleared = log.cleared(test)
        parts = failing_parts(log, test, changes) or [frozenset(changes)]
        suspects = frozenset.intersection(*parts) - cleared
        if not suspects and not self.batch.is_frugal:
            left = [each - cleared for each in parts]
            # Sorted, so that of equally small sets always the same is chosen.
            smallest = sorted((each for each in left if each), key=lambda e: (len(e), sorted(e)))
            suspects = smallest[0] if smallest else frozenset()
        ordered = self.batch.ordered(suspects)
        return {each: suspicion(log.candidates[each], test) for each in ordered}

    def _divide(self, suspects_by_test: dict[str, dict[str, float]]) -> list[RequestedRun]:
        """Return runs of groups of suspects that say something new about at least one test."""
        suspects = self.batch.ordered(frozenset[str]().union(*suspects_by_test.values()))
        why = f"which of {len(suspects)} suspects break "
        requested = []
        for group in self._groups(suspects, suspects_by_test):
            plan = self.batch.plan(self.batch.with_needs(group))
            is_new = any(self._is_news(plan, *each) for each in suspects_by_test.items())
            if plan not in self._log and is_new:
                named = name_tests(sorted(suspects_by_test))
                requested.append(RequestedRun(plan, RunPurpose.BISECTION, why + named))
        return requested

    def _groups(
        self, suspects: Sequence[str], suspects_by_test: dict[str, dict[str, float]]
    ) -> list[frozenset[str]]:
        """Return groups of suspects: a prefix if frugal, each alone if many are bad, or halves."""
        if self.batch.is_frugal and suspects_by_test:
            return [self._prefix(next(iter(suspects_by_test.values())))]
        expected_bad = sum(self._log.candidates[each].risk for each in suspects)
        if expected_bad >= BAD_SHARE_TO_TRY_SINGLY * len(suspects):
            return [frozenset({each}) for each in suspects]
        most = max_groups_at_once(self._log.suite, self.batch.probe)
        return halving_groups(list(suspects_by_test.values()), min(self.batch.max_runs, most))

    def _prefix(self, suspects: Mapping[str, float]) -> frozenset[str]:
        """Return the batch up to the middle one of these suspects."""
        middle = list(suspects)[midpoint(0, len(suspects)) - 1]
        changes = self.batch.changes
        return frozenset(changes[: changes.index(middle) + 1])

    def _is_news(self, plan: RunPlan, test: str, suspects: dict[str, float]) -> bool:
        """Return true if a test's outcome in a run is unknown, and the run leaves a suspect out."""
        is_known = self._log.outcome(plan.changes, test) is not KnownOutcome.UNKNOWN
        return not is_known and not frozenset(suspects) <= frozenset(plan.changes)
