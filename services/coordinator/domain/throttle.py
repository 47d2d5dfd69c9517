"""How many agents may be at work at once: fewer at once on a busy machine, more only slowly."""

from dataclasses import dataclass

# Above the first figure the machine is busy; below the second it is calm; between them nothing
# changes, so that one agent more or less does not move the throttle to and fro.
MAX_LOAD, CALM_LOAD = 2.0, 1.25
MIN_FREE_MEMORY, CALM_FREE_MEMORY = 0.10, 0.20
MAX_QUEUE, CALM_QUEUE = 24, 8
MAX_FAILED, CALM_FAILED = 0.5, 0.2
CALM_ROUNDS = 3


@dataclass(frozen=True)
class Signals:
    """What the machine and the work of a wave are like.

    `load` is the load average per core, `free_memory` a share of all memory, `queue` the number of
    changes that the gate is not done with, `failed` the share of ended tasks that failed, and of
    decided changes that were refused, whichever is greater.
    """

    load: float
    free_memory: float
    queue: int = 0
    failed: float = 0.0

    @property
    def busy(self) -> bool:
        """Whether one of them is too high."""
        return (
            self.load > MAX_LOAD
            or self.free_memory < MIN_FREE_MEMORY
            or self.queue > MAX_QUEUE
            or self.failed > MAX_FAILED
        )

    @property
    def calm(self) -> bool:
        """Whether all of them leave room for another agent."""
        return (
            self.load < CALM_LOAD
            and self.free_memory > CALM_FREE_MEMORY
            and self.queue < CALM_QUEUE
            and self.failed < CALM_FAILED
        )


@dataclass(frozen=True)
class Throttle:
    """How many agents may be at work at once, and how many calm rounds there were in a row."""

    agents: int
    calm_rounds: int = 0


def adapted(throttle: Throttle, signals: Signals, *, wanted: int) -> Throttle:
    """Return the throttle after one more round of signals, between 1 and `wanted`.

    It falls by a third at once, and rises by one after `CALM_ROUNDS` calm rounds in a row.
    """
    agents = min(throttle.agents, wanted)
    if signals.busy:
        return Throttle(max(agents - max(agents // 3, 1), 1))
    if not signals.calm or agents == wanted:
        return Throttle(agents)
    if throttle.calm_rounds + 1 < CALM_ROUNDS:
        return Throttle(agents, throttle.calm_rounds + 1)
    return Throttle(agents + 1)
