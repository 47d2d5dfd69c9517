"""Who is to blame for failing tests: targeted runs on parts of a batch, each of which answers for all tests at once.

For each test there is a smallest set of changes with which it is known to fail; those that it passed with
are cleared of it. What is left are its suspects (group testing: Dorfman 1943; Du and Hwang 1999). One that stands
out is tried alone; the others are divided so that each run halves the suspects of as many tests as it can, so that one
series of about log2 n runs finds the culprits of all tests that have one each. Where nobody is
left, changes are to blame only together: pairs are halved, or the batch is bisected by prefixes, and the later change is
held back.
"""

import hashlib
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from services.validator.decision.evidence import (
    Broken,
    NeedRuns,
    Reject,
    Run,
    Seen,
    Undecided,
    Wanted,
)
from services.validator.decision.log import Log, Standing
from services.validator.decision.splitting import (
    at_once,
    groups,
    is_cheap_again,
    is_dear,
    midpoint,
    odds,
    witnesses,
)

BLAME, CONFIRM, HEAD = "blame", "confirmation", "base again"
# Fewer culprits are expected than this.
ONE = 1.0
# A suspect this likely is tried alone.
LIKELY = 0.5
# Where so many of the suspects are bad, each is tried alone: a group would nearly always fail.
SINGLY = 0.2
# So many accused are tried together before each is tried alone.
LINE_UP = 4
# So few pairs are tried one after the other; of so many parts of the batch the one that halves them best is run,
# each of which has so many tenths of it.
PAIR, FEW_PAIRS, PARTS, TENTHS = 2, 3, 8, 7


@dataclass(frozen=True)
class Held:
    """Changes that wait for the next head, and what each seems to break there; `left` is the batch without them."""

    changes: Mapping[str, tuple[str, ...]]
    left: tuple[str, ...]


Outcome = NeedRuns | Reject | Undecided | Held


@dataclass(frozen=True)
class _Sorted:
    """The failing tests: by who stands out for them, with their suspects where nobody does, and without any."""

    accused: dict[str, list[str]]
    cases: dict[str, dict[str, float]]
    together: list[str]


class Blame:
    """One look at the failing tests of a batch, in the batch's order."""

    def __init__(
        self, log: Log, changes: tuple[str, ...], failing: frozenset[str], width: int
    ) -> None:
        self.log = log
        self.changes = changes
        self.width = width
        # Tests that have to be repeated within a run are looked at when the others are explained.
        self.repeat = min(log.repeat(each) for each in failing)
        alike = {each for each in failing if log.repeat(each) == self.repeat}
        self.tests = witnesses(alike, log.knowledge)
        # A test that is explained may have a second culprit: the same runs say so.
        more = {each for each in log.unsure(changes) if log.repeat(each) == self.repeat}
        self.plan = witnesses({*self.tests, *more}, log.knowledge)
        # Where runs are dear and hardly one culprit is expected: prefixes find it, or the later one of a pair, in log2 n
        # runs one after the other, and a run costs about the same when its tests run twice in it.
        bad = sum(log.candidates[each].risk for each in changes)
        self.frugal = bad < ONE and is_dear(log.knowledge, self.plan)
        again = self.frugal or is_cheap_again(log.knowledge, self.plan)
        self.twice = 2 if again and self.repeat == 1 else self.repeat
        if self.frugal:
            self.width = 1

    def look(self) -> Outcome:
        """The next step towards who is to blame."""
        found = self._sorted
        wanted = self._try(found.accused)
        if not isinstance(wanted, list):
            return wanted
        # First what clears others: then what is known already may be enough for who is accused.
        wanted = self._divide(found.cases) + wanted
        if wanted:
            return NeedRuns(tuple({each.run: each for each in wanted}.values())[: self.width])
        return Together(self, found.together or list(found.cases)).look()

    def at_once(self) -> NeedRuns | None:
        """The runs of those who stand out, each alone, before it is even seen whether the tests fail again.

        A failure that is nobody's then takes a run more for each of them, and one that is somebody's a run less. None where nobody stands
        out for a test, or nothing is left to ask.
        """
        found = self._sorted
        if found.cases or found.together or len(found.accused) >= LINE_UP:
            return None
        runs = {each: Run(self.closed({each}), self.plan, 0, self.twice) for each in found.accused}
        wanted = [
            Wanted(run, BLAME, f"whether {_named(found.accused[each])} fails with it alone")
            for each, run in runs.items()
            if run not in self.log and not self.log.tried(run.changes)
        ]
        return NeedRuns(tuple(wanted)[: self.width]) if wanted else None

    def innocent(self) -> tuple[str, ...]:
        """What is left of the batch if those who stand out are to blame; empty where for some test nobody does."""
        found = self._sorted
        if found.cases or found.together:
            return ()
        return self.hold_all({each: tuple(tests) for each, tests in found.accused.items()}).left

    @cached_property
    def _sorted(self) -> "_Sorted":
        found = _Sorted(defaultdict(list), {}, [])
        for test in self.tests:
            weights = self._suspects(test)
            favourite = max(weights, key=lambda each: weights[each], default=None)
            if favourite is None:
                found.together.append(test)
            elif self._stands_out(weights[favourite], sum(weights.values())):
                found.accused[favourite].append(test)
            else:
                found.cases[test] = weights
        return found

    def _stands_out(self, weight: float, of: float) -> bool:
        return weight == of if self.frugal else weight >= LIKELY * of

    def _suspects(self, test: str) -> dict[str, float]:
        """Who alone explains each failure and no pass; where nobody does, who may be one of several.

        The latter are what is left of the smallest set with which it fails.
        """
        cleared = self.log.cleared(test)
        parts = self.log.failing_parts(test, self.changes) or [frozenset(self.changes)]
        suspects = frozenset.intersection(*parts) - cleared
        if not suspects and not self.frugal:
            left = [each - cleared for each in parts]
            # Of equally small sets always the same one, whatever order the log has or a hash gives.
            smallest = sorted((each for each in left if each), key=lambda e: (len(e), sorted(e)))
            suspects = smallest[0] if smallest else frozenset()
        return {each: odds(self.log.candidates[each], test) for each in self.ordered(suspects)}

    def ordered(self, changes: Iterable[str]) -> tuple[str, ...]:
        return tuple(sorted(changes, key=lambda each: self.log.candidates[each].order))

    def closed(self, changes: Iterable[str]) -> tuple[str, ...]:
        """With all that they stand on, or it would not apply."""
        chosen = frozenset(changes)
        return self.ordered(chosen.union(*(self.log.candidates[each].needs for each in chosen)))

    def hold(self, change: str, tests: Sequence[str]) -> Held:
        """Go on without this change and what stands on it."""
        return self.hold_all({change: tuple(tests)})

    def hold_all(self, held: Mapping[str, tuple[str, ...]]) -> Held:
        """Go on without these changes and what stands on them."""
        gone = frozenset(held)
        left = [c for c in self.changes if gone.isdisjoint({c, *self.log.candidates[c].needs})]
        return Held(held, tuple(left))

    def _try(self, accused: dict[str, list[str]]) -> Reject | Undecided | Held | list[Wanted]:
        """An answer about one of the accused, or the runs that lack for it."""
        if len(accused) >= LINE_UP and (run := self._line_up(accused)):
            why = f"whether these {len(accused)} break what each of them is suspected of"
            return [Wanted(run, BLAME, why)]
        wanted: list[Wanted] = []
        for change in sorted(accused, key=lambda each: (-len(accused[each]), each)):
            found = self._alone(change, accused[change])
            if not isinstance(found, list):
                return found
            wanted += found
        # What others do alone may clear them of what this one is accused of, and one run confirms several.
        together = self._confirm_together(accused)
        confirming = [together] if together else [w for w in wanted if w.purpose == CONFIRM]
        asking = [w for w in wanted if w.purpose == BLAME]
        return [*asking, *confirming, *self._head_again(wanted)]

    def _head_again(self, wanted: Sequence[Wanted]) -> list[Wanted]:
        """One look at the head for all who are accused."""
        tests = {test for each in wanted if not each.run.changes for test in each.run.tests}
        run = self.log.look_at_head(tests)
        if run is None or self.log.given_up(run):
            return [each for each in wanted if not each.run.changes]
        return [Wanted(run, HEAD, f"whether {_named(run.tests)} passes without them")]

    def _confirm_together(self, accused: Mapping[str, Sequence[str]]) -> Wanted | None:
        """One more run of several that are nearly convicted, none of which explains what another is accused of."""
        chosen: dict[str, list[str]] = {}
        for change, tests in accused.items():
            open_ = [each for each in tests if self._is_open(change, each)]
            others = {each for found in chosen.values() for each in found}
            apart = all(chosen.keys() <= self.log.cleared(each) for each in open_)
            if open_ and apart and all(change in self.log.cleared(each) for each in others):
                chosen[change] = open_
        tests = sorted({each for found in chosen.values() for each in found})
        run = self.log.again(self.ordered(chosen), tests, self.repeat)
        if len(chosen) == 1 or not chosen or self.log.given_up(run):
            return None
        return Wanted(
            run, CONFIRM, f"whether {_named(tests)} fails again, each with its own change"
        )

    def _is_open(self, change: str, test: str) -> bool:
        """Whether it fails with this change alone, and was not seen often enough to do so."""
        alone = (change,)
        fails = self.log.standing(alone, test) is Standing.FAILS and self.repeat == 1
        strange = self.log.doubtful(test) or bool(self.log.candidates[change].needs)
        return fails and not strange and not self.log.proven(change, test)

    def about(self, change: str, tests: list[str]) -> Outcome:
        """The next step towards what it does alone."""
        found = self._alone(change, tests)
        return found if not isinstance(found, list) else NeedRuns(tuple(found)[: self.width])

    def _line_up(self, accused: Mapping[str, Sequence[str]]) -> Run | None:
        """All of the accused of whom nothing is known alone, at once: what passes clears them at the price of one run."""
        fresh = [each for each in accused if not self.log.tried(self.closed({each}))]
        run = Run(self.closed(fresh), self.plan, 0, self.repeat)
        if len(fresh) < LINE_UP or run in self.log or self.log.tried(run.changes):
            return None
        return run if frozenset(run.changes) < frozenset(self.changes) else None

    def _alone(self, change: str, tests: list[str]) -> Reject | Undecided | Held | list[Wanted]:
        """What is known of it alone; where it does not apply alone, of it on what it stands on."""
        alone = self.closed({change})
        failing = [each for each in tests if self.log.standing(alone, each) is Standing.FAILS]
        if not failing:
            return self._ask(change, alone, tests)
        if len(alone) > 1:
            return self._on_its_needs(change, alone, failing)
        convicted = [each for each in failing if self.log.convicts(change, each)]
        if not convicted:
            return self._confirm(change, alone, failing)
        run = self.log.last(alone, convicted)
        reason = f"{_count(convicted)} on the base and not with it"
        return Reject(change, tuple(sorted(convicted)), run, reason)

    def _ask(
        self, change: str, alone: tuple[str, ...], tests: list[str]
    ) -> Undecided | Held | list[Wanted]:
        run = Run(alone, self.plan, 0, self.twice)
        if run not in self.log:
            return [Wanted(run, BLAME, f"whether {_named(tests)} fails with it alone")]
        seen = self.log[run]
        if isinstance(seen, Seen) and not self.log.given_up(
            run := self.log.again(alone, tests, self.repeat)
        ):
            return [Wanted(run, BLAME, f"how often {_named(tests)}, which is flaky, fails with it")]
        if isinstance(seen, Broken) and len(alone) == 1:
            return Undecided(change, seen.reason)
        return self.hold(change, tests)

    def _on_its_needs(
        self, change: str, alone: tuple[str, ...], failing: list[str]
    ) -> Held | list[Wanted]:
        """It waits until what it stands on has landed, unless that fails as well."""
        base = tuple(each for each in alone if each != change)
        run = Run(base, tuple(sorted(failing)), 0, self.repeat)
        unknown = any(self.log.standing(base, each) is Standing.UNKNOWN for each in failing)
        if unknown and run not in self.log:
            return [Wanted(run, BLAME, f"whether {_named(failing)} also fails without it")]
        return self.hold(change, failing)

    def _confirm(
        self, change: str, alone: tuple[str, ...], failing: list[str]
    ) -> Undecided | list[Wanted]:
        """Once more alone, and once more on the head."""
        wanted = []
        if not all(self.log.proven(change, each) for each in failing):
            run = self.log.again(alone, failing, self.twice)
            wanted.append(Wanted(run, CONFIRM, f"whether {_named(failing)} fails again"))
        if head := self.log.look_at_head(failing):
            why = f"whether {_named(head.tests)} passes without it"
            wanted.append(Wanted(head, HEAD, why))
        for each in wanted:
            if broken := self.log.given_up(each.run):
                return Undecided(change, broken.reason)
        return wanted

    def _divide(self, cases: dict[str, dict[str, float]]) -> list[Wanted]:
        """Runs of groups of suspects that say something new about at least one test."""
        suspects = self.ordered(frozenset[str]().union(*cases.values()))
        wanted = []
        for group in self._groups(suspects, cases):
            run = Run(self.closed(group), self.plan, 0, self.repeat)
            if run not in self.log and any(self._is_news(run, *each) for each in cases.items()):
                why = f"which of {len(suspects)} suspects break {_named(sorted(cases))}"
                wanted.append(Wanted(run, "bisection", why))
        return wanted

    def _groups(
        self, suspects: Sequence[str], cases: dict[str, dict[str, float]]
    ) -> list[frozenset[str]]:
        """Where about every fourth is bad, a group of two already fails more often than not: each alone."""
        if self.frugal and cases:
            return [self._prefix(next(iter(cases.values())))]
        bad = sum(self.log.candidates[each].risk for each in suspects)
        if bad >= SINGLY * len(suspects):
            return [frozenset({each}) for each in suspects]
        return groups(list(cases.values()), min(self.width, at_once(self.log.knowledge, self.plan)))

    def _prefix(self, suspects: Mapping[str, float]) -> frozenset[str]:
        """The batch as far as the middle one of these."""
        middle = list(suspects)[midpoint(0, len(suspects)) - 1]
        return frozenset(self.changes[: self.changes.index(middle) + 1])

    def _is_news(self, run: Run, test: str, suspects: dict[str, float]) -> bool:
        known = self.log.standing(run.changes, test) is not Standing.UNKNOWN
        return not known and not frozenset(suspects) <= frozenset(run.changes)


class Together:
    """Tests that fail with a batch and pass with each part of it that was tried: two changes may be to blame together.

    A pair is suspected that is in each set with which the test fails, and in none with which it passes. A run with
    seven in ten of the batch has about every second pair, so it halves the pairs of all such tests at once.
    """

    def __init__(self, blame: Blame, tests: Sequence[str]) -> None:
        self.blame = blame
        self.log = blame.log
        self.tests = tuple(tests)

    def look(self) -> Outcome:
        """The next step for the first test that is not explained; what it asks for answers for the others too."""
        # Whoever is held back is judged anew; where runs are dear that is time enough to see what is flaky.
        head = None if self.blame.frugal else self.log.look_at_head(self.tests)
        if head and not self.log.given_up(head):
            return NeedRuns((Wanted(head, HEAD, f"whether {_named(head.tests)} is flaky"),))
        held: dict[str, tuple[str, ...]] = {}
        for test in self.tests:
            found = self._explain(test)
            if not isinstance(found, Held):
                return found
            for change in found.changes:
                held[change] = (*held.get(change, ()), test)
        return self.blame.hold_all(held)

    def _explain(self, test: str) -> Outcome:
        """Who is to be held back because of one test, or what has to be run to know."""
        parts = [
            each
            for each in self.log.sets(test, Standing.FAILS)
            if each <= frozenset(self.blame.changes)
        ]
        if not parts:
            return self._ask(self.blame.changes, f"whether {test} still fails")
        part = min(parts, key=lambda each: (len(each), sorted(each)))
        smallest = self.blame.ordered(part)
        if len(smallest) == 1:
            # It failed alone and passed with others: a flaky test says more when it is asked again.
            return self.blame.about(smallest[0], [test])
        if len(smallest) <= PAIR:
            return self.blame.hold(smallest[-1], [test])
        among = self.blame.ordered(frozenset.intersection(*parts))
        pairs = [] if self.blame.frugal else self._pairs(test, among)
        if 0 < len(pairs) <= FEW_PAIRS:
            both = self.blame.closed(pairs[0])
            if self._run(both) not in self.log:
                return self._ask(both, f"whether these two together break {test}")
        elif pairs and (half := self._halving(pairs)):
            return self._ask(half.changes, f"which two of {len(smallest)} together break {test}")
        return self._bisect(test, smallest)

    def _pairs(self, test: str, among: tuple[str, ...]) -> list[tuple[str, str]]:
        passing = self.log.sets(test, Standing.PASSES)
        partners = {
            each: frozenset(among).difference(*(p for p in passing if each in p)) for each in among
        }
        return [(a, b) for n, a in enumerate(among) for b in among[n + 1 :] if b in partners[a]]

    def _halving(self, pairs: list[tuple[str, str]]) -> Run | None:
        """Of some parts of the batch, the one that has about half of the pairs."""
        among = self.blame.changes
        best: tuple[float, Run] | None = None
        for salt in range(PARTS):
            part = [each for each in among if _digit(each, f"{len(pairs)}:{salt}") < TENTHS]
            run = self._run(self.blame.closed(part))
            inside = frozenset(run.changes)
            share = sum(a in inside and b in inside for a, b in pairs) / len(pairs)
            if run not in self.log and 0 < share < 1 and inside < frozenset(among):
                best = min(best or (1.0, run), (abs(share - 0.5), run), key=lambda each: each[0])
        return best[1] if best else None

    def _bisect(self, test: str, order: tuple[str, ...]) -> Outcome:
        """Between a prefix that passes and one that fails, of the smallest set that fails."""
        low = max(n for n in range(len(order)) if self._passes(order[:n], test))
        middle = midpoint(low, len(order))
        while middle > low:
            run = self._run(order[:middle])
            if run not in self.log and self.log.standing(run.changes, test) is Standing.UNKNOWN:
                return self._ask(run.changes, f"how many of {len(order)} together break {test}")
            # No report: as if it failed, so that what is in the way is found nearer to the beginning.
            middle = midpoint(low, middle)
        return self.blame.hold(order[low], [test])

    def _passes(self, prefix: tuple[str, ...], test: str) -> bool:
        return not prefix or self.log.standing(prefix, test) is Standing.PASSES

    def _run(self, changes: tuple[str, ...]) -> Run:
        return Run(changes, self.blame.plan, 0, self.blame.repeat)

    def _ask(self, changes: tuple[str, ...], why: str) -> Outcome:
        run = self._run(changes)
        if run in self.log:
            return self.blame.hold(changes[-1], [self.tests[0]])
        return NeedRuns((Wanted(run, "bisection", why),))


def _digit(key: str, salt: str) -> int:
    """A digit that depends on nothing else, evenly spread."""
    return int(hashlib.sha256(f"{salt}:{key}".encode()).hexdigest()[:8], 16) % 10


def _named(tests: Sequence[str]) -> str:
    return tests[0] if len(tests) == 1 else f"{tests[0]} (and {len(tests) - 1} more)"


def _count(tests: Sequence[str]) -> str:
    return f"{tests[0]} passes" if len(tests) == 1 else f"{len(tests)} tests pass"
