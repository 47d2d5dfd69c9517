"""The state tables, crossed whole."""

from itertools import product

import pytest

from shared.contracts import states
from shared.contracts.states import (
    MACHINES,
    AgentState,
    EnhancementState,
    Machine,
    TaskState,
    WaveState,
)

TRIGGERS = {machine.name: sorted({t for _, t in machine.transitions}) for machine in MACHINES}
CASES = [
    (machine, state, trigger)
    for machine in MACHINES
    for state, trigger in product(type(machine.initial), TRIGGERS[machine.name])
]


@pytest.mark.parametrize(("machine", "state", "trigger"), CASES)
def test_only_listed_transitions_are_allowed(machine: Machine, state, trigger):
    listed = machine.transitions.get((state, trigger))
    assert machine.target(state, trigger) is listed
    if listed is not None:
        assert type(listed) is type(machine.initial)


@pytest.mark.parametrize("machine", MACHINES, ids=lambda machine: machine.name)
def test_every_state_is_reached_and_every_path_ends(machine: Machine):
    reached, edge = {machine.initial}, {machine.initial}
    while edge:
        edge = {t for (s, _), t in machine.transitions.items() if s in edge} - reached
        reached |= edge
    assert reached == set(type(machine.initial))


def test_the_terminal_states_are_those_of_the_design():
    def ends(machine: Machine) -> set[str]:
        return {str(s) for s in type(machine.initial) if machine.terminal(s)}

    assert ends(states.WAVE) == {"completed", "stopped", "failed"}
    assert ends(states.TASK) == {"done", "empty", "failed", "cancelled", "dead"}
    assert ends(states.ENHANCEMENT) == {
        "rolled_back",
        "rejected",
        "superseded",
        "expired",
        "advisory",
    }
    assert ends(states.AGENT) == {"retired"}
    assert ends(states.LEASE) == {"released", "expired"}


@pytest.mark.parametrize(
    ("path", "machine"),
    [
        (["clear", "validate", "pass", "land", "roll_back"], states.ENHANCEMENT),
        (["assign", "start", "propose", "finish"], states.TASK),
        (["run", "finish", "complete"], states.WAVE),
        (["start_work", "go_offline", "start_work", "become_idle", "retire"], states.AGENT),
    ],
)
def test_the_happy_path_of_the_design_exists(path, machine: Machine):
    state = machine.initial
    for trigger in path:
        state = machine.target(state, trigger)
        assert state is not None
    assert state in {
        EnhancementState.ROLLED_BACK,
        TaskState.DONE,
        WaveState.COMPLETED,
        AgentState.RETIRED,
    }


def test_nothing_lands_without_having_passed():
    assert states.ENHANCEMENT.sources("land") == (EnhancementState.VALIDATED,)
    assert states.ENHANCEMENT.sources("pass") == (EnhancementState.VALIDATING,)
