"""The gate at work on a simulated target: what the use case around it does, without git and processes.

`Rehearsal` is the use case in small, one decision at a time, so that tests can interrupt it anywhere;
`play` runs it to the end on a number of runners with a clock.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from bench.worlds import Target, World, members
from bench.worlds import mask as mask_of
from services.validator.decision.gate import (
    Candidate,
    Evidence,
    Finished,
    Knowledge,
    Land,
    NeedRuns,
    Reject,
    Run,
    Step,
    Unbuildable,
    Undecided,
    Wanted,
    decide,
)
from services.validator.gate.risk_and_impact import HELD

# A change takes a handful of runs, on each of a handful of heads; far beyond that nothing would ever end.
ENDLESS = 100

Impact = Callable[[int], frozenset[str] | None]


@dataclass(frozen=True)
class Landing:
    """One landing: the head it was made on, what landed, and the run that said so."""

    head: int
    changes: tuple[int, ...]
    run: Run


@dataclass(frozen=True)
class Refusal:
    """One rejection: the head it was judged on and the evidence that was named."""

    head: int
    change: int
    tests: tuple[str, ...]
    run: Run


@dataclass
class Story:
    """What became of every change, what it cost in suite runs, and how long it took."""

    landings: list[Landing] = field(default_factory=list)
    rejected: list[Refusal] = field(default_factory=list)
    undecided: list[int] = field(default_factory=list)
    orphaned: list[int] = field(default_factory=list)
    """Changes that need one that did not land."""
    runs: list[tuple[int, Run]] = field(default_factory=list)
    cost: float = 0.0
    wall: float = 0.0

    def landed(self) -> list[int]:
        """In their order."""
        return [change for landing in self.landings for change in landing.changes]

    def wrong_landings(self, world: World) -> int:
        """Heads on which a test fails that passed on the first."""
        heads = [landing.head | mask_of(landing.changes) for landing in self.landings]
        return sum(bool(world.wrong(head)) for head in heads)

    def wrong_rejections(self, world: World) -> int:
        """Changes that were rejected and break nothing on the head they were judged on."""
        return sum(not world.harm(each.change, each.head) for each in self.rejected)


@dataclass
class Rehearsal:
    """The gate of one target, from what is waiting to the end of each change."""

    target: Target
    width: int = 1
    impacted: Impact = lambda _: None
    waiting: dict[int, int] = field(default_factory=dict)
    """Changes that have not ended, and how often each was given back."""
    log: dict[Run, Evidence] = field(default_factory=dict)
    story: Story = field(default_factory=Story)
    knowledge: Knowledge = field(default_factory=Knowledge)
    epoch: int = 0
    suspected: dict[int, frozenset[str]] = field(default_factory=dict)
    """What was held back on the head before, and what it seems to break."""
    backlog: list[int] = field(default_factory=list)
    """Changes that came while others were judged."""

    @classmethod
    def of(cls, world: World, **options: object) -> "Rehearsal":
        """All changes of a world waiting."""
        waiting = dict.fromkeys(range(world.size), 0)
        return cls(Target(world), waiting=waiting, knowledge=world.knowledge(), **options)  # type: ignore[arg-type]

    def wanted(self) -> tuple[Wanted, ...]:
        """Carry out decisions until runs are needed; empty when every change has ended."""
        while self.waiting or self.backlog:
            step = self.step()
            if isinstance(step, NeedRuns):
                return step.runs
        return ()

    def step(self) -> Step:
        """One decision, carried out."""
        self.orphans()
        if not self.waiting:
            self.moved(self.target.head, {})
            self.orphans()
        if not self.waiting:
            return Finished()
        step = self.next()
        match step:
            case Land():
                self.land(step)
            case Reject(change=change):
                del self.waiting[int(change)]
                refusal = Refusal(self.target.head, int(change), step.tests, step.run)
                self.story.rejected.append(refusal)
            case Undecided(change=change):
                del self.waiting[int(change)]
                self.story.undecided.append(int(change))
            case Finished():
                raise AssertionError(f"finished with {sorted(self.waiting)} waiting")
        return step

    def next(self) -> Step:
        """The gate's own decision."""
        return decide(self.candidates(), self.log, knowledge=self.knowledge, width=self.width)

    def candidates(self) -> list[Candidate]:
        """What is waiting, as the gate sees it."""
        world = self.target.world
        return [
            Candidate(
                str(change),
                change,
                risk=HELD if change in self.suspected else world.risk,
                needs=frozenset(map(str, members(world.standing_on(change) & ~self.target.head))),
                impacted=self.suspected.get(change) or self.impacted(change),
                waited=waited,
            )
            for change, waited in sorted(self.waiting.items())
        ]

    def orphaned(self) -> list[int]:
        """What needs a change that has ended elsewhere than on the branch does not apply any more."""
        there = self.target.head | mask_of(self.waiting)
        return [n for n in self.waiting if self.target.world.standing_on(n) & ~there]

    def orphans(self) -> None:
        """They leave."""
        for change in self.orphaned():
            del self.waiting[change]
            self.story.orphaned.append(change)

    def land(self, step: Land) -> None:
        """The branch moves; the rest goes back, and a new epoch begins with an empty log."""
        changes = tuple(int(each) for each in step.changes)
        self.push(step)
        left = {n: waited + 1 for n, waited in self.waiting.items() if n not in changes}
        self.suspected = {int(change): frozenset(tests) for change, tests in step.held if tests}
        self.moved(self.target.head, left)

    def push(self, step: Land) -> None:
        """Only the branch: from here on they have landed, even when nobody gets to write it down."""
        changes = tuple(int(each) for each in step.changes)
        self.story.landings.append(Landing(self.target.head, changes, step.run))
        self.target.head |= mask_of(changes)

    def arrive(self, change: int) -> None:
        """It waits for the next head, unless nothing else is judged on this one."""
        if self.waiting:
            self.backlog.append(change)
        else:
            self.moved(self.target.head, {change: 0})

    def moved(self, head: int, waiting: Mapping[int, int]) -> None:
        """The head is another one: what was known of the old one says nothing here."""
        self.target.head = head
        self.waiting = {**waiting, **dict.fromkeys(self.backlog, 0)}
        self.backlog = []
        self.log = {}
        self.epoch += 1

    def recover(self) -> None:
        """What is on the branch has landed, whatever the states say."""
        on_it = {n: waited for n, waited in self.waiting.items() if not self.target.head >> n & 1}
        if len(on_it) < len(self.waiting):
            self.moved(self.target.head, on_it)

    def tell(self, run: Run, evidence: Evidence) -> None:
        """A run has ended."""
        self.log[run] = evidence


@dataclass
class _Flight:
    epoch: int
    started: float
    ends: float

    def is_useless(self, run: Run, gate: Rehearsal) -> bool:
        """Whether nobody waits for what it says any more."""
        return self.epoch != gate.epoch or any(
            int(each) not in gate.waiting for each in run.changes
        )


def play(world: World, *, runners: int = 1, impacted: Impact = lambda _: None) -> Story:
    """From all changes waiting to all ended."""
    return fly(Rehearsal.of(world, width=runners, impacted=impacted))


def fly(gate: Rehearsal) -> Story:
    """Run it to its end with a clock.

    As in the use case a run goes on until a change of it leaves or the epoch ends; then it is killed, and
    paid for as far as it came.
    """
    clock, flying = 0.0, dict[Run, _Flight]()
    while wanted := gate.wanted():
        for run in [each for each in flying if flying[each].is_useless(each, gate)]:
            gate.story.cost += clock - flying.pop(run).started
        if len(gate.story.runs) > ENDLESS * gate.target.world.size:
            raise AssertionError(f"livelock: it asks for {wanted[0]}")
        for run in [each.run for each in wanted if each.run not in flying][
            : gate.width - len(flying)
        ]:
            gate.story.runs.append((gate.target.head, run))
            flying[run] = _Flight(gate.epoch, clock, clock + price(gate.target, run))
        first = min(flying, key=lambda run: flying[run].ends)
        clock = flying[first].ends
        gate.story.cost += clock - flying.pop(first).started
        gate.tell(first, gate.target.observe(first))
    gate.story.cost += sum(clock - each.started for each in flying.values())
    gate.story.wall = clock
    return gate.story


def price(target: Target, run: Run) -> float:
    """What does not compose costs nothing: no process is started."""
    return 0.0 if isinstance(target.observe(run), Unbuildable) else target.world.price(run)
