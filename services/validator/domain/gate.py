"""The gate's decisions: pure code over the evidence log of one head.

`decide` is asked again and again; each time it reads the log from its beginning and answers with
the next step. So replaying a log gives the same decisions, and a crash loses nothing but time.

Full runs land, targeted runs blame. A batch that is worse is bisected by prefixes: patches of a
task stand on each other, and a prefix always composes. The change that ends the shortest failing
prefix is refused only when it fails alone on the head, twice; one that fails only together with
others waits until they have landed, and is judged on the new head. Every step lands,
refuses, or asks about something smaller, so it ends.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.validator.domain.splitting import midpoint, witnesses


@dataclass(frozen=True)
class Candidate:
    """A change that composes with all candidates before it. `risk` is 1 - its prior."""

    id: str
    order: int
    risk: float = 0.0
    task: str = ""


@dataclass(frozen=True)
class Run:
    """A run of the head with `changes`; `tests` empty is the full suite."""

    changes: tuple[str, ...]
    tests: tuple[str, ...] = ()
    repetition: int = 0


@dataclass(frozen=True)
class Seen:
    """The tests that were worse than on the head."""

    worse: frozenset[str]


@dataclass(frozen=True)
class Broken:
    """No report that can be trusted: never a pass, never blame."""

    reason: str


@dataclass(frozen=True)
class Unbuildable:
    """These changes do not compose without others."""


Evidence = Seen | Broken | Unbuildable


@dataclass(frozen=True)
class NeedRun:
    """The log has no answer yet."""

    run: Run
    purpose: str


@dataclass(frozen=True)
class Land:
    """These changes may land; `run` is the full run that says so."""

    changes: tuple[str, ...]
    run: Run


@dataclass(frozen=True)
class Reject:
    """This change alone makes these tests worse."""

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


Step = NeedRun | Land | Reject | Undecided | Finished


def decide(
    candidates: Sequence[Candidate],
    evidence: Mapping[Run, Evidence],
    *,
    durations: Mapping[str, float] | None = None,
) -> Step:
    """The next step. `durations` are seconds per test on the head; they only save time."""
    order = tuple(each.id for each in sorted(candidates, key=lambda each: each.order))
    if not order:
        return Finished()
    try:
        return _Judge(evidence, durations or {}).judge(order)
    except _MissingError as missing:
        return NeedRun(missing.run, missing.purpose)


class _MissingError(Exception):
    def __init__(self, run: Run, purpose: str) -> None:
        super().__init__()
        self.run = run
        self.purpose = purpose


class _Judge:
    """Straight-line decisions; asking the log for what it lacks ends them."""

    def __init__(self, log: Mapping[Run, Evidence], durations: Mapping[str, float]) -> None:
        self.log = log
        self.durations = durations
        self.flaky = flaky_tests(log)

    def judge(self, changes: tuple[str, ...]) -> Step:
        """Land `changes`, or find who is in the way."""
        full = Run(changes)
        if full not in self.log and (suspects := self._suspects(changes)):
            failing = self._failing(changes, suspects)
            if failing:
                return self._blame(changes, failing)
        seen = self._look(full, "full run")
        if not isinstance(seen, Seen):
            return self._shrink(changes, seen)
        confirmed = self._confirm(changes, seen.worse)
        return self._blame(changes, confirmed) if confirmed else Land(changes, full)

    def _suspects(self, changes: tuple[str, ...]) -> frozenset[str]:
        """Tests that were confirmed to fail with these changes and more; minus the flaky ones."""
        mine = set(changes)
        found: set[str] = set()
        for run, seen in self.log.items():
            if run.repetition and isinstance(seen, Seen) and mine < set(run.changes):
                found |= seen.worse
        return frozenset(found) - self.flaky

    def _confirm(self, changes: tuple[str, ...], worse: frozenset[str]) -> frozenset[str]:
        """Those of `worse` that fail again; whatever passes once is flaky and nobody's fault."""
        remaining = worse
        while remaining:
            chosen = witnesses(remaining, self.durations)
            again = self._look(Run(changes, chosen, repetition=1), "confirmation")
            if not isinstance(again, Seen):
                return frozenset(chosen)
            if failing := again.worse & set(chosen):
                return failing
            remaining -= set(chosen)
        return frozenset()

    def _blame(self, changes: tuple[str, ...], failing: frozenset[str]) -> Step:
        """The end of the shortest failing prefix, if it fails alone; else what is before it."""
        low, high = self._known_to_pass(changes, failing), len(changes)
        while high - low > 1:
            middle = midpoint(low, high)
            worse = self._failing(changes[:middle], failing)
            low, high = (low, middle) if worse else (middle, high)
            failing = worse or failing
        suspect, before = changes[high - 1], changes[: high - 1]
        alone = self._look(Run((suspect,), _plan(failing)), "blame")
        if isinstance(alone, Broken):
            return Undecided(suspect, alone.reason)
        if isinstance(alone, Unbuildable) or not alone.worse:
            return self._spare(changes, suspect, before, failing)
        return self._convict(suspect, alone.worse)

    def _spare(
        self,
        changes: tuple[str, ...],
        suspect: str,
        before: tuple[str, ...],
        failing: frozenset[str],
    ) -> Step:
        """Not to blame alone: everything else goes first, or where that needs it, what is before."""
        others = tuple(each for each in changes if each != suspect)
        if not others:
            return self.judge((suspect,))
        seen = self._look(Run(others, _plan(failing)), "bisection")
        return self.judge(before if isinstance(seen, Unbuildable) and before else others)

    def _convict(self, suspect: str, worse: frozenset[str]) -> Step:
        """Refused only when it fails alone a second time."""
        run = Run((suspect,), _plan(worse), repetition=1)
        again = self._look(run, "confirmation")
        if isinstance(again, Seen) and again.worse:
            tests = tuple(sorted(again.worse))
            return Reject(suspect, tests, run, f"{_count(tests)} on the base and not with it")
        reason = again.reason if isinstance(again, Broken) else "its failure did not repeat"
        return Undecided(suspect, reason)

    def _shrink(self, changes: tuple[str, ...], seen: Broken | Unbuildable) -> Step:
        """No report for the batch: try half of it, down to the one that has none alone."""
        if len(changes) == 1:
            reason = seen.reason if isinstance(seen, Broken) else "it does not apply"
            return Undecided(changes[0], reason)
        return self.judge(changes[: len(changes) // 2])

    def _known_to_pass(self, changes: tuple[str, ...], failing: frozenset[str]) -> int:
        """The longest prefix that the log already knows to pass these tests; 0 is the head."""
        for length in range(len(changes) - 1, 0, -1):
            known = self._known(changes[:length], failing)
            if known is not None and not known:
                return length
        return 0

    def _failing(self, changes: tuple[str, ...], tests: frozenset[str]) -> frozenset[str]:
        """Which of `tests` fail with `changes`; all of them where no report can be had."""
        known = self._known(changes, tests)
        if known is not None:
            return known
        seen = self._look(Run(changes, _plan(tests)), "bisection")
        return seen.worse & tests if isinstance(seen, Seen) else tests

    def _known(self, changes: tuple[str, ...], tests: frozenset[str]) -> frozenset[str] | None:
        """What the log says about `tests` with exactly these changes."""
        for run, seen in self.log.items():
            asked = not run.tests or tests <= set(run.tests)
            if run.changes == changes and asked and isinstance(seen, Seen):
                return (seen.worse & tests) - self.flaky
        return None

    def _look(self, run: Run, purpose: str) -> Evidence:
        if run not in self.log:
            raise _MissingError(run, purpose)
        seen = self.log[run]
        return Seen(seen.worse - self.flaky) if isinstance(seen, Seen) else seen


def flaky_tests(log: Mapping[Run, Evidence]) -> frozenset[str]:
    """Tests that failed and passed on the same tree."""
    found: set[str] = set()
    for again, second in log.items():
        if not again.repetition or not isinstance(second, Seen):
            continue
        for run, first in log.items():
            if not run.repetition and run.changes == again.changes and isinstance(first, Seen):
                found |= (first.worse & set(again.tests)) - second.worse
    return frozenset(found)


def _plan(tests: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(tests))


def _count(tests: Sequence[str]) -> str:
    return f"{tests[0]} passes" if len(tests) == 1 else f"{len(tests)} tests pass"
