"""Learning which changes stand: regret of the planner's choice, beside peers, in simulated targets.

An arm is a kind of change, and a change of it stands with a probability that only the world knows.
Each task takes one of 20 arms and finds out; 500 tasks, 200 seeds. Ours is the very choice that the
planner makes, one in ten of it drawn by chance as a control, and the very posterior. Peers know the
same: epsilon-greedy (10 %), UCB1, and round-robin. The oracle knows the probabilities, so regret is
what a policy has less than the oracle in expectation.

Worlds: `stationary`; `drifting`, where an arm changes every 25 tasks; `adversarial`, where the arm
that was taken most turns bad every 100 tasks; and `no difference`. Of each is told in which share
of the seeds the choices would be claimed to be better than the controls.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from math import log, sqrt
from statistics import fmean, stdev
from typing import Protocol

from bench.harness import Result, main
from bench.shares import Share, difference
from services.coordinator.domain.choosing import choose, options
from services.coordinator.domain.learning import Arm, Counts, Experience
from shared.contracts.base import Priority
from shared.contracts.documents.waves import Opportunity
from shared.kernel.chance import Chance, seeded

ARMS = 20
TASKS, QUICK_TASKS = 500, 100
SEEDS, QUICK_SEEDS = 200, 4
TASK_INTERVAL = timedelta(hours=1)
PRIOR = 0.7
EPSILON = 0.1
DRIFT_TASKS = 25
ATTACK_TASKS = 100
ALLOWED = 1.05
MAX_FALSE_CLAIMS = 0.05


class Policy(Protocol):
    """Chooses an arm, and is told whether the change stood."""

    def take(self) -> int:
        """Return the number of an arm."""

    def learn(self, arm: int, *, stood: bool) -> None:
        """Note what became of a change."""


class Ours:
    """The choice of the planner: `choose` over `options`, with controls."""

    def __init__(self, chance: Chance) -> None:
        self._chance = chance
        self._counts: dict[Arm, Counts] = {}
        self._offers = [_opportunity(each) for each in range(ARMS)]
        self.control = False

    def take(self) -> int:
        """Return the arm of the opportunity that the planner takes up."""
        found = options(self._offers, Experience.of(self._counts, self._counts), self._chance)
        [choice] = choose(found, 1, chance=self._chance if self._counts else None).chosen
        self.control = choice.control
        return int(choice.option.opportunity.component)

    def learn(self, arm: int, *, stood: bool) -> None:
        """Let all counts fade by one task, and add this outcome."""
        faded = {each: counts.faded(TASK_INTERVAL) for each, counts in self._counts.items()}
        mine = Arm("type", str(arm), "class")
        self._counts = {**faded, mine: faded.get(mine, Counts()).plus(float(stood))}


@dataclass
class Means:
    """What simple peers know: how often each arm was taken, and how often its changes stood."""

    chance: Chance
    taken: list[int] = field(default_factory=lambda: [0] * ARMS)
    stood: list[int] = field(default_factory=lambda: [0] * ARMS)

    def learn(self, arm: int, *, stood: bool) -> None:
        """Count an outcome."""
        self.taken[arm] += 1
        self.stood[arm] += stood

    def mean(self, arm: int) -> float:
        """Return the share of an arm that stood, or the prior before it was taken."""
        return self.stood[arm] / self.taken[arm] if self.taken[arm] else PRIOR


class EpsilonGreedy(Means):
    """Takes the best mean, and one in ten by chance."""

    def take(self) -> int:
        """Return the arm."""
        if self.chance.random() < EPSILON:
            return self.chance.randrange(ARMS)
        return max(range(ARMS), key=self.mean)


class Ucb1(Means):
    """Takes each arm once, and then the highest upper confidence bound (Auer et al., 2002)."""

    def take(self) -> int:
        """Return the arm."""
        if 0 in self.taken:
            return self.taken.index(0)
        total = log(sum(self.taken))
        return max(range(ARMS), key=lambda n: self.mean(n) + sqrt(2 * total / self.taken[n]))


class RoundRobin(Means):
    """Takes all arms in turn."""

    def take(self) -> int:
        """Return the arm."""
        return sum(self.taken) % ARMS


POLICIES: dict[str, Callable[[Chance], Policy]] = {
    "ours": Ours,
    "epsilon-greedy": EpsilonGreedy,
    "UCB1": Ucb1,
    "round-robin": RoundRobin,
}


@dataclass
class World:
    """Arms, and how likely a change of each is to stand just now."""

    kind: str
    chance: Chance
    probabilities: list[float] = field(default_factory=list)
    taken: list[int] = field(default_factory=lambda: [0] * ARMS)

    def __post_init__(self) -> None:
        """Draw the probabilities."""
        same = self.kind == "no difference"
        self.probabilities = [PRIOR if same else self.chance.random() for _ in range(ARMS)]

    def try_arm(self, arm: int) -> tuple[bool, float]:
        """Return whether the change stands, and how much less likely that was than with the best.

        Afterwards the world may change.
        """
        here = self.probabilities[arm]
        stood, regret = self.chance.random() < here, max(self.probabilities) - here
        self.taken[arm] += 1
        self._move(sum(self.taken))
        return stood, regret

    def _move(self, tasks: int) -> None:
        """Change an arm, if it is time to."""
        if self.kind == "drifting" and tasks % DRIFT_TASKS == 0:
            self.probabilities[self.chance.randrange(ARMS)] = self.chance.random()
        if self.kind == "adversarial" and tasks % ATTACK_TASKS == 0:
            favourite = max(range(ARMS), key=self.taken.__getitem__)
            self.probabilities[favourite] = 0.0
            self.taken = [0] * ARMS


KINDS = ("stationary", "drifting", "adversarial", "no difference")


def _opportunity(number: int) -> Opportunity:
    """Return the opportunity to take one arm; all have the same impact and cost."""
    return Opportunity(
        agent_type="type",
        component=str(number),
        description="",
        priority=Priority.NORMAL,
        expected_impact=1.0,
        complexity=1.0,
        findings=1,
        fixable=1,
        family=str(number),
        component_class="class",
        prior=PRIOR,
    )


@dataclass
class Run:
    """What one policy did in one world: its regret, and what stood of its choices and controls."""

    regret: float = 0.0
    chosen: list[bool] = field(default_factory=list)
    controls: list[bool] = field(default_factory=list)

    @property
    def claims(self) -> bool:
        """Whether the choices would be claimed to be better than the controls."""
        shares = [Share(count=sum(each), of=len(each)) for each in (self.chosen, self.controls)]
        interval = difference(*shares)
        return interval is not None and interval[0] > 0


def play(kind: str, policy: str, seed: int, tasks: int) -> Run:
    """Return what a policy did in the world of a seed; each policy meets the same world."""
    world = World(kind, seeded(f"{kind}:{seed}"))
    player = POLICIES[policy](seeded(f"{policy}:{seed}"))
    done = Run()
    for _ in range(tasks):
        arm = player.take()
        stood, regret = world.try_arm(arm)
        player.learn(arm, stood=stood)
        done.regret += regret
        (done.controls if getattr(player, "control", False) else done.chosen).append(stood)
    return done


def run(quick: bool) -> Result:
    """Report the regret of each policy in each world."""
    seeds, tasks = (QUICK_SEEDS, QUICK_TASKS) if quick else (SEEDS, TASKS)
    with ProcessPoolExecutor() as pool:
        rows = [*pool.map(partial(row, seeds=seeds, tasks=tasks), KINDS)]
    bar = (
        f"regret lowest, or within {ALLOWED - 1:.0%} of the lowest peer, in each world; where "
        f"there is no difference, one is claimed in <= {MAX_FALSE_CLAIMS:.0%} of the seeds"
    )
    return Result("learning", bar, rows, None if quick else all(map(row_holds, rows)))


def row(kind: str, seeds: int, tasks: int) -> dict[str, object]:
    """Return the row of one world: mean regret per policy, with its standard error for ours."""
    runs = {name: [play(kind, name, n, tasks) for n in range(seeds)] for name in POLICIES}
    regrets = {name: [each.regret for each in made] for name, made in runs.items()}
    error = stdev(regrets["ours"]) / sqrt(seeds)
    return {
        "target": kind,
        "tasks": tasks,
        "seeds": seeds,
        **{name: round(fmean(each), 1) for name, each in regrets.items()},
        "oracle": 0.0,
        "± ours": round(error, 1),
        "claimed better": round(fmean(each.claims for each in runs["ours"]), 3),
    }


def row_holds(found: dict[str, object]) -> bool:
    """Return whether the bar holds in one world."""
    if found["target"] == "no difference":
        return float(str(found["claimed better"])) <= MAX_FALSE_CLAIMS
    peers: Sequence[float] = [float(str(found[each])) for each in POLICIES if each != "ours"]
    return float(str(found["ours"])) <= ALLOWED * min(peers)


if __name__ == "__main__":
    main("learning", run)
