"""The life of agents in this process: registered as a worker, it runs them in stints.

A stint is the time in which a process runs one agent on one task. While it goes on the agent is
active, and has a heartbeat.
"""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta

import structlog

from services.agents.deps import AgentDeps
from shared.contracts.commands import LeaseGrant, RenewLease
from shared.contracts.documents.agents import Agent, Stint
from shared.contracts.documents.waves import Task
from shared.contracts.events import (
    AgentActive,
    AgentFailed,
    AgentIdle,
    WorkerRegistered,
)
from shared.contracts.states import AgentState, TaskState
from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)

FORGOTTEN_AFTER = timedelta(days=1)


async def register(deps: AgentDeps, is_alive: Callable[[int], bool]) -> None:
    """Register this process as a worker and publish that.

    Workers of this host whose process has ended, and such as are silent for a day, are removed, and
    their agents marked offline.
    """
    me = deps.me
    forgotten = deps.clock() - FORGOTTEN_AFTER
    gone = [
        each
        for each in await deps.store.workers.find()
        if each.id != me.id
        and (each.heartbeat_at < forgotten or (each.host == me.host and not is_alive(each.pid)))
    ]
    for agent in await deps.store.agents.find(state=AgentState.ACTIVE):
        if agent.stint is not None and agent.stint.worker_id in {each.id for each in gone}:
            await _go_offline(agent, agent.last_sign, deps)
    for worker in gone:
        await deps.store.workers.remove(worker.id)
    await deps.store.workers.insert(me)
    event = WorkerRegistered(
        worker_id=me.id, host=me.host, pid=me.pid, types=me.types, slots=me.slots
    )
    await deps.bus.publish(event, key=me.id)


async def send_heartbeat(deps: AgentDeps) -> None:
    """Record that this process and its agents are alive, and renew their leases; log what fails."""
    now = deps.clock()
    if not await deps.store.workers.set_fields(deps.me.id, heartbeat_at=now):
        await deps.store.workers.insert(deps.me.model_copy(update={"heartbeat_at": now}))
    for agent in await deps.store.agents.find_by_ids(list(deps.running)):
        if _runs_here(agent, deps, deps.running.get(agent.id)):
            await deps.store.agents.set_fields(agent.id, stint__heartbeat_at=now)
    for agent_id, task in list(deps.running.items()):
        await keep_lease(agent_id, task, deps)


async def keep_lease(agent_id: str, task: Task, deps: AgentDeps) -> bool:
    """Renew the lease of a task that is performed here, and return whether to go on with it.

    A task without its lease is given back: work on it stops here, and the agent goes offline, so
    that the coordinator gives the task out again under a new epoch. Where the resolver cannot be
    asked the work goes on, and the next heartbeat asks again.
    """
    request = RenewLease(target_id=task.target_id, task_id=task.id, epoch=task.epoch)
    try:
        grant = await deps.bus.request(request, LeaseGrant)
    except Transient as error:
        log.warning("lease_not_renewed", task=task.id, reason=str(error))
        return True
    if grant.granted:
        return True
    log.warning("lease_lost", task=task.id, reason=grant.reason)
    if deps.running.get(agent_id) is task:
        del deps.running[agent_id]
    agent = await deps.store.agents.require(agent_id)
    if _runs_here(agent, deps, task):
        await _go_offline(agent, deps.clock(), deps)
    return False


@asynccontextmanager
async def stint(task: Task, deps: AgentDeps) -> AsyncIterator[Agent | None]:
    """Run the agent of a task inside the block; None where another process has that right.

    Afterwards the agent is idle, or in error where the block raised something or its task failed.
    """
    agent = await _begin(task, deps)
    if agent is None:
        yield None
        return
    deps.running[agent.id] = task
    failed = True
    try:
        await _publish_active(agent, task, deps)
        yield agent
        failed = (await deps.store.tasks.require(task.id)).state is TaskState.FAILED
    except (Transient, asyncio.CancelledError):
        failed = False
        raise
    finally:
        if deps.running.get(agent.id) is task:
            del deps.running[agent.id]
        await _end(agent.id, task, deps, failed=failed)


async def _begin(task: Task, deps: AgentDeps) -> Agent | None:
    """Make the agent of a task active here; None where that is not allowed."""
    agent = await deps.store.agents.require(task.agent_id or "")
    if not _may_begin(agent, task, deps):
        log.info("agent_of_another_process", agent=agent.id, task=task.id, state=agent.state)
        return None
    me, now = deps.me, deps.clock()
    begun = Stint(
        task_id=task.id,
        epoch=task.epoch,
        worker_id=me.id,
        host=me.host,
        pid=me.pid,
        heartbeat_seconds=me.heartbeat_seconds,
        started_at=now,
        heartbeat_at=now,
    )
    return await deps.store.agents.transition(
        agent, "start_work", stint=begun, seconds=agent.seconds_until(now)
    )


async def _publish_active(agent: Agent, task: Task, deps: AgentDeps) -> None:
    """Publish that an agent is active in this process."""
    event = AgentActive.about(
        agent, task_id=task.id, epoch=task.epoch, host=deps.me.host, pid=deps.me.pid
    )
    await deps.bus.publish(event, key=agent.state_key, wave=agent.wave_id)


def _may_begin(agent: Agent, task: Task, deps: AgentDeps) -> bool:
    """Return whether this process may run an agent: nobody else does, or has lost this epoch.

    After a lost process or lease the coordinator gives out the task again, under a new lease epoch.
    """
    if agent.state is AgentState.OFFLINE and agent.stint is not None:
        return agent.stint.epoch < task.epoch
    return agent.state is not AgentState.ACTIVE or _runs_here(agent, deps, task)


def _runs_here(agent: Agent, deps: AgentDeps, task: Task | None) -> bool:
    """Return whether an agent is active in this process, on this task and under its epoch."""
    present = agent.stint
    return (
        agent.state is AgentState.ACTIVE
        and task is not None
        and present is not None
        and (present.worker_id, present.task_id, present.epoch) == (deps.me.id, task.id, task.epoch)
    )


async def _end(agent_id: str, task: Task, deps: AgentDeps, *, failed: bool) -> None:
    """End the stint of an agent here and publish that, unless another process has taken it over."""
    agent = await deps.store.agents.require(agent_id)
    if not _runs_here(agent, deps, task):
        return
    ended = await deps.store.agents.transition(
        agent,
        "fail" if failed else "become_idle",
        seconds=agent.seconds_until(deps.clock()),
    )
    if ended is not None:
        kind = AgentFailed if failed else AgentIdle
        await deps.bus.publish(kind.about(ended), key=ended.state_key, wave=ended.wave_id)


async def go_offline(deps: AgentDeps) -> None:
    """Mark the agents that this process runs offline, and remove it; it is about to end."""
    for agent in await deps.store.agents.find_by_ids(list(deps.running)):
        if _runs_here(agent, deps, deps.running.get(agent.id)):
            await _go_offline(agent, deps.clock(), deps)
    await deps.store.workers.remove(deps.me.id)


async def _go_offline(agent: Agent, end: datetime, deps: AgentDeps) -> None:
    """Mark an agent offline that was at work until `end`, for its task to be given out again."""
    await deps.store.agents.transition(agent, "go_offline", seconds=agent.seconds_until(end))
