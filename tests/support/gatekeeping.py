"""A gate simulation that checks every decision against the truth, and small worlds for it."""

from collections.abc import Iterable
from dataclasses import dataclass

from hypothesis import strategies as st

from bench.gate_simulation import GateSimulation, Story
from bench.worlds import Fault, World, mask, members
from services.validator.decision.evidence import (
    DoesNotApply,
    Land,
    NeedRuns,
    NoReport,
    Reject,
    RunComparison,
    RunPlan,
    Step,
    Undecided,
)
from services.validator.decision.gate import MAX_ROUNDS_WAITED, decide

SIZE, FOREIGN = 7, 2
SUITE = tuple(f"tests/test_{n % 3}.py::test_{n}" for n in range(9))
# What fails by chance breaks nothing for certain, and the other way round: so much stays provable.
STEADY, SHAKY = SUITE[:7], SUITE[7:]


@dataclass
class CheckedGateSimulation(GateSimulation):
    """Checks each decision before it is carried out; raises AssertionError if it is illegal."""

    def next(self) -> Step:
        step = super().next()
        again = dict(reversed(self.log.items()))
        assert step == decide(self.candidates(), again, suite=self.suite, max_runs=self.max_runs), (
            "the same log, in another order, gives another decision"
        )
        match step:
            case NeedRuns():
                self.check_runs(step)
            case Land():
                self.check_landing(step)
            case Reject():
                self.check_rejection(step)
            case Undecided():
                self.check_undecided()
        self.check_waiting(step)
        return step

    def check_runs(self, step: NeedRuns) -> None:
        runs = [each.plan for each in step.runs]
        assert 0 < len(runs) <= self.max_runs
        assert len(set(runs)) == len(runs)
        assert not [run for run in runs if run in self.log], "nothing is run twice"
        assert all(each.purpose and each.why for each in step.runs)
        for mine in (mask(run.changes) for run in runs):
            assert mine & ~mask(self.waiting) == 0
            needed = [self.target.world.needs_of(each) for each in members(mine)]
            assert not [each for each in needed if each & ~(mine | self.target.head)], (
                "no such tree"
            )

    def check_landing(self, step: Land) -> None:
        assert step.plan.tests == ()
        assert step.plan.changes == step.changes
        seen = self.log[step.plan]
        assert isinstance(seen, RunComparison), "only what was seen lands"
        explained = {
            test for test in seen.worse if self.passed(step.changes, test) or self.failed((), test)
        }
        assert seen.worse <= explained, "every failure is either not repeated or the head's own"
        before, after = self.target.head, self.target.head | mask(step.changes)
        assert before & mask(step.changes) == 0, "landed twice"
        assert not self.target.world.failing(after) - self.target.world.failing(before)
        assert not [c for c in members(after) if self.target.world.needs_of(c) & ~after]
        for test in seen.new:
            assert sum(run.repeat for run in self.runs_of(step.changes, test)) >= 20, "no burn-in"

    def check_rejection(self, step: Reject) -> None:
        assert step.tests
        assert step.plan.changes == (step.change,), "judged with others"
        seen = self.log[step.plan]
        assert isinstance(seen, RunComparison)
        assert seen.worse & set(step.tests)
        for test in step.tests:
            assert self.proven(step.change, test), "blamed for what failed once"
            assert test in seen.new or self.passed((), test), "the head was not looked at again"
            assert test not in self.target.world.failing(self.target.head)
        if self.calm():
            assert self.target.world.harm(int(step.change), self.target.head)

    def proven(self, change: str, test: str) -> bool:
        """It failed three times with the change in it, and alone among them."""
        seen = [run for run, each in self.log.items() if isinstance(each, RunComparison)]
        failures = sum(self.failures(run, test) for run in seen if change in run.changes)
        return bool(self.failed((change,), test)) and failures > 2

    def check_undecided(self) -> None:
        missing = [seen for seen in self.log.values() if isinstance(seen, NoReport | DoesNotApply)]
        assert missing or not self.calm(), "undecided although everything was seen"

    def check_waiting(self, step: Step) -> None:
        """One that was returned too often is tried with nothing that could be in its way."""
        longest = max(self.waiting.values())
        if longest < MAX_ROUNDS_WAITED:
            return
        world, head = self.target.world, self.target.head
        longest_waiting = [n for n, rounds in self.waiting.items() if rounds == longest]
        alone = [(world.needs_of(n) & ~head) | 1 << n for n in longest_waiting]
        assert any(mask(concerned(step)) & ~each == 0 for each in alone)

    def runs_of(self, changes: Iterable[str], test: str) -> list[RunPlan]:
        wanted = frozenset(changes)
        return [
            run
            for run, seen in self.log.items()
            if frozenset(run.changes) == wanted
            and isinstance(seen, RunComparison)
            and (not run.tests or test in run.tests)
        ]

    def failed(self, changes: Iterable[str], test: str) -> list[RunPlan]:
        return [run for run in self.runs_of(changes, test) if test in self.log[run].worse]

    def passed(self, changes: Iterable[str], test: str) -> list[RunPlan]:
        """The runs in which it did not fail each time."""
        runs = self.runs_of(changes, test)
        return [run for run in runs if self.failures(run, test) < run.repeat]

    def failures(self, run: RunPlan, test: str) -> int:
        seen = self.log[run]
        return seen.failures.get(test, 1) if test in seen.worse else 0

    def calm(self) -> bool:
        """Nothing here happens by chance."""
        world = self.target.world
        chances = [p for tests in world.new.values() for p in tests.values()]
        return not (world.flaky or world.unsettled or any(chances))


def concerned(step: Step) -> set[str]:
    match step:
        case NeedRuns(runs=runs):
            return {change for each in runs for change in each.plan.changes}
        case Land(changes=changes):
            return set(changes)
        case Reject(change=change) | Undecided(change=change):
            return {change}
    return set()


def check_end(story: Story, world: World, arrived: Iterable[int]) -> None:
    """Accepted = finished: each in one terminal state."""
    rejected = [each.change for each in story.rejected]
    ended = [*story.landed(), *rejected, *story.undecided, *story.orphaned]
    assert sorted(ended) == sorted(arrived)
    assert not set(story.landed()) & world.silent


CHANGES = st.integers(0, SIZE - 1)
ANYBODY = st.integers(0, SIZE + FOREIGN - 1)
FAULTS = st.builds(
    lambda together, tests, mended: Fault(mask(together), tests, mask(mended - together)),
    together=st.frozensets(ANYBODY, max_size=3),
    tests=st.frozensets(st.sampled_from(STEADY), min_size=1, max_size=3),
    mended=st.frozensets(ANYBODY, max_size=1),
)
STACKS = st.dictionaries(CHANGES, CHANGES, max_size=4).map(
    lambda pairs: {later: frozenset({need}) for later, need in pairs.items() if need < later}
)


def a_new_test(change: int) -> str:
    return f"tests/test_new.py::test_{change}"


def worlds(*, calm: bool = False) -> st.SearchStrategy[World]:
    """Worlds of a few changes, in which everything can be; `calm` is without anything by chance."""
    nothing = st.just({})
    rates = st.sampled_from((0.05, 0.3))
    return st.builds(
        World,
        seed=st.integers(0, 999).map(str),
        size=st.just(SIZE),
        suite=st.just(SUITE),
        faults=st.lists(FAULTS, max_size=5).map(tuple),
        risk=st.sampled_from((0.02, 0.1, 0.5)),
        targeted=st.sampled_from((0.1, 0.5)),
        infrastructure=st.just(0.0) if calm else st.sampled_from((0.0, 0.0, 0.1, 0.4)),
        only_full=st.just(False) if calm else st.sampled_from((False, False, True)),
        needs=STACKS,
        silent=st.frozensets(CHANGES, max_size=1),
        flaky=nothing if calm else st.dictionaries(st.sampled_from(SHAKY), rates, max_size=2),
        unsettled=nothing
        if calm
        else st.dictionaries(CHANGES, st.just({SHAKY[0]: 0.3}), max_size=1),
        new=st.dictionaries(
            CHANGES, st.just(0.0) if calm else st.sampled_from((0.0, 0.3)), max_size=2
        ).map(lambda chances: {n: {a_new_test(n): chance} for n, chance in chances.items()}),
    )
