"""Other methods of deciding what may land, each of them sound, on the same worlds as the gate.

All of them make full runs only, and land only what passed a full run on that very head. A run
passes or fails as a whole; they do not use which tests failed. None of them pays for the first run
of the head.

In flaky worlds a failing run is repeated at most twice and passes if any of the three does, as
users of bors do by hand. In other worlds no run is repeated, which can only make the peers cheaper.
"""

import math
import random  # noqa: TID251 - chance comes from the world's seed
from collections.abc import Callable
from dataclasses import dataclass, field

from bench.worlds import World

MAX_RETRIES = 2


@dataclass
class Branch:
    """A head, the heads after each landing, the rejections by head, and the cost so far."""

    world: World
    head: int = 0
    heads: list[int] = field(default_factory=list)
    rejected: list[tuple[int, int]] = field(default_factory=list)
    cost: float = 0.0
    wall: float = 0.0

    def passes(self, changes: int) -> bool:
        """Return whether these changes pass on the head, and add the cost of run and retries."""
        passed, runs = self.try_run(self.head, changes)
        self.cost += runs
        self.wall += runs
        return passed

    def try_run(self, head: int, changes: int) -> tuple[bool, int]:
        """Return whether changes pass on a head, and after how many runs."""
        is_broken = bool(self.world.failing(head | changes) - self.world.failing(head))
        if not self.world.flaky:
            return not is_broken, 1
        chance = random.Random(f"{self.world.seed}/{head}/{changes}/{self.cost}")  # noqa: S311
        passes = math.prod(1 - rate for _, rate in self.world.flaky_with(head | changes))
        for attempt in range(MAX_RETRIES + 1):
            if not is_broken and chance.random() < passes:
                return True, attempt + 1
        return False, MAX_RETRIES + 1

    def land(self, changes: int) -> None:
        """Land all changes of a bit mask."""
        self.head |= changes
        self.heads.append(self.head)

    def reject(self, change: int) -> None:
        """Reject a change, given as a bit mask, on the present head."""
        self.rejected.append((self.head, change.bit_length() - 1))

    def wrong_landings(self) -> int:
        """Count the heads on which a test fails that passed on the first."""
        return sum(bool(self.world.wrong(head)) for head in self.heads)

    def wrong_rejections(self) -> int:
        """Count the rejected changes that break nothing on the head they were judged on."""
        return sum(not self.world.harm(change, head) for head, change in self.rejected)


Peer = Callable[[World], Branch]


def serial(world: World) -> Branch:
    """Run each change alone on the moving head.

    This is the "not rocket science rule": Graydon Hoare, https://graydon2.dreamwidth.org/1597.html;
    homu, and GitHub's merge queue with a group size of one.
    """
    branch = Branch(world)
    for change in range(world.size):
        one_by_one(branch, [1 << change])
    return branch


def dorfman(world: World) -> Branch:
    """Run groups of the optimal size, and the changes of a failing group one by one.

    R. Dorfman, "The Detection of Defective Members of Large Populations", Ann. Math. Statist. 14
    (1943): the size s that makes 1/s + 1 - (1 - p)^s least.
    """
    branch, size = Branch(world), dorfman_size(world.risk)
    for start in range(0, world.size, size):
        group = [1 << each for each in range(start, min(start + size, world.size))]
        if len(group) == 1:
            one_by_one(branch, group)
        elif branch.passes(sum(group)):
            branch.land(sum(group))
        else:
            one_by_one(branch, group)
    return branch


def dorfman_size(risk: float) -> int:
    """Return the cheapest group size; 1 if grouping does not pay."""

    def cost(size: int) -> float:
        """Return the mean number of runs per change in groups of this size."""
        return 1.0 if size == 1 else 1 / size + 1 - (1 - risk) ** size

    return min(range(1, 101), key=cost)


def one_by_one(branch: Branch, group: list[int]) -> None:
    """Run changes one by one; land each that passes on the head after the one before."""
    for change in group:
        if branch.passes(change):
            branch.land(change)
        else:
            branch.reject(change)


def bors(world: World) -> Branch:
    """Run all changes as one batch; a failing batch is split in half, and both halves queue again.

    bors-ng, lib/worker/batcher/divider.ex (`bisect`: split at count / 2, a new batch of each half).
    It keeps no memory of what a failed batch says about its second half, and neither does this.
    """
    branch = Branch(world)
    queue = [[1 << each for each in range(world.size)]]
    while queue:
        batch = queue.pop(0)
        if branch.passes(sum(batch)):
            branch.land(sum(batch))
        elif len(batch) == 1:
            branch.reject(batch[0])
        else:
            half = len(batch) // 2
            queue += [batch[:half], batch[half:]]
    return branch


def adaptive(world: World) -> Branch:
    """Run groups that pass with a probability of about one half (adaptive group testing).

    F. K. Hwang, "A Method for Detecting All Defective Members in a Population by Group Testing",
    JASA 67 (1972), and M. Sobel and P. Groll, Bell System Tech. J. 38 (1959), in the form that
    splits by probability. When the first part of a failing group has landed, the rest is known to
    fail on the new head without a run, for it is the same tree; when the first part fails, the rest
    is as unknown as before.
    """
    branch = Branch(world)
    unknown = [1 << each for each in range(world.size)]
    risk = min(max(world.risk, 1e-6), 1 - 1e-6)
    while unknown:
        size = likely_half(risk, len(unknown))
        group, unknown = unknown[:size], unknown[size:]
        if branch.passes(sum(group)):
            branch.land(sum(group))
        else:
            unknown = find_culprit(branch, group, risk) + unknown
    return branch


def find_culprit(branch: Branch, failing: list[int], risk: float) -> list[int]:
    """Reject one culprit of a failing group, land what passes; return the changes unknown again."""
    unknown: list[int] = []
    while len(failing) > 1:
        size = likely_half_of_failing(risk, len(failing))
        first, rest = failing[:size], failing[size:]
        if branch.passes(sum(first)):
            branch.land(sum(first))
            failing = rest
        else:
            failing, unknown = first, rest + unknown
    branch.reject(failing[0])
    return unknown


def likely_half(risk: float, limit: int) -> int:
    """Return the size of a group that passes with a probability nearest to one half."""
    return min(range(1, limit + 1), key=lambda size: abs((1 - risk) ** size - 0.5))


def likely_half_of_failing(risk: float, size: int) -> int:
    """Return the size of a first part that passes with a probability nearest to one half.

    The group of `size` changes that it is part of is known to hold a culprit.
    """
    certain = (1 - risk) ** size

    def passes(part: int) -> float:
        """Return the probability that a first part of this size passes."""
        return ((1 - risk) ** part - certain) / (1 - certain)

    return min(range(1, size), key=lambda part: abs(passes(part) - 0.5))


@dataclass
class _Item:
    """A change in the pipeline; its run builds on the tree `under` (-1 before the first run).

    `outcome` is what its run will show when it ends, `passed` what it showed.
    """

    change: int
    under: int = -1
    started: float = 0.0
    ends: float = math.inf
    outcome: bool = False
    passed: bool | None = None

    @property
    def running(self) -> bool:
        """True while its run is under way."""
        return self.passed is None and self.ends < math.inf


@dataclass
class _Pipeline:
    """Zuul's queue: only its first `window` changes are run, and the first of them lands next."""

    branch: Branch
    queue: list[_Item]
    window: int = 20
    clock: float = 0.0

    def restart(self, runners: int) -> None:
        """Cut off runs that build on a failed one, then start runs that are missing, in order."""
        under = self.branch.head
        for item in self.queue[: self.window]:
            if item.under != under:
                self.cut_off(item)
                item.under = under
            if item.passed is not False:
                under |= item.change
        for item in self.queue[: self.window]:
            if item.passed is None and not item.running and self.count_running() < runners:
                item.outcome, runs = self.branch.try_run(self.branch.head, item.under | item.change)
                item.started, item.ends = self.clock, self.clock + runs

    def cut_off(self, item: _Item) -> None:
        """Discard the run or the result of a change."""
        if item.running:
            self.branch.cost += self.clock - item.started
        item.ends, item.passed = math.inf, None

    def count_running(self) -> int:
        """Return how many runs are under way."""
        return sum(item.running for item in self.queue)

    def advance(self) -> None:
        """Move the clock to the end of the next run, and note its result and cost."""
        running = [item for item in self.queue if item.running]
        self.clock = min(item.ends for item in running)
        for item in running:
            if item.ends == self.clock:
                item.passed = item.outcome
                self.branch.cost += self.clock - item.started

    def settle(self) -> None:
        """Land or reject the first changes whose run ended on the present head."""
        while (
            self.queue
            and self.queue[0].passed is not None
            and self.queue[0].under == self.branch.head
        ):
            item = self.queue.pop(0)
            if item.passed:
                self.branch.land(item.change)
                self.window += 1
            else:
                self.branch.reject(item.change)
                self.window = max(3, self.window // 2)


def zuul(world: World, runners: int = 1) -> Branch:
    """Run each change on those ahead of it, and again when one of those fails (speculatively).

    Zuul's dependent pipeline manager, https://zuul-ci.org/docs/zuul/latest/gating.html: a change is
    tested on its nearest non-failing ones ahead; what is behind a failing one is started anew
    without it. The window adapts, with Zuul's defaults (20 at first, one more for each that merges,
    half for each that fails, never below 3). A run that is cut off costs what it ran.
    """
    pipeline = _Pipeline(Branch(world), [_Item(1 << each) for each in range(world.size)])
    while pipeline.queue:
        pipeline.restart(runners)
        pipeline.advance()
        pipeline.settle()
    pipeline.branch.wall = pipeline.clock
    return pipeline.branch
