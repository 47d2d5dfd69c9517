"""What clients are shown of agents, from their documents, tasks and worker processes."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from shared.contracts.documents.agents import Agent, Worker
from shared.contracts.documents.waves import Task
from shared.contracts.states import TASK, AgentState, TaskState
from shared.contracts.views import AgentView
from shared.mongo.collections import Store

# A process that has been silent for so many heartbeats is lost.
MISSED_HEARTBEATS = 2


async def live_workers(store: Store, now: datetime) -> list[Worker]:
    """Return the worker processes that have sent a heartbeat lately."""
    return [
        each
        for each in await store.workers.find()
        if now - each.heartbeat_at <= heartbeat_timeout(each.heartbeat_seconds)
    ]


def heartbeat_timeout(heartbeat_seconds: float) -> timedelta:
    """Return for how long a process that sends such heartbeats may be silent."""
    return timedelta(seconds=MISSED_HEARTBEATS * heartbeat_seconds)


async def views_of_agents(
    agents: Sequence[Agent], store: Store, now: datetime
) -> tuple[AgentView, ...]:
    """Return what clients are shown of these agents, in their order."""
    tasks = await store.tasks.find(agent_id=[each.id for each in agents]) if agents else []
    # In the order of their ids: the last one is the follow-up that the agent is at now.
    present = {each.agent_id: each for each in tasks}
    served = {name for worker in await live_workers(store, now) for name in worker.types}
    return tuple(agent_view(each, present.get(each.id), served) for each in agents)


def agent_view(agent: Agent, task: Task | None, served: Collection[str]) -> AgentView:
    """Return what clients are shown of an agent; `served` are the types that any process runs."""
    stint = agent.stint
    return AgentView(
        id=agent.id,
        name=agent.name,
        type=agent.type,
        wave_id=agent.wave_id,
        focus=agent.focus,
        assignment=agent.assignment,
        state=agent.state,
        doing=_doing(agent, task, served),
        host=stint.host if stint else "",
        pid=stint.pid if stint else None,
        active_since=stint.started_at if stint and agent.state is AgentState.ACTIVE else None,
        heartbeat_at=stint.heartbeat_at if stint else None,
        seconds=agent.seconds,
        deployed_at=agent.deployed_at,
        retired_at=agent.retired_at,
    )


def _doing(agent: Agent, task: Task | None, served: Collection[str]) -> str:
    """Return what an agent is at, or what it waits for, in words."""
    if agent.state is AgentState.RETIRED:
        return "its wave is over"
    if agent.state is AgentState.ACTIVE:
        return f"at work on {agent.focus}"
    if task is None or task.state is TaskState.WAITING:
        return f"waiting for the lease on {agent.focus}"
    if task.state is TaskState.PROPOSED:
        return f"the gate has {_changes(task)}"
    if TASK.terminal(task.state):
        return task.note or f"done with {_changes(task)}"
    return _waiting_for(agent, task, served)


def _waiting_for(agent: Agent, task: Task, served: Collection[str]) -> str:
    """Return what the agent of an assigned task waits for, in words."""
    if agent.stint is not None and agent.stint.epoch == task.epoch:
        return "its process ended; another one takes over"
    if agent.type not in served:
        return f"waiting for a process that runs {agent.type}"
    return "waiting for a slot"


def _changes(task: Task) -> str:
    """Return how many changes a task has proposed, in words."""
    return f"{task.enhancements} {'change' if task.enhancements == 1 else 'changes'}"
