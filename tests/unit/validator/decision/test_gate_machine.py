"""The gate under random interruptions.

Whatever happens between two steps, its rules hold, and every change ends exactly once.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from bench.worlds import Target, World
from services.validator.decision.evidence import (
    Land,
    NeedRuns,
    RunPlan,
)
from tests.support.gatekeeping import FOREIGN, SIZE, CheckedGateSimulation, check_end, worlds

# A change takes a handful of runs on each head; far beyond that nothing would ever end.
TOO_MANY = 1500


class Gate(RuleBasedStateMachine):
    """The use case around the gate, with everything that can happen to it."""

    @initialize(
        world=worlds(), width=st.integers(1, 3), late=st.frozensets(st.integers(0, SIZE - 1))
    )
    def open(self, world: World, width: int, late: frozenset[int]) -> None:
        there = dict.fromkeys((n for n in range(SIZE) if n not in late), 0)
        self.gate = CheckedGateSimulation(
            Target(world), width, waiting=there, suite=world.suite_profile()
        )
        self.late = sorted(late)
        self.foreign = list(range(SIZE, SIZE + FOREIGN))
        self.flying: list[tuple[int, RunPlan]] = []

    @rule()
    def decide(self) -> None:
        step = self.gate.step()
        if isinstance(step, NeedRuns):
            asked = [(self.gate.round, each.plan) for each in step.runs]
            self.flying += [each for each in asked if each not in self.flying]

    @precondition(lambda self: self.flying)
    @rule(which=st.integers(0, 9))
    def a_run_ends(self, which: int) -> None:
        round_, run = self.flying.pop(which % len(self.flying))
        if round_ == self.gate.round:
            assert run not in self.gate.log
            self.gate.add_evidence(run, self.gate.target.observe(run))

    @precondition(lambda self: self.flying)
    @rule(which=st.integers(0, 9))
    def a_runner_is_lost(self, which: int) -> None:
        self.flying.pop(which % len(self.flying))

    @rule()
    def the_gate_crashes(self) -> None:
        """Only the log, the states and the branch are left."""
        old = self.gate
        before = old.next() if old.waiting and not old.orphaned() else None
        self.gate = CheckedGateSimulation(
            Target(old.target.world, old.target.head),
            old.max_runs,
            waiting=dict(old.waiting),
            log=dict(old.log),
            story=old.story,
            suite=old.suite,
            round=old.round,
            suspected=dict(old.suspected),
            backlog=list(old.backlog),
        )
        self.gate.recover()
        self.flying = []
        assert before is None or self.gate.next() == before

    @precondition(lambda self: self.gate.waiting and not self.gate.orphaned())
    @rule()
    def it_crashes_between_the_branch_and_the_states(self) -> None:
        step = self.gate.next()
        if isinstance(step, Land):
            self.gate.push(step)
            self.gate.recover()
            self.flying = []

    @precondition(lambda self: self.foreign)
    @rule()
    def somebody_else_pushes(self) -> None:
        head = self.gate.target.head | 1 << self.foreign.pop(0)
        self.gate.move_head(head, self.gate.waiting)

    @precondition(lambda self: self.late)
    @rule()
    def a_change_arrives(self) -> None:
        """It waits for the next head, unless nothing else does."""
        self.gate.arrive(self.late.pop(0))

    def teardown(self) -> None:
        if not hasattr(self, "gate"):
            return
        self.gate.run()
        assert len(self.gate.story.runs) < TOO_MANY, "livelock"
        check_end(self.gate.story, self.gate.target.world, set(range(SIZE)) - set(self.late))


TestGate = Gate.TestCase
TestGate.settings = settings(max_examples=120, stateful_step_count=40)
