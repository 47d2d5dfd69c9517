"""The gate's decisions: pure code over the evidence log of one head.

`decide` is asked again and again; each time it reads the log from its beginning and answers with
the next step. So replaying a log gives the same decisions, and a crash loses nothing but time.

Full runs land, targeted runs blame. A batch that is worse leaves a set of failing tests, and each run
of only these on a part of the batch says something about all of them at once (`blame`). A change is
refused only when it fails alone on the head, on a test that passes there, three times in at least two runs that
nothing else explains; one that fails only together with others is held back until they have landed, and is judged on
the new head. Every step lands, refuses, or asks about something smaller, so it ends.
"""

from collections.abc import Mapping, Sequence

from services.validator.decision.blame import Blame, Held
from services.validator.decision.evidence import (
    MEASURED,
    NOTHING,
    Broken,
    Candidate,
    Evidence,
    Finished,
    Knowledge,
    Land,
    NeedRuns,
    Reject,
    Run,
    Seen,
    Step,
    Unbuildable,
    Undecided,
    Wanted,
)
from services.validator.decision.log import BURN_IN, SHAKEN, Log, Standing
from services.validator.decision.rates import Rate
from services.validator.decision.splitting import (
    DEAR,
    look_pays,
    quick_gate_pays,
    repeats,
    witnesses,
)

# Returned so often, a change is tried alone: whatever it was tried with cannot be in its way.
PATIENCE = 3

__all__ = [
    "Broken",
    "Candidate",
    "Evidence",
    "Finished",
    "Knowledge",
    "Land",
    "NeedRuns",
    "Reject",
    "Run",
    "Seen",
    "Step",
    "Unbuildable",
    "Undecided",
    "Wanted",
    "decide",
    "flaky_tests",
]


def decide(
    candidates: Sequence[Candidate],
    evidence: Mapping[Run, Evidence],
    *,
    knowledge: Knowledge = NOTHING,
    width: int = 1,
) -> Step:
    """The next step; of runs that are needed at most `width`, which may be made at once."""
    ordered = sorted(candidates, key=lambda each: each.order)
    if not ordered:
        return Finished()
    log = Log(evidence, {each.id: each for each in ordered}, knowledge)
    return _Judge(log, width).judge(_first(ordered))


def flaky_tests(evidence: Mapping[Run, Evidence]) -> dict[str, Rate]:
    """The tests that failed and passed on the head itself, and how often."""
    return Log(evidence, {}, NOTHING).flaky_on_head()


def _first(ordered: Sequence[Candidate]) -> tuple[str, ...]:
    """All of them; but one that has waited too long goes alone, with what it stands on."""
    waited = max(ordered, key=lambda each: each.waited)
    if waited.waited < PATIENCE:
        return tuple(each.id for each in ordered)
    alone = waited.needs | {waited.id}
    return tuple(each.id for each in ordered if each.id in alone)


class _Judge:
    """What is to be done about a batch, of which parts were perhaps tried already."""

    def __init__(self, log: Log, width: int) -> None:
        self.log = log
        self.width = width
        self.held: dict[str, tuple[str, ...]] = {}

    def judge(self, changes: tuple[str, ...]) -> Step:
        """Land `changes`, or find who is in the way."""
        if first := self._quick(changes) or self._know_rates():
            return NeedRuns(first)
        unconfirmed = self.log.unconfirmed(changes)
        suspicion = Blame(self.log, changes, unconfirmed, self.width) if unconfirmed else None
        if suspicion and (alone := suspicion.at_once()):
            return self._ahead(suspicion, alone)
        if failing := self.log.failing_within(changes):
            return self._blame(changes, failing)
        if suspicion:
            return self._ahead(suspicion, self._confirm(changes, unconfirmed))
        if look := self._first_look(changes):
            return NeedRuns((look,))
        return self._try(changes)

    def _quick(self, changes: tuple[str, ...]) -> tuple[Wanted, ...]:
        """Each change alone with the tests that reach it, where that pays."""
        full = Run(changes)
        if full in self.log or not quick_gate_pays(
            [self.log.candidates[c] for c in changes], self.log.knowledge
        ):
            return ()
        alone = [self.log.candidates[each] for each in changes]
        runs = [
            Run((each.id,), tuple(sorted(each.impacted)))
            for each in sorted(alone, key=lambda each: -each.risk)
            if each.impacted and not each.needs
        ]
        why = "the tests that reach it, before it is tried with others"
        return tuple(Wanted(each, "quick gate", why) for each in runs if each not in self.log)[
            : self.width
        ]

    def _first_look(self, changes: tuple[str, ...]) -> Wanted | None:
        """Some tests before a full run is paid for: those that failed with more than `changes`, or all that reach them."""
        if self.log.tried(changes):
            return None
        unsure = self.log.unsure(changes)
        reached = self._reached(changes)
        if not unsure.isdisjoint(unsure if reached is None else reached):
            run = Run(changes, witnesses(unsure, self.log.knowledge))
            why = f"whether {len(unsure)} tests that failed with more changes also fail with these"
            dear = self.log.knowledge.share(run.tests) > DEAR and self.log.knowledge.durations
            return None if dear or run in self.log else Wanted(run, "check", why)
        together = look_pays([self.log.candidates[each] for each in changes], self.log.knowledge)
        news = self.log.never_asked(changes, together)
        # What fails now and then by them is seen the sooner; most of such a run is its start.
        run = Run(changes, tuple(sorted(news)), 0, repeats(self.log.knowledge, news, SHAKEN - 1))
        why = f"the {len(news)} tests that reach any of them, before all tests"
        return None if not news or run in self.log else Wanted(run, "quick gate", why)

    def _reached(self, changes: tuple[str, ...]) -> frozenset[str] | None:
        """The tests that reach any of them; None where that is not known of all."""
        found = frozenset[str]()
        for each in changes:
            impacted = self.log.candidates[each].impacted
            if impacted is None:
                return None
            found |= impacted
        return found

    def _try(self, changes: tuple[str, ...]) -> Step:
        """The full run, and what follows from it."""
        full = Run(changes)
        if full not in self.log:
            return NeedRuns((Wanted(full, "full run", "all of them together, every test"),))
        seen = self.log[full]
        if not isinstance(seen, Seen):
            return self._shrink(changes, seen)
        if burning := self._burn_in(changes, seen):
            return burning
        if measuring := self._measure(changes):
            return measuring
        return Land(changes, full, tuple(self.held.items()))

    def _know_rates(self) -> tuple[Wanted, ...]:
        """A flaky test is compared with what it does on the head, so that has to be known before anything else."""
        shaky = self.log.shaky_and_unknown()
        run = self.log.again((), shaky, SHAKEN)
        if not shaky or self.log.given_up(run):
            return ()
        return (Wanted(run, "base again", f"how often {len(shaky)} flaky tests fail there"),)

    def _blame(self, changes: tuple[str, ...], failing: frozenset[str]) -> Step:
        """The next step about failing tests; what is held back is judged on another head."""
        blame = Blame(self.log, changes, failing, self.width)
        found = blame.look()
        if not isinstance(found, Held):
            return self._ahead(blame, found)
        if not found.left:
            return self._shrink(changes, Broken("every part of it is in the way of another"))
        self.held |= found.changes
        return self.judge(found.left)

    def _ahead(self, blame: Blame, step: Step) -> Step:
        """Beside the search a second runner makes the full run that is needed once those who stand out are out."""
        if not isinstance(step, NeedRuns) or self.width == 1:
            return step
        run = Run(blame.innocent())
        if not run.changes or run in self.log or run in {each.run for each in step.runs}:
            return step
        suspects = len(blame.changes) - len(run.changes)
        ahead = Wanted(run, "full run", f"all but {suspects} suspects, ahead")
        first, *rest = step.runs
        return NeedRuns((first, ahead, *rest)[: self.width])

    def _shrink(self, changes: tuple[str, ...], seen: Broken | Unbuildable) -> Step:
        """No report for the batch: try half of it, down to the one that has none alone."""
        if len(changes) == 1:
            reason = seen.reason if isinstance(seen, Broken) else "it does not apply"
            return Undecided(changes[0], reason)
        return self.judge(changes[: len(changes) // 2])

    def _confirm(self, changes: tuple[str, ...], unconfirmed: frozenset[str]) -> Step:
        """Once more with the changes, and once more on the head: what passes there or fails here is nobody's fault."""
        repeat = min(self.log.repeat(each) for each in unconfirmed)
        alike = {each for each in unconfirmed if self.log.repeat(each) == repeat}
        tests = witnesses(alike, self.log.knowledge)
        once = [each for each in tests if not self.log.seen_enough(changes, each)]
        wanted = []
        if once:
            run = self.log.again(changes, once, repeat)
            wanted.append(Wanted(run, "confirmation", f"whether {len(once)} tests fail again"))
        if head := self.log.look_at_head(tests):
            why = f"whether {len(head.tests)} tests still pass there"
            wanted.append(Wanted(head, "base again", why))
        for each in wanted:
            if broken := self.log.given_up(each.run):
                return self._shrink(changes, broken)
        return NeedRuns(tuple(wanted)[: self.width])

    def _burn_in(self, changes: tuple[str, ...], seen: Seen) -> Step | None:
        """New tests run many times before they may judge: a flaky one would refuse what is good later."""
        fresh = [each for each in seen.new if self.log.standing(changes, each) is Standing.UNKNOWN]
        if not fresh:
            return None
        run = self.log.again(changes, fresh, BURN_IN)
        if broken := self.log.given_up(run):
            return self._shrink(changes, broken)
        return NeedRuns((Wanted(run, "burn-in", f"{len(fresh)} new tests, {BURN_IN} times each"),))

    def _measure(self, changes: tuple[str, ...]) -> Step | None:
        """Only what passed is worth measuring; it is never measured beside another run.

        Benchmarks that give no report on the head either say nothing about the changes, and are in nobody's way.
        """
        run, head = Run(changes, (MEASURED,)), Run((), (MEASURED,))
        if not self.log.knowledge.benchmarks:
            return None
        if run not in self.log:
            return NeedRuns((Wanted(run, "benchmarks", "whether anything got slower"),))
        seen = self.log[run]
        if isinstance(seen, Seen):
            return None
        if head not in self.log:
            why = "whether they give a report on the head at all"
            return NeedRuns((Wanted(head, "benchmarks", why),))
        return self._shrink(changes, seen) if isinstance(self.log[head], Seen) else None
