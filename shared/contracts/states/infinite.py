"""The states of infinite mode on a target."""

from enum import StrEnum

from shared.contracts.states.machine import Machine


class InfiniteState(StrEnum):
    """running ⇄ paused; running ⇄ broken (its breaker is open); any of them → stopped → running."""

    RUNNING = "running"
    PAUSED = "paused"
    BROKEN = "broken"
    STOPPED = "stopped"


I = InfiniteState  # noqa: E741 - like the other machines, named after its first letter


INFINITE = Machine(
    "infinite",
    I.RUNNING,
    {
        **{(state, "start"): I.RUNNING for state in InfiniteState},
        **{(state, "stop"): I.STOPPED for state in (I.RUNNING, I.PAUSED, I.BROKEN)},
        (I.RUNNING, "pause"): I.PAUSED,
        (I.BROKEN, "pause"): I.PAUSED,
        (I.PAUSED, "resume"): I.RUNNING,
        # A person does not wait until the breaker closes by itself.
        (I.BROKEN, "resume"): I.RUNNING,
        (I.RUNNING, "break"): I.BROKEN,
        (I.BROKEN, "close"): I.RUNNING,
        # What it notes about itself changes nothing once a person has paused or stopped it.
        (I.RUNNING, "note"): I.RUNNING,
        (I.BROKEN, "note"): I.BROKEN,
    },
)
