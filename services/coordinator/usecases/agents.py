"""Deploy the agents of a wave, replace those whose process is lost, and retire them all."""

from collections.abc import Sequence

import structlog

from services.coordinator.deps import CoordinatorDeps
from services.coordinator.domain.deployment import agents_for
from shared.contracts.answers import Acknowledgement, AgentList
from shared.contracts.commands import GetAgents, ReleaseLease
from shared.contracts.documents.agents import Agent
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.events import AgentDeployed, AgentEvent, AgentOffline, AgentRetired
from shared.contracts.states import (
    OPEN_AGENT_STATES,
    WAVE,
    AgentState,
    EnhancementState,
    TaskState,
)
from shared.mongo.agents import heartbeat_timeout, views_of_agents

log = structlog.get_logger(__name__)


async def get_active_agents(question: GetAgents, deps: CoordinatorDeps) -> AgentList:
    """Return all agents, or with `question.active` only those whose waves go on."""
    states = OPEN_AGENT_STATES if question.active else list(AgentState)
    found = await deps.store.agents.find(state=states)
    return AgentList(agents=await views_of_agents(found, deps.store, deps.clock()))


async def deploy_agents(wave: Wave, deps: CoordinatorDeps) -> None:
    """Store and publish the agents of a wave's stored tasks; those that are stored stay."""
    tasks = await deps.store.tasks.find(wave_id=wave.id)
    await deps.store.agents.insert_missing(agents_for(tasks, deps.clock()))
    for agent in await deps.store.agents.find(wave_id=wave.id):
        await _publish(AgentDeployed.about(agent, note=agent.assignment), agent, deps)


async def replace_lost_agents(deps: CoordinatorDeps) -> set[str]:
    """Mark agents offline whose process is lost, and take their tasks and leases from them.

    Returns the ids of the waves that can go on: a task waits for another process, under a new lease
    epoch, or had proposed.
    """
    found = await deps.store.agents.find(state=[AgentState.ACTIVE, AgentState.OFFLINE])
    offline = [each for each in found if each.state is AgentState.OFFLINE]
    for agent in _silent_agents([each for each in found if each not in offline], deps):
        moved = await deps.store.agents.transition(
            agent, "go_offline", seconds=agent.seconds_until(agent.last_sign)
        )
        offline += [moved] if moved is not None else []
    return {each.wave_id for each in offline if await _take_task_from(each, deps)}


def _silent_agents(active: Sequence[Agent], deps: CoordinatorDeps) -> list[Agent]:
    """Return the active agents without a new heartbeat for too long, by this process's own clock.

    The clocks of other machines may be wrong, so the times in heartbeats are not compared with it.
    """
    now = deps.clock()
    seen = dict(deps.heartbeats)
    deps.heartbeats.clear()
    silent = []
    for agent in active:
        assert agent.stint is not None, "an active agent is run by a process"
        stint, since = seen.get(agent.id, (None, now))
        deps.heartbeats[agent.id] = (agent.stint, since if stint == agent.stint else now)
        if now - deps.heartbeats[agent.id][1] > heartbeat_timeout(agent.stint.heartbeat_seconds):
            silent.append(agent)
    return silent


async def _take_task_from(agent: Agent, deps: CoordinatorDeps) -> bool:
    """Publish that an agent is offline, and have its task wait again if it was not done with it.

    Returns whether its wave can go on.
    """
    stint = agent.stint
    assert stint is not None, "only an agent that a process ran goes offline"
    if agent.state_key not in deps.published:
        offline = AgentOffline.about(agent, host=stint.host, pid=stint.pid)
        await _publish(offline, agent, deps)
        deps.published.add(agent.state_key)
    task = await deps.store.tasks.get(stint.task_id)
    if task is None or task.epoch != stint.epoch:
        return False
    if task.state not in {TaskState.ASSIGNED, TaskState.RUNNING}:
        return False
    return await requeue(task, deps)


async def requeue(task: Task, deps: CoordinatorDeps) -> bool:
    """Release the lease of a task and have it wait for another; return whether its wave can go on.

    A task that has proposed is not repeated, even if its agent was lost before it could say so.
    """
    if await _has_proposed(task, deps):
        return True
    log.warning("task_requeued", task=task.id, agent=task.agent_id)
    await deps.bus.request(ReleaseLease(target_id=task.target_id, task_id=task.id), Acknowledgement)
    requeued = await deps.store.tasks.transition(task, "requeue", changed_at=deps.clock())
    return requeued is not None


async def _has_proposed(task: Task, deps: CoordinatorDeps) -> bool:
    """Move a task to proposed if the resolver has decided on a proposal of it; return whether so.

    An agent stores all its proposals before it submits the first. What is still undecided is
    decided as long as the task holds its lease.
    """
    changes = await deps.store.enhancements.find(task_id=task.id, proposal__epoch=task.epoch)
    if all(each.state is EnhancementState.PROPOSED for each in changes):
        return False
    proposed = await deps.store.tasks.transition(
        task, "propose", enhancements=len(changes), changed_at=deps.clock()
    )
    return proposed is not None


async def retire_agents(wave: Wave, deps: CoordinatorDeps) -> None:
    """Retire the agents of a wave that is over, whatever they are at, and publish that."""
    now = deps.clock()
    for agent in await deps.store.agents.find(wave_id=wave.id):
        retired: Agent | None = agent
        while retired is not None and retired.state is not AgentState.RETIRED:
            retired = await deps.store.agents.transition(
                retired, "retire", retired_at=now, seconds=retired.seconds_until(now)
            ) or await deps.store.agents.get(agent.id)
        if retired is not None:
            await _publish(AgentRetired.about(retired, seconds=retired.seconds), retired, deps)


async def retire_leftovers(deps: CoordinatorDeps) -> None:
    """Retire the agents that ended waves still have: whoever ended such a wave died before it."""
    found = await deps.store.agents.find(state=OPEN_AGENT_STATES)
    for wave in await deps.store.waves.find_by_ids(sorted({each.wave_id for each in found})):
        if WAVE.terminal(wave.state):
            await retire_agents(wave, deps)


async def _publish(event: AgentEvent, agent: Agent, deps: CoordinatorDeps) -> None:
    """Publish an event about an agent; once for each state that the agent comes into."""
    await deps.bus.publish(event, key=agent.state_key, wave=agent.wave_id)
