"""The gate at work on a simulated target: what its use cases do, without git and processes.

`GateSimulation` carries out one decision at a time, so that tests can interrupt it anywhere; `run`
takes it to its end on a number of runners with a simulated clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.worlds import Target, World, members
from bench.worlds import mask as mask_of
from services.validator.decision.evidence import (
    Candidate,
    DoesNotApply,
    Finished,
    Land,
    NeedRuns,
    Reject,
    RequestedRun,
    RunEvidence,
    RunPlan,
    Step,
    SuiteProfile,
    Undecided,
)
from services.validator.decision.gate import decide
from services.validator.decision.scheduling import runs_to_start
from services.validator.gate.risk_and_impact import RISK_OF_HELD_BACK

# A change takes a handful of runs on each of a handful of heads; far more of them are a livelock.
MAX_RUNS_PER_CHANGE = 100

# Returns the tests that reach a change; None if they are unknown.
Impact = Callable[[int], frozenset[str] | None]


@dataclass(frozen=True)
class Landing:
    """A landing: the head before it, the changes that landed, and the full run that allowed it."""

    head: int
    changes: tuple[int, ...]
    plan: RunPlan


@dataclass(frozen=True)
class Rejection:
    """A rejection: the head that the change was judged on, and the evidence that was named."""

    head: int
    change: int
    tests: tuple[str, ...]
    plan: RunPlan


@dataclass
class Story:
    """What became of each change, its cost in suite runs and the time it took (`wall`)."""

    landings: list[Landing] = field(default_factory=list)
    rejected: list[Rejection] = field(default_factory=list)
    undecided: list[int] = field(default_factory=list)
    orphaned: list[int] = field(default_factory=list)
    """Changes that need one that did not land."""
    runs: list[tuple[int, RunPlan]] = field(default_factory=list)
    cost: float = 0.0
    wall: float = 0.0

    def landed(self) -> list[int]:
        """Return the landed changes in the order of landing."""
        return [change for landing in self.landings for change in landing.changes]

    def wrong_landings(self, world: World) -> int:
        """Count the heads on which a test fails that passed on the first."""
        heads = [landing.head | mask_of(landing.changes) for landing in self.landings]
        return sum(bool(world.wrong(head)) for head in heads)

    def wrong_rejections(self, world: World) -> int:
        """Count the rejected changes that break nothing on the head they were judged on."""
        return sum(not world.harm(each.change, each.head) for each in self.rejected)


@dataclass
class GateSimulation:
    """The gate of one target, from the waiting changes to the end of each.

    `waiting` counts by change how many rounds left it undecided, `suspected` has the tests that
    changes held back on the previous head seem to break, and `backlog` the changes that arrived
    during a round.
    """

    target: Target
    max_runs: int = 1
    impacted: Impact = lambda _: None
    waiting: dict[int, int] = field(default_factory=dict)
    log: dict[RunPlan, RunEvidence] = field(default_factory=dict)
    story: Story = field(default_factory=Story)
    suite: SuiteProfile = field(default_factory=SuiteProfile)
    round: int = 0
    suspected: dict[int, frozenset[str]] = field(default_factory=dict)
    backlog: list[int] = field(default_factory=list)

    @classmethod
    def of(cls, world: World, **options: object) -> "GateSimulation":
        """Return a simulation in which all changes of a world are waiting."""
        waiting = dict.fromkeys(range(world.size), 0)
        suite = world.suite_profile()
        return cls(Target(world), waiting=waiting, suite=suite, **options)  # type: ignore[arg-type]

    def requested_runs(self) -> tuple[RequestedRun, ...]:
        """Carry out decisions until runs are needed; empty once every change has ended."""
        while self.waiting or self.backlog:
            step = self.step()
            if isinstance(step, NeedRuns):
                return step.runs
        return ()

    def step(self) -> Step:
        """Take one decision, carry it out and return it; `Finished` if no change waits."""
        self.drop_orphans()
        if not self.waiting:
            self.move_head(self.target.head, {})
            self.drop_orphans()
        if not self.waiting:
            return Finished()
        step = self.next()
        match step:
            case Land():
                self.land(step)
            case Reject(change=change):
                del self.waiting[int(change)]
                rejection = Rejection(self.target.head, int(change), step.tests, step.plan)
                self.story.rejected.append(rejection)
            case Undecided(change=change):
                del self.waiting[int(change)]
                self.story.undecided.append(int(change))
            case Finished():
                raise AssertionError(f"finished with {sorted(self.waiting)} waiting")
        return step

    def next(self) -> Step:
        """Return the next decision of the gate's own code, without carrying it out."""
        return decide(self.candidates(), self.log, suite=self.suite, max_runs=self.max_runs)

    def candidates(self) -> list[Candidate]:
        """Return the waiting changes as the gate sees them."""
        world = self.target.world
        return [
            Candidate(
                str(change),
                change,
                risk=RISK_OF_HELD_BACK if change in self.suspected else world.risk,
                needs=frozenset(map(str, members(world.needs_of(change) & ~self.target.head))),
                impacted=self.suspected.get(change) or self.impacted(change),
                rounds_waited=rounds,
            )
            for change, rounds in sorted(self.waiting.items())
        ]

    def orphaned(self) -> list[int]:
        """Return the changes that no longer apply, as one that they need did not land."""
        there = self.target.head | mask_of(self.waiting)
        return [n for n in self.waiting if self.target.world.needs_of(n) & ~there]

    def drop_orphans(self) -> None:
        """End the orphaned changes."""
        for change in self.orphaned():
            del self.waiting[change]
            self.story.orphaned.append(change)

    def land(self, step: Land) -> None:
        """Move the branch and begin a new round, with an empty log, for the remaining changes."""
        changes = tuple(int(each) for each in step.changes)
        self.push(step)
        left = {n: rounds + 1 for n, rounds in self.waiting.items() if n not in changes}
        held_back = {int(change): frozenset(tests) for change, tests in step.held_back}
        self.suspected = {change: tests for change, tests in held_back.items() if tests}
        self.move_head(self.target.head, left)

    def push(self, step: Land) -> None:
        """Move only the branch, as if the process crashed before the states were written."""
        changes = tuple(int(each) for each in step.changes)
        self.story.landings.append(Landing(self.target.head, changes, step.plan))
        self.target.head |= mask_of(changes)

    def arrive(self, change: int) -> None:
        """Add a change: to this round if it is empty, else to the next."""
        if self.waiting:
            self.backlog.append(change)
        else:
            self.move_head(self.target.head, {change: 0})

    def move_head(self, head: int, waiting: Mapping[int, int]) -> None:
        """Begin a round on `head` with `waiting` and the backlog; the log is empty again."""
        self.target.head = head
        self.waiting = {**waiting, **dict.fromkeys(self.backlog, 0)}
        self.backlog = []
        self.log = {}
        self.round += 1

    def recover(self) -> None:
        """After a crash, treat the changes on the branch as landed."""
        on_it = {n: rounds for n, rounds in self.waiting.items() if not self.target.head >> n & 1}
        if len(on_it) < len(self.waiting):
            self.move_head(self.target.head, on_it)

    def add_evidence(self, plan: RunPlan, evidence: RunEvidence) -> None:
        """Record what a finished run showed."""
        self.log[plan] = evidence

    def run(self) -> Story:
        """Run the simulation to its end with a simulated clock.

        Raises AssertionError for a livelock. As in the use case, a run that is of no use any more
        is stopped, and costs what it ran until then.
        """
        clock, running = 0.0, dict[RunPlan, _RunningRun]()
        while requested := self.requested_runs():
            for plan in [each for each in running if running[each].is_useless(each, self)]:
                self.story.cost += clock - running.pop(plan).started
            if len(self.story.runs) > MAX_RUNS_PER_CHANGE * self.target.world.size:
                raise AssertionError(f"livelock: it asks for {requested[0]}")
            new = runs_to_start(requested, [each.requested for each in running.values()])
            for each in new[: self.max_runs - len(running)]:
                self.story.runs.append((self.target.head, each.plan))
                ends = clock + price(self.target, each.plan)
                running[each.plan] = _RunningRun(each, self.round, clock, ends)
            first = min(running, key=lambda plan: running[plan].ends)
            clock = running[first].ends
            self.story.cost += clock - running.pop(first).started
            self.add_evidence(first, self.target.observe(first))
        self.story.cost += sum(clock - each.started for each in running.values())
        self.story.wall = clock
        return self.story


@dataclass
class _RunningRun:
    """A run under way: the round that requested it, and when it starts and ends."""

    requested: RequestedRun
    round: int
    started: float
    ends: float

    def is_useless(self, plan: RunPlan, gate: GateSimulation) -> bool:
        """Return true if the round is over, or a change of the run has ended."""
        return self.round != gate.round or any(
            int(each) not in gate.waiting for each in plan.changes
        )


def simulate(world: World, *, runners: int = 1, impacted: Impact = lambda _: None) -> Story:
    """Simulate the gate on a world, from all changes waiting to all ended."""
    return GateSimulation.of(world, max_runs=runners, impacted=impacted).run()


def price(target: Target, plan: RunPlan) -> float:
    """Return the cost of a run in suite runs; it is 0 if the changes do not apply."""
    return 0.0 if isinstance(target.observe(plan), DoesNotApply) else target.world.price(plan)
