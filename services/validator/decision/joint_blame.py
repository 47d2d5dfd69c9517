"""Finds changes that break a test only together: it fails with a batch, but with no part tried.

A pair is suspected if it is in each set of changes with which the test fails, and in none with
which it passes. A run with seven tenths of the batch has about every second pair, so it halves the
pairs of all such tests at once. Where no pair is left, the batch is bisected by prefixes (as delta
debugging does: Zeller and Hildebrandt 2002), and the later change is held back.
"""

import hashlib
from collections.abc import Sequence

from services.validator.decision.alone import judge_alone
from services.validator.decision.batch import BlameStep, FailingBatch, HeldBack, name_tests
from services.validator.decision.evidence import NeedRuns, RequestedRun, RunPlan
from services.validator.decision.evidence_log import KnownOutcome
from services.validator.decision.head_evidence import next_run_of_head
from services.validator.decision.splitting import midpoint
from shared.contracts.base import RunPurpose

PAIR_SIZE = 2
# With so few suspected pairs, one of them is tried by itself.
MAX_PAIRS_TO_TRY = 3
# Otherwise the best of so many random parts of the batch is tried, each with so many tenths of it.
RANDOM_PARTS, TENTHS_IN_PART = 8, 7


class JointBlame:
    """The search for changes that break tests only together."""

    def __init__(self, batch: FailingBatch, tests: Sequence[str]) -> None:
        self._batch = batch
        self._log = batch.log
        self._tests = tuple(tests)

    def next_step(self) -> BlameStep:
        """Return the first step, test by test, that does not hold back; else hold back for all."""
        # What is held back is judged again; where runs are expensive, flaky tests show themselves
        # early enough then.
        head = None if self._batch.is_frugal else next_run_of_head(self._log, self._tests)
        if head and not self._log.failed_attempts(head):
            why = f"whether {name_tests(head.tests)} is flaky"
            return NeedRuns((RequestedRun(head, RunPurpose.BASE_AGAIN, why),))
        held: dict[str, tuple[str, ...]] = {}
        for test in self._tests:
            step = self._explain(test)
            if not isinstance(step, HeldBack):
                return step
            for change in step.changes:
                held[change] = (*held.get(change, ()), test)
        return self._batch.hold_back_all(held)

    def _explain(self, test: str) -> BlameStep:
        """Return what to hold back because of one test, or what has to run to know it."""
        batch, everything = self._batch, frozenset(self._batch.changes)
        failing = self._log.change_sets(test, KnownOutcome.FAILS)
        parts = [each for each in failing if each <= everything]
        if not parts:
            return self._request(batch.changes, f"whether {test} still fails")
        ranked = sorted(parts, key=lambda each: (len(each), sorted(each)))
        smallest = batch.ordered(ranked[0])
        if len(smallest) == 1:
            # It failed alone and passed with others: a flaky test, which needs more runs.
            step = judge_alone(batch, smallest[0], [test])
            return NeedRuns(tuple(step)[: batch.max_runs]) if isinstance(step, list) else step
        if len(smallest) == PAIR_SIZE:
            return batch.hold_back(smallest[-1], [test])
        return self._try_pairs(test, parts, smallest)

    def _try_pairs(
        self, test: str, parts: Sequence[frozenset[str]], smallest: tuple[str, ...]
    ) -> BlameStep:
        """Try a suspected pair if they are few, halve them if many, else bisect `smallest`."""
        among = self._batch.ordered(frozenset.intersection(*parts))
        pairs = [] if self._batch.is_frugal else self._suspected_pairs(test, among)
        if 0 < len(pairs) <= MAX_PAIRS_TO_TRY:
            both = self._batch.with_needs(pairs[0])
            if self._batch.plan(both) not in self._log:
                return self._request(both, f"whether these two together break {test}")
        elif pairs and (half := self._halving_run(pairs)):
            why = f"which two of {len(smallest)} together break {test}"
            return self._request(half.changes, why)
        return self._bisect(test, smallest)

    def _suspected_pairs(self, test: str, among: tuple[str, ...]) -> list[tuple[str, str]]:
        """Return the pairs of these changes that the test never passed with."""
        passing = self._log.change_sets(test, KnownOutcome.PASSES)
        partners = {
            each: frozenset(among).difference(*(part for part in passing if each in part))
            for each in among
        }
        return [(a, b) for n, a in enumerate(among) for b in among[n + 1 :] if b in partners[a]]

    def _halving_run(self, pairs: list[tuple[str, str]]) -> RunPlan | None:
        """Return a new run of a random part of the batch with about half of the pairs, or None."""
        everything = self._batch.changes
        best: tuple[float, RunPlan] | None = None
        for salt in range(RANDOM_PARTS):
            key = f"{len(pairs)}:{salt}"
            part = [each for each in everything if _hashed_digit(each, key) < TENTHS_IN_PART]
            plan = self._batch.plan(self._batch.with_needs(part))
            inside = frozenset(plan.changes)
            share = sum(a in inside and b in inside for a, b in pairs) / len(pairs)
            if plan not in self._log and 0 < share < 1 and inside < frozenset(everything):
                candidates = (best or (1.0, plan), (abs(share - 0.5), plan))
                best = min(candidates, key=lambda each: each[0])
        return best[1] if best else None

    def _bisect(self, test: str, order: tuple[str, ...]) -> BlameStep:
        """Bisect between a prefix of `order` that passes and one that fails.

        Once all is known, hold back the change after the longest prefix that passes.
        """
        low = max(n for n in range(len(order)) if self._passes(order[:n], test))
        middle = midpoint(low, len(order))
        while middle > low:
            prefix = order[:middle]
            is_unknown = self._log.outcome(prefix, test) is KnownOutcome.UNKNOWN
            if is_unknown and self._batch.plan(prefix) not in self._log:
                return self._request(prefix, f"how many of {len(order)} together break {test}")
            # A run without a report counts as failing, so that its cause is searched nearer to the
            # beginning.
            middle = midpoint(low, middle)
        return self._batch.hold_back(order[low], [test])

    def _passes(self, prefix: tuple[str, ...], test: str) -> bool:
        """Return true if the test is known to pass with a prefix; the empty prefix is the head."""
        return not prefix or self._log.outcome(prefix, test) is KnownOutcome.PASSES

    def _request(self, changes: tuple[str, ...], why: str) -> BlameStep:
        """Request a run of these changes; if it was made, hold back the last of them instead."""
        plan = self._batch.plan(changes)
        if plan in self._log:
            return self._batch.hold_back(changes[-1], [self._tests[0]])
        return NeedRuns((RequestedRun(plan, RunPurpose.BISECTION, why),))


def _hashed_digit(key: str, salt: str) -> int:
    """Return a digit that depends on the key and the salt alone, evenly distributed."""
    return int(hashlib.sha256(f"{salt}:{key}".encode()).hexdigest()[:8], 16) % 10
