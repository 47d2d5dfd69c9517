"""The evidence log of one head, and what it says about a test.

What a test says about a set of changes is its `Standing` there. It fails where it did each time. One that
failed and passed on the same changes, or failed on the head itself, is shaky: it is repeated many times within
a run, on the changes as on the head, and fails where it surely does so more often than on the head.
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace
from enum import Enum

from services.validator.decision.evidence import (
    MEASURED,
    Broken,
    Candidate,
    Evidence,
    Knowledge,
    Run,
    Seen,
)
from services.validator.decision.rates import Rate, surely_worse

# What fails is looked at again before anything is made of it; what a change is blamed for was seen once more: with two
# reruns one false rejection in three becomes one in three thousand (20 tests, 2 % flake each).
CONFIRMED, BLAMED = 2, 3
# A shaky test is repeated so often within each run; and in so many runs before it is held against a change.
SHAKEN = 10
# Each new test runs so often before it may judge anything: one that fails once in ten runs gets through once in 23.
BURN_IN = 30


class Standing(Enum):
    """What is known of a test on a set of changes."""

    FAILS = "fails"
    PASSES = "passes"
    UNKNOWN = "unknown"


class Log:
    """Questions to the log. `candidates` are those that are still in question."""

    def __init__(
        self,
        evidence: Mapping[Run, Evidence],
        candidates: Mapping[str, Candidate],
        knowledge: Knowledge,
    ) -> None:
        self.candidates = candidates
        self.knowledge = knowledge
        self._evidence = evidence
        self._runs: dict[frozenset[str], list[tuple[Run, frozenset[str], Seen]]] = defaultdict(list)
        self._fails_on: dict[str, set[frozenset[str]]] = defaultdict(set)
        self.new: set[str] = set()
        for run, seen in evidence.items():
            if isinstance(seen, Seen):
                changes = frozenset(run.changes)
                self._runs[changes].append((run, frozenset(run.tests), seen))
                self.new |= seen.new
                for test in seen.worse:
                    self._fails_on[test].add(changes)
        self._cleared: dict[str, frozenset[str]] = {}
        self._shaky = {test for test in self._fails_on if self._shakes(test)}

    def __contains__(self, run: Run) -> bool:
        return run in self._evidence

    def __getitem__(self, run: Run) -> Evidence:
        return self._evidence[run]

    def tried(self, changes: Collection[str]) -> bool:
        """Whether anything was seen of exactly these changes."""
        return frozenset(changes) in self._runs

    def last(self, changes: Collection[str], tests: Collection[str]) -> Run:
        """The last run of exactly these changes that any of these tests failed in."""
        runs = self._runs[frozenset(changes)]
        failed = [run for run, _, seen in runs if not seen.worse.isdisjoint(tests)]
        return max(failed, key=lambda each: (each.repetition, each.repeat, each.tests))

    def again(self, changes: tuple[str, ...], tests: Collection[str], repeat: int) -> Run:
        """A run of these tests that was not made yet."""
        plan, number = tuple(sorted(tests)), 0
        while (run := Run(changes, plan, number, repeat)) in self._evidence:
            number += 1
        return run

    def given_up(self, run: Run) -> Broken | None:
        """Why not to ask for another repetition: the last two gave no report."""
        before = [replace(run, repetition=run.repetition - n) for n in (1, 2)]
        seen = [self._evidence.get(each) for each in before if each.repetition >= 0]
        broken = [each for each in seen if isinstance(each, Broken)]
        return broken[0] if len(broken) == len(before) else None

    # What a test says.

    def _shakes(self, test: str) -> bool:
        """Whether it is to be compared by its rate."""
        if self._not_on_head(test):
            return False
        if test in self.knowledge.flaky or self._tally(frozenset(), test, 1).failed:
            return True
        few = SHAKEN - 1
        counts = [self._tally(each, test, 1, most=few) for each in self._fails_on[test]]
        return any(each.failed and each.passed for each in counts)

    def repeat(self, test: str) -> int:
        """How often it has to run within a run for that to count."""
        if test in self.new:
            return BURN_IN
        return SHAKEN if test in self._shaky else 1

    def _tally(self, changes: frozenset[str], test: str, least: int, most: int = BURN_IN) -> Rate:
        """How often it failed and passed on these changes, in runs that repeat it so often."""
        failed = looks = 0
        for run, tests, seen in self._runs.get(changes, ()):
            if least <= run.repeat <= most and _asked(test, tests):
                looks += run.repeat
                failed += seen.failures.get(test, run.repeat) if test in seen.worse else 0
        return Rate(failed, looks - failed)

    def count(self, changes: Collection[str], test: str) -> Rate:
        """How often it failed and passed on exactly these changes."""
        return self._tally(frozenset(changes), test, self.repeat(test))

    def standing(self, changes: Collection[str], test: str) -> Standing:
        """Once passed is passed, but for what is shaky or new."""
        seen = self.count(changes, test)
        if not seen.looks:
            return Standing.UNKNOWN
        if test in self._shaky:
            fails = surely_worse(seen, self.rate_on_head(test))
        elif test in self.new:
            fails = bool(seen.failed)
        else:
            fails = not seen.passed
        return Standing.FAILS if fails else Standing.PASSES

    def sets(self, test: str, standing: Standing) -> list[frozenset[str]]:
        """The sets of changes on which the test is known to stand so; the head is not among them."""
        among = self._fails_on[test] if standing is Standing.FAILS else self._runs
        return [each for each in among if each and self.standing(each, test) is standing]

    def cleared(self, test: str) -> frozenset[str]:
        """The changes that it passed with."""
        if test not in self._cleared:
            passing = self.sets(test, Standing.PASSES)
            self._cleared[test] = frozenset[str]().union(*passing)
        return self._cleared[test]

    def doubtful(self, test: str) -> bool:
        """Whether what it says makes no sense for one culprit: it failed with changes that it all passed with.

        That is a conflict, or a flaky test.
        """
        return any(each <= self.cleared(test) for each in self.sets(test, Standing.FAILS))

    # The head.

    def _not_on_head(self, test: str) -> bool:
        """A new test cannot be run there; a benchmark always was."""
        return test in self.new or test.startswith(MEASURED)

    def rate_on_head(self, test: str) -> Rate:
        """How often it failed there, in this epoch and before; it passed in the baseline."""
        seen = self._tally(frozenset(), test, 1)
        known = self.knowledge.flaky.get(test, Rate(0, 0))
        return Rate(known.failed + seen.failed, known.passed + seen.passed + 1)

    def flaky_on_head(self) -> dict[str, Rate]:
        """The tests that failed on the head though they passed there before, and how often they did which."""
        found = {}
        for test in self._fails_on:
            seen = self._tally(frozenset(), test, 1)
            if seen.failed and not self._not_on_head(test):
                found[test] = Rate(seen.failed, seen.passed + 1)
        return found

    def looked_at_on_head(self, test: str) -> bool:
        """Whether it was run there again."""
        return self._not_on_head(test) or bool(self.count((), test).looks)

    def well_looked_at_on_head(self, test: str) -> bool:
        """Whether it was run there so often that its rate is known."""
        return self._not_on_head(test) or self.rate_on_head(test).looks > SHAKEN * CONFIRMED

    def fine_on_head(self, test: str) -> bool:
        """Whether the head was looked at well enough for what this test says about a change to count."""
        if self.doubtful(test) or test in self._shaky:
            return self.well_looked_at_on_head(test)
        return self.looked_at_on_head(test)

    def look_at_head(self, tests: Collection[str]) -> Run | None:
        """The run of the head that lacks for some of these tests; None where none does."""
        lacking = [each for each in tests if not self.fine_on_head(each)]
        strange = {each for each in lacking if each in self._shaky or self.doubtful(each)}
        plain = [each for each in lacking if each not in strange]
        if plain:
            return self.again((), plain, 1)
        return self.again((), strange, SHAKEN) if strange else None

    def shaky_and_unknown(self) -> list[str]:
        """Shaky tests that failed with changes and whose rate on the head is not known well."""
        return sorted(
            test
            for test in self._shaky
            if any(self._fails_on[test]) and not self.well_looked_at_on_head(test)
        )

    # What follows for a batch.

    def seen_enough(self, changes: Collection[str], test: str) -> bool:
        """Whether a test that fails on exactly these changes did so often enough there."""
        if test.startswith(MEASURED):
            return True
        repeat, seen = self.repeat(test), self.count(changes, test)
        return seen.looks >= CONFIRMED * repeat if repeat > 1 else seen.failed >= CONFIRMED

    def confirmed(self, changes: Collection[str], test: str) -> bool:
        """Whether it fails on these changes beyond doubt, and was looked at on the head again."""
        if self.standing(changes, test) is not Standing.FAILS or not self.fine_on_head(test):
            return False
        return self.seen_enough(changes, test)

    def failing_parts(self, test: str, changes: Collection[str]) -> list[frozenset[str]]:
        """Parts of `changes` with which it fails, or must fail as what else was there is cleared of it.

        Where two are to blame together, each of them is cleared: then nothing follows from that.
        """
        mine = frozenset(changes)
        cleared = frozenset[str]() if self.doubtful(test) else self.cleared(test)
        parts = []
        for each in self.sets(test, Standing.FAILS):
            if each <= mine:
                parts.append(each)
            elif each - mine <= cleared and (left := each & mine) - cleared:
                parts.append(left)
        return parts

    def failing_within(self, changes: Collection[str]) -> frozenset[str]:
        """Tests that must fail with `changes`."""
        mine = frozenset(changes)
        return frozenset(test for test in self._fails_on if self._fails(test, mine))

    def _fails(self, test: str, mine: frozenset[str]) -> bool:
        if self.standing(mine, test) is Standing.PASSES:
            return False
        parts = self.failing_parts(test, mine)
        known = any(self.confirmed(each, test) for each in self.sets(test, Standing.FAILS))
        return (mine in parts and (known or len(mine) == 1)) or any(each < mine for each in parts)

    def unsure(self, changes: Collection[str]) -> frozenset[str]:
        """Tests that fail with more than `changes`, and of which nothing is known with these."""
        mine = frozenset(changes)
        return frozenset(
            test
            for test in self._fails_on
            if self.standing(mine, test) is Standing.UNKNOWN
            and not mine <= self.cleared(test)
            and any(each > mine for each in self.sets(test, Standing.FAILS))
        )

    def never_asked(self, changes: Collection[str], tests: Collection[str]) -> frozenset[str]:
        """Those of the tests that were run with none of the sets that all of `changes` are in."""
        mine = frozenset(changes)
        runs = [asked for each in self._runs if each >= mine for _, asked, _ in self._runs[each]]
        return frozenset(t for t in tests if not any(_asked(t, asked) for asked in runs))

    def unconfirmed(self, changes: Collection[str]) -> frozenset[str]:
        """Tests that failed with exactly `changes`, that nobody may be blamed for yet, and that are not explained either."""
        mine = frozenset(changes)
        return frozenset(
            test
            for test, sets in self._fails_on.items()
            if mine in sets
            and self.standing(changes, test) is not Standing.PASSES
            and not self.confirmed(changes, test)
        )

    def convicts(self, change: str, test: str) -> bool:
        """Whether it is proven that this change alone breaks the test: it fails with it, and not on the head."""
        fails = self.standing((change,), test) is Standing.FAILS
        return fails and self.fine_on_head(test) and self.proven(change, test)

    def proven(self, change: str, test: str) -> bool:
        """Whether a test that fails with this change alone did so often enough.

        That is three times in at least two runs that nothing else in them explains. What is strange about a test may explain all but those
        of the change alone.
        """
        if test.startswith(MEASURED) or self.repeat(test) > 1:
            return self.seen_enough((change,), test)
        cleared = frozenset[str]() if self.doubtful(test) else self.cleared(test)
        failing = self.sets(test, Standing.FAILS)
        by_it = [each for each in failing if change in each and each - {change} <= cleared]
        return sum(self._failures(each, test) for each in by_it) >= BLAMED

    def _failures(self, changes: frozenset[str], test: str) -> int:
        """How often it failed on exactly these; however often it is repeated in a run, that is one process."""
        counts = [
            min(seen.failures.get(test, run.repeat), CONFIRMED)
            for run, _, seen in self._runs[changes]
            if test in seen.worse
        ]
        return sum(counts)


def _asked(test: str, tests: frozenset[str]) -> bool:
    """Whether a run of these tests says something about that one."""
    if test.startswith(MEASURED):
        return test in tests or MEASURED in tests
    return not tests or test in tests
