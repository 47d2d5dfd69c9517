"""Tests that pass among all others, and fail with changes when only some of them are run.

A mutation run begins with a pass without any mutant, with only the tests that it needs. A test that
fails there although it passes on the head depends on other tests, on their order or on what they
import. Whether the changes are to blame is for the decision to find out, by runs of the same tests
with the changes and on the head.
"""

import hashlib
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from services.validator.decision.evidence import (
    SELECTION_MARK,
    RequestedRun,
    RunComparison,
    RunEvidence,
    RunPlan,
)
from shared.contracts.base import RunPurpose

DIGEST_CHARS = 6


@dataclass(frozen=True)
class SelectedFailure:
    """Tests that failed with `changes`, in a run of only `selection` (empty for all tests)."""

    changes: tuple[str, ...]
    failing: tuple[str, ...]
    selection: tuple[str, ...]

    def selections(self) -> Iterator[tuple[str, ...]]:
        """Yield the tests to run them with: they alone, and the whole selection if it is larger."""
        yield self.failing
        if set(self.selection) > set(self.failing):
            yield self.selection


@dataclass
class Selections:
    """The failures in selections of tests, and the tests of each selection by its label."""

    failures: list[SelectedFailure] = field(default_factory=list)
    by_label: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def in_selection(self, failing: Collection[str], tests: tuple[str, ...]) -> tuple[str, ...]:
        """Return the tests' names with a label of their selection, and keep its tests by label."""
        digest = hashlib.sha256("\n".join(tests).encode()).hexdigest()[:DIGEST_CHARS]
        label = f"{len(tests)} test{'s' * (len(tests) != 1)} ({digest})"
        self.by_label[label] = tests
        return tuple(f"{each}{SELECTION_MARK}{label}" for each in sorted(failing))

    def next_run(
        self, changes: Collection[str], evidence: dict[RunPlan, RunEvidence]
    ) -> RequestedRun | None:
        """Return the next run missing to explain failures with these changes; None without one.

        Tests that fail among all others, too, need no explanation.
        """
        for each in self.failures:
            if not set(each.changes) <= set(changes) or _fail_anyway(each, evidence):
                continue
            if run := self._missing_run(each, evidence):
                return run
        return None

    def _missing_run(
        self, failure: SelectedFailure, evidence: dict[RunPlan, RunEvidence]
    ) -> RequestedRun | None:
        """Return the next run missing to explain one failure; None once it is explained.

        The head runs first, then the changes, for each selection in which the tests may fail.
        """
        for tests in failure.selections():
            names = self.in_selection(failure.failing, tests)
            head = RunPlan((), names)
            what = f"{len(names)} of {len(tests)} tests"
            if head not in evidence:
                return RequestedRun(
                    head, RunPurpose.BASE_AGAIN, f"whether {what} pass there without all others"
                )
            if not isinstance(evidence[head], RunComparison):
                continue
            passing = tuple(each for each in names if each not in _worse(evidence[head]))
            plan = RunPlan(failure.changes, passing)
            if passing and plan not in evidence:
                why = f"whether {what} fail without all others, as in a run of mutants"
                return RequestedRun(plan, RunPurpose.CHECK, why)
            if passing and _worse(evidence[plan]):
                return None
        return None


def _fail_anyway(failure: SelectedFailure, evidence: dict[RunPlan, RunEvidence]) -> bool:
    """Return whether each test was also worse in other runs of these changes than selections."""
    worse = {
        test
        for plan, found in evidence.items()
        if plan.changes == failure.changes
        for test in _worse(found)
    }
    return worse.issuperset(failure.failing)


def _worse(found: RunEvidence) -> frozenset[str]:
    """Return the worse tests of a run; none if it gave no report."""
    return found.worse if isinstance(found, RunComparison) else frozenset()


def by_selection(tests: Sequence[str]) -> dict[str, list[str]]:
    """Return by label of a selection the tests that are named in it, without any others."""
    found: dict[str, list[str]] = {}
    for each in tests:
        test, mark, label = each.partition(SELECTION_MARK)
        if mark:
            found.setdefault(label, []).append(test)
    return found
