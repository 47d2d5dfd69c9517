"""Finds changes that break a test only together: it fails with a batch, but with no part tried.

Runs of parts of the batch halve the suspected pairs of all such tests at once. Where one pair is
left, its later change is held back; the full run of the others shows whether that was right. Where
none is left, the batch is bisected by prefixes (as delta debugging does: Zeller and Hildebrandt
2002), and the change that makes a prefix fail is held back.
"""

from collections.abc import Sequence
from math import log2

from services.validator.decision.alone import judge_alone
from services.validator.decision.batch import BlameStep, FailingBatch, HeldBack, name_tests
from services.validator.decision.evidence import NeedRuns, RequestedRun
from services.validator.decision.evidence_log import KnownOutcome
from services.validator.decision.head_evidence import rate_run_of_head
from services.validator.decision.inference import has_failed_enough
from services.validator.decision.pairs import SuspectedPairs, by_bits, random_parts, suspected_pairs
from services.validator.decision.splitting import max_groups_at_once, midpoint
from shared.contracts.base import RunPurpose

PAIR_SIZE = 2
# Several parts are run at once while each test has at least 2 ** SPARE_HALVINGS pairs for each.
SPARE_HALVINGS = 2


class JointBlame:
    """The search for changes that break tests only together."""

    def __init__(self, batch: FailingBatch, tests: Sequence[str]) -> None:
        self._batch = batch
        self._log = batch.log
        self._tests = tuple(tests)

    def next_step(self) -> BlameStep:
        """Return the next step towards the changes that break the tests; else hold them back."""
        if doubts := self._runs_for_doubts():
            return NeedRuns(doubts[: self._batch.max_runs])
        pairs = self._pairs()
        if parts := self._halve([each for each in pairs.values() if each.count > 1]):
            return NeedRuns(parts)
        held: dict[str, tuple[str, ...]] = {}
        for test in self._tests:
            step = self._explain(test, pairs.get(test))
            if not isinstance(step, HeldBack):
                return step
            for change in step.changes:
                held[change] = (*held.get(change, ()), test)
        return self._batch.hold_back_all(held)

    def _runs_for_doubts(self) -> tuple[RequestedRun, ...]:
        """Return the missing runs that show whether the tests are flaky: of the batch and the head.

        What is held back is judged again; where runs are expensive, flaky tests show themselves
        early enough then.
        """
        log, batch = self._log, self._batch
        requested = []
        if once := [each for each in self._tests if self._failed_once(each)]:
            plan = log.next_repetition(batch.changes, once, batch.repeat)
            why = f"whether {name_tests(once)} fails again"
            requested.append(RequestedRun(plan, RunPurpose.CONFIRMATION, why))
        if not batch.is_frugal and (head := rate_run_of_head(log, self._tests)):
            why = f"whether {name_tests(head.tests)} is flaky"
            requested.append(RequestedRun(head, RunPurpose.BASE_AGAIN, why))
        return tuple(each for each in requested if not log.failed_attempts(each.plan))

    def _failed_once(self, test: str) -> bool:
        """Return true if the test failed with the batch, but not again, nor with a part of it."""
        log, everything = self._log, frozenset(self._batch.changes)
        failing = log.change_sets(test, KnownOutcome.FAILS)
        is_only = everything in failing and not any(each < everything for each in failing)
        return is_only and not has_failed_enough(log, everything, test)

    def _pairs(self) -> dict[str, SuspectedPairs]:
        """Return the pairs that may break each test; none where a longer way saves runs."""
        if self._batch.is_frugal:
            return {}
        masks = self._batch.masks
        return {each: suspected_pairs(self._log, each, masks) for each in self._tests}

    def _halve(self, tests: Sequence[SuspectedPairs]) -> tuple[RequestedRun, ...]:
        """Return runs of parts of the batch that halve the suspected pairs of these tests."""
        batch = self._batch
        if not tests:
            return ()
        # Parts that are chosen together learn nothing from each other, which hardly matters while
        # there are many pairs.
        most = max(1, int(log2(min(each.count for each in tests))) - SPARE_HALVINGS)
        most = min(most, batch.max_runs, max_groups_at_once(self._log.suite, batch.probe))
        why = f"which two of {len(batch.changes)} together break {len(tests)} tests"
        plans = dict.fromkeys(batch.plan(each) for each in self._parts(tests))
        return tuple(RequestedRun(each, RunPurpose.BISECTION, why) for each in [*plans][:most])

    def _parts(self, tests: Sequence[SuspectedPairs]) -> list[tuple[str, ...]]:
        """Return new parts of the batch that apply, those that say most about the pairs first."""
        batch = self._batch
        parts = map(batch.with_needs, random_parts(batch.changes, salt=sum(e.count for e in tests)))
        new = [each for each in parts if batch.plan(each) not in self._log]
        return by_bits(new, batch.masks, tests)

    def _explain(self, test: str, pairs: SuspectedPairs | None) -> BlameStep:
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
        if pairs and pairs.count == 1:
            return batch.hold_back(batch.changes[pairs.last], [test])
        return self._bisect(test, smallest)

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
