"""Finds the culprits of failing tests by targeted runs on parts of a batch.

Each run answers for all failing tests at once. For each test there is a smallest set of changes
with which it is known to fail; those that it passed with are cleared of it, and what is left are
its suspects (group testing: Dorfman 1943; Du and Hwang 1999). Each run halves the suspects of as
many tests as it can, so one series of at most log2 n runs finds the only suspect of each test that
has a single culprit, which is then tried alone. A test without any suspect is broken by several
changes together, which is left to `joint_blame`.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.validator.decision.batch import BlameStep, FailingBatch, name_tests
from services.validator.decision.evidence import NeedRuns, RequestedRun, RunPlan
from services.validator.decision.evidence_log import KnownOutcome
from services.validator.decision.halving import halving_groups
from services.validator.decision.inference import failing_parts
from services.validator.decision.joint_blame import JointBlame
from services.validator.decision.pairs import suspected_pairs
from services.validator.decision.prime_suspects import PrimeSuspects
from services.validator.decision.splitting import max_groups_at_once, midpoint, suspicion
from shared.contracts.base import RunPurpose

# A suspect with this share of the suspicion of a test is a prime suspect, which is tried alone
# before the failure is confirmed.
PRIME_SUSPECT_SHARE = 0.5
# Where runs are expensive, one of two equal suspects is none yet.
FRUGAL_PRIME_SUSPECT_SHARE = 0.51
# Where this share of the suspects is expected to be bad, a group would nearly always fail: each is
# tried alone.
BAD_SHARE_TO_TRY_SINGLY = 0.75


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
        tests, batch = self._sorted(1.0), self.batch
        step = PrimeSuspects(batch, tests.by_prime_suspect).next_step()
        if not isinstance(step, list):
            return step
        # Groups come first, as a decision about a change ends the runs that it is part of.
        if requested := self._divide(tests.suspects) or step:
            unique = tuple({each.plan: each for each in requested}.values())
            return NeedRuns(unique[: batch.max_runs])
        return JointBlame(batch, tests.unexplained or list(tests.suspects)).next_step()

    def runs_of_prime_suspects(self) -> NeedRuns | None:
        """Return runs of each prime suspect alone, to be made before the failures are confirmed.

        If no change is to blame, that costs a run more for each of them; otherwise it saves one.
        None if a test has no prime suspect, if they are many, or if nothing is left to ask.
        """
        tests = self._sorted(self._prime_share)
        if tests.suspects or tests.unexplained:
            return None
        runs = PrimeSuspects(self.batch, tests.by_prime_suspect).runs_alone()
        return NeedRuns(tuple(runs)[: self.batch.max_runs]) if runs else None

    def without_prime_suspects(self) -> tuple[str, ...]:
        """Return the batch without prime suspects and what needs them; () if a test has none."""
        tests = self._sorted(self._prime_share)
        if tests.suspects or tests.unexplained:
            return ()
        held = {each: tuple(suspected) for each, suspected in tests.by_prime_suspect.items()}
        return self.batch.hold_back_all(held).remaining

    @property
    def _prime_share(self) -> float:
        """The share of a test's suspicion that makes a prime suspect before others are cleared."""
        return FRUGAL_PRIME_SUSPECT_SHARE if self.batch.is_frugal else PRIME_SUSPECT_SHARE

    def _sorted(self, prime_share: float) -> _SortedTests:
        """Sort the failing tests; a suspect with this share of a test's suspicion is prime."""
        found = _SortedTests(defaultdict(list), {}, [])
        for test, weights in self._suspects_by_test.items():
            likeliest = max(weights, key=lambda each: weights[each], default=None)
            if likeliest is None:
                found.unexplained.append(test)
            elif weights[likeliest] >= prime_share * sum(weights.values()):
                found.by_prime_suspect[likeliest].append(test)
            else:
                found.suspects[test] = weights
        return found

    @cached_property
    def _suspects_by_test(self) -> dict[str, dict[str, float]]:
        """The suspects of each failing test with their suspicion."""
        return {each: self._suspects(each) for each in self.batch.tests}

    def _suspects(self, test: str) -> dict[str, float]:
        """Return the changes that alone explain each failure and no pass, with their suspicion.

        If there are none, and no two changes explain them together, the changes of the smallest
        failing set that are not cleared: one of several may break it. Where the batch is frugal,
        there are none then.
        """
        log, changes = self._log, self.batch.changes
        cleared = log.cleared(test)
        parts = failing_parts(log, test, changes) or [frozenset(changes)]
        suspects = self._with_suspicion(test, frozenset.intersection(*parts) - cleared)
        if suspects or self.batch.is_frugal or suspected_pairs(log, test, self.batch.masks).count:
            return suspects
        left = [each - cleared for each in parts]
        # Sorted, so that of equally small sets always the same is chosen.
        smallest = sorted((each for each in left if each), key=lambda e: (len(e), sorted(e)))
        return self._with_suspicion(test, smallest[0] if smallest else ())

    def _with_suspicion(self, test: str, changes: Collection[str]) -> dict[str, float]:
        """Return these changes in the order of the batch, each with its suspicion."""
        known = self._log.candidates
        return {each: suspicion(known[each], test) for each in self.batch.ordered(changes)}

    def _divide(self, suspects_by_test: dict[str, dict[str, float]]) -> list[RequestedRun]:
        """Return runs of groups of suspects that say something new about at least one test."""
        batch, requested = self.batch, []
        suspects = batch.ordered(frozenset[str]().union(*suspects_by_test.values()))
        why = f"which of {len(suspects)} suspects break "
        for group in self._groups(suspects, suspects_by_test):
            changes = batch.with_needs(group)
            plan = batch.plan_alone(changes) if len(changes) == 1 else batch.plan(changes)
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
        return halving_groups(suspects_by_test.values(), min(self.batch.max_runs, most))

    def _prefix(self, suspects: Mapping[str, float]) -> frozenset[str]:
        """Return the batch up to the middle one of these suspects."""
        middle = list(suspects)[midpoint(0, len(suspects)) - 1]
        changes = self.batch.changes
        return frozenset(changes[: changes.index(middle) + 1])

    def _is_news(self, plan: RunPlan, test: str, suspects: dict[str, float]) -> bool:
        """Return true if a test's outcome in a run is unknown, and the run leaves a suspect out."""
        is_known = self._log.outcome(plan.changes, test) is not KnownOutcome.UNKNOWN
        return not is_known and not frozenset(suspects) <= frozenset(plan.changes)
