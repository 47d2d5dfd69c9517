"""A task whose agent was lost after it had stored proposals: nothing is proposed twice or lost."""

import pytest

from services.coordinator.usecases import CoordinatorDeps, watch_agents
from shared.contracts.answers import Acknowledgement
from shared.contracts.commands import AcquireLease, LeaseGrant, ReleaseLease
from shared.contracts.states import AgentState, EnhancementState, TaskState
from shared.kernel.ids import uuid7
from tests.support.builders import a_stint, a_task, a_wave, an_agent, an_enhancement
from tests.support.buses import RecordingBus
from tests.support.memory import a_store
from tests.support.stores import Watch


@pytest.fixture
def deps(tmp_path):
    refused = {ReleaseLease: Acknowledgement(), AcquireLease: LeaseGrant(granted=False)}
    bus = RecordingBus(answers=refused)
    return CoordinatorDeps(store=a_store(), bus=bus, home=tmp_path, clock=Watch(), new_id=uuid7)


async def lost(deps, *states):
    """A task whose agent is lost, with proposals in these states."""
    wave = a_wave(state="running")
    task = a_task(wave, state="running", epoch=1)
    await deps.store.waves.insert(wave)
    await deps.store.tasks.insert(task)
    await deps.store.agents.insert(an_agent(task, state=AgentState.OFFLINE, stint=a_stint(task)))
    for number, state in enumerate(states):
        change = an_enhancement(task, key=str(number), order=number, state=state)
        await deps.store.enhancements.insert(change)
    return task


@pytest.mark.parametrize("state", sorted(set(EnhancementState) - {"proposed"}))
async def test_one_that_had_submitted_is_not_repeated(deps, state):
    task = await lost(deps, state, "proposed")
    await watch_agents(deps)
    stored = await deps.store.tasks.require(task.id)
    assert (stored.state, stored.epoch, stored.enhancements) == (TaskState.PROPOSED, 1, 2)
    assert not deps.bus.asked, "its lease is needed for what is not decided on yet"


@pytest.mark.parametrize("states", [(), ("proposed", "proposed")])
async def test_one_that_may_not_have_stored_all_its_proposals_is_repeated(deps, states):
    task = await lost(deps, *states)
    await watch_agents(deps)
    assert (await deps.store.tasks.require(task.id)).state is TaskState.WAITING
    assert ReleaseLease in {type(each) for each in deps.bus.asked}
