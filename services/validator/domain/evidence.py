"""The evidence log of one head: what was run, what was seen, and what that says about a test.

What a test says about a set of changes is its `Standing` there. It fails where it did each time; one
that also passed there is flaky, and then it counts only what it says when it is repeated within a
run. Tests that were known to be flaky before are compared by their rates.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import Enum

from services.validator.domain.rates import Rate, surely_no_worse, surely_worse

# A benchmark is a test of this name; it fails where it is measured to be slower than on the head, which needs no
# confirmation. Asked for alone the prefix means all of them; a full run of the suite asks for none.
MEASURED = "bench::"
# What a change is refused for was seen so often on the change alone.
CONFIRMED = 2
# A flaky test is repeated so often within each run, on the head as on the changes.
WOBBLE = 10
# Each new test runs so often before it may judge anything: one that fails once in ten runs gets through once in 23.
BURN_IN = 30


@dataclass(frozen=True)
class Candidate:
    """A change. `risk` is the probability that it is bad.

    `needs` are the candidates without which its patch does not apply, and what those need.
    `impacted` are the tests that reach what it changes; None where nobody knows. `waited` is how
    many epochs have returned it.
    """

    id: str
    order: int
    risk: float = 0.1
    needs: frozenset[str] = frozenset()
    impacted: frozenset[str] | None = None
    waited: int = 0


@dataclass(frozen=True)
class Run:
    """A run of the head with `changes`; none is the head itself. `tests` empty is the full suite.

    Each test runs `repeat` times within it, and its worst outcome counts.
    """

    changes: tuple[str, ...]
    tests: tuple[str, ...] = ()
    repetition: int = 0
    repeat: int = 1


@dataclass(frozen=True)
class Seen:
    """The tests that were worse than on the head, and those that the head does not have."""

    worse: frozenset[str]
    new: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Broken:
    """No report that can be trusted: never a pass, never blame."""

    reason: str


@dataclass(frozen=True)
class Unbuildable:
    """These changes do not compose without others."""


Evidence = Seen | Broken | Unbuildable


@dataclass(frozen=True)
class Knowledge:
    """What is known about the suite of the head.

    `durations` are seconds per test, `startup` what any run takes besides. `flaky` are the rates of
    tests that failed and passed on one tree before. All of it only saves time or prevents blame.
    `benchmarks` says whether the target has any: then they are compared before a batch lands.
    """

    durations: Mapping[str, float] = field(default_factory=dict)
    startup: float = 0.0
    flaky: Mapping[str, Rate] = field(default_factory=dict)
    benchmarks: bool = False

    def share(self, tests: Iterable[str]) -> float:
        """What running these tests costs, as a share of a full run; 1 where that is not known."""
        whole = self.startup + sum(self.durations.values())
        if not whole:
            return 1.0
        return (self.startup + sum(self.durations.get(each, 0.0) for each in tests)) / whole


NOTHING = Knowledge()


@dataclass(frozen=True)
class Wanted:
    """A run that the log lacks, and why it is wanted."""

    run: Run
    purpose: str
    why: str


@dataclass(frozen=True)
class NeedRuns:
    """The log has no answer yet. These do not depend on each other; the most valuable comes first."""

    runs: tuple[Wanted, ...]


@dataclass(frozen=True)
class Land:
    """These changes may land; `run` is the full run that says so.

    `held` are those that wait for the next head, and what they are suspected to break there.
    """

    changes: tuple[str, ...]
    run: Run
    held: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Reject:
    """This change alone makes these tests worse; `run` is the last one that said so."""

    change: str
    tests: tuple[str, ...]
    run: Run
    reason: str


@dataclass(frozen=True)
class Undecided:
    """No run of this change gave a report; nobody knows."""

    change: str
    reason: str


@dataclass(frozen=True)
class Finished:
    """There is nothing left to decide on this head."""


Step = NeedRuns | Land | Reject | Undecided | Finished


class Standing(Enum):
    """What is known of a test on a set of changes."""

    FAILS = "fails"
    PASSES = "passes"
    UNKNOWN = "unknown"


@dataclass
class _Count:
    failed: int = 0
    passed: int = 0


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
        self._wobbly = {test for test in self._fails_on if self._wobbles(test)}

    def __contains__(self, run: Run) -> bool:
        return run in self._evidence

    def __getitem__(self, run: Run) -> Evidence:
        return self._evidence[run]

    def tried(self, changes: Collection[str]) -> bool:
        """Whether anything was seen of exactly these changes."""
        return frozenset(changes) in self._runs

    def _wobbles(self, test: str) -> bool:
        """Whether it failed and passed on the same changes, and nobody expected that."""
        if test in self.knowledge.flaky or test in self.new:
            return False
        counts = [self._count(changes, test, 1, most=1) for changes in self._fails_on[test]]
        return any(each.failed and each.passed for each in counts)

    def repeat(self, test: str) -> int:
        """How often it has to run within a run for that to count."""
        if test in self.new:
            return BURN_IN
        return WOBBLE if test in self._wobbly else 1

    def _count(self, changes: frozenset[str], test: str, least: int, most: int = BURN_IN) -> _Count:
        """How often it failed and passed on these changes, in runs that repeat it so often."""
        count = _Count()
        for run, tests, seen in self._runs.get(changes, ()):
            if least <= run.repeat <= most and _asked(test, tests):
                if test in seen.worse:
                    count.failed += 1
                else:
                    count.passed += 1
        return count

    def count(self, changes: Collection[str], test: str) -> _Count:
        """How often it failed and passed on exactly these changes."""
        return self._count(frozenset(changes), test, self.repeat(test))

    def standing(self, changes: Collection[str], test: str) -> Standing:
        """Once passed is passed, but for tests whose rate was known."""
        count = self.count(changes, test)
        if test in self.knowledge.flaky:
            return self._by_rate(self.knowledge.flaky[test], count)
        if count.passed:
            return Standing.PASSES
        return Standing.FAILS if count.failed else Standing.UNKNOWN

    @staticmethod
    def _by_rate(known: Rate, count: _Count) -> Standing:
        seen = Rate(count.failed, count.passed)
        if count.failed >= CONFIRMED and surely_worse(seen, known):
            return Standing.FAILS
        if surely_no_worse(seen, known):
            return Standing.PASSES
        return Standing.UNKNOWN

    def excused(self, test: str) -> bool:
        """Whether it fails on the head as well, once it is looked at again there."""
        return bool(self._count(frozenset(), test, 1).failed)

    def doubtful(self, test: str) -> bool:
        """Whether what it says makes no sense for one culprit: it failed with changes that it all passed with.

        That is a conflict, or a flaky test.
        """
        return any(each <= self.cleared(test) for each in self.sets(test, Standing.FAILS))

    def looked_at_on_head(self, test: str) -> bool:
        """Whether it was run on the head again; a test that the head lacks cannot be, a benchmark always was."""
        return self._not_on_head(test) or self._looks(test, self.repeat(test)) > 0

    def well_looked_at_on_head(self, test: str) -> bool:
        """Whether it was run on the head so often that a flaky test would have failed there."""
        return self._not_on_head(test) or self._looks(test, self._repeat_on_head(test)) >= CONFIRMED

    def _not_on_head(self, test: str) -> bool:
        return test in self.new or test.startswith(MEASURED)

    def _looks(self, test: str, repeat: int) -> int:
        count = self._count(frozenset(), test, repeat)
        return count.failed + count.passed

    def _repeat_on_head(self, test: str) -> int:
        return max(self.repeat(test), WOBBLE)

    def fine_on_head(self, test: str) -> bool:
        """Whether the head was looked at well enough for what this test says about a change to count."""
        strange = self.doubtful(test) or self.repeat(test) > 1
        return self.well_looked_at_on_head(test) if strange else self.looked_at_on_head(test)

    def look_at_head(self, tests: Collection[str]) -> Run | None:
        """The run of the head that lacks for some of these tests; None where none does."""
        for repeat, strange in ((1, False), (WOBBLE, True)):
            lacking = [
                each
                for each in tests
                if not self.fine_on_head(each)
                and (self.doubtful(each) or self.repeat(each) > 1) is strange
            ]
            if lacking:
                return self.again((), lacking, repeat)
        return None

    def confirmed(self, changes: Collection[str], test: str) -> bool:
        """Whether it failed on these changes more than once, and passed on the head again."""
        failed = self.count(changes, test).failed
        fails = self.standing(changes, test) is Standing.FAILS
        enough = 1 if test.startswith(MEASURED) else CONFIRMED
        return fails and failed >= enough and self.looked_at_on_head(test)

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

    def failing_parts(self, test: str, changes: Collection[str]) -> list[frozenset[str]]:
        """Parts of `changes` with which it fails, or must fail as what else was there is cleared of it."""
        mine, cleared = frozenset(changes), self.cleared(test)
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
        return frozenset(
            test for test in self._fails_on if not self.excused(test) and self._fails(test, mine)
        )

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
            if not self.excused(test)
            and self.standing(mine, test) is Standing.UNKNOWN
            and not mine <= self.cleared(test)
            and any(each > mine for each in self.sets(test, Standing.FAILS))
        )

    def convicts(self, change: str, test: str) -> bool:
        """Whether it is proven that this change alone breaks the test.

        It fails with it alone, and passes on the head again; and it failed so twice, or in three runs in
        all that nothing else in them explains, while nothing about the test is strange.
        """
        if self.standing((change,), test) is not Standing.FAILS or not self.fine_on_head(test):
            return False
        if self.confirmed((change,), test):
            return True
        cleared = self.cleared(test)
        failing = self.sets(test, Standing.FAILS)
        by_it = [each for each in failing if change in each and each - {change} <= cleared]
        failures = sum(self.count(each, test).failed for each in by_it)
        return failures > CONFIRMED and not self.doubtful(test)

    def unconfirmed(self, changes: Collection[str]) -> frozenset[str]:
        """Tests that failed with exactly `changes`, that nobody may be blamed for yet, and that are not explained either."""
        mine = frozenset(changes)
        return frozenset(
            test
            for test, sets in self._fails_on.items()
            if mine in sets
            and not self.excused(test)
            and self.standing(changes, test) is not Standing.PASSES
            and not self.confirmed(changes, test)
        )

    def flaky_on_head(self) -> dict[str, Rate]:
        """The tests that failed on the head though they passed there before: how often they did which.

        One of several repetitions failed, and perhaps more of them: half of the others are taken to have passed.
        """
        found = {}
        for test in self._fails_on:
            if not self._not_on_head(test) and self.excused(test):
                failed, passed = 0, 1
                for run, tests, seen in self._runs[frozenset()]:
                    if _asked(test, tests):
                        worse = test in seen.worse
                        failed += worse
                        passed += (run.repeat - 1) // 2 if worse else run.repeat
                found[test] = Rate(failed, passed)
        return found

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


def _asked(test: str, tests: frozenset[str]) -> bool:
    """Whether a run of these tests says something about that one."""
    if test.startswith(MEASURED):
        return test in tests or MEASURED in tests
    return not tests or test in tests
