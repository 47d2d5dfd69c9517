"""The life of an agent: registered, active or idle with a heartbeat, and offline."""

from collections.abc import Callable

import structlog

from services.agents.deps import AgentDeps
from shared.contracts.commands import LeaseGrant, RenewLease
from shared.contracts.documents.agents import Agent
from shared.contracts.events import AgentRegistered
from shared.contracts.states import ONLINE_AGENT_STATES, AgentState
from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)


async def register(deps: AgentDeps, is_alive: Callable[[int], bool]) -> None:
    """Register and publish this agent; mark offline those of this host whose process has ended."""
    for other in await deps.store.agents.find(host=deps.me.host, state=ONLINE_AGENT_STATES):
        if other.id != deps.me.id and not is_alive(other.pid):
            await deps.store.agents.transition(other, "go_offline")
    await deps.store.agents.insert(deps.me)
    event = AgentRegistered(agent_id=deps.me.id, name=deps.me.name, types=deps.me.types)
    await deps.bus.publish(event, key=deps.me.id)


async def send_heartbeat(deps: AgentDeps) -> None:
    """Record that this agent is alive and online, and renew its tasks' leases; log what fails."""
    me = await _stored_agent(deps)
    if me.state is AgentState.OFFLINE:
        await deps.store.agents.transition(me, "become_idle")
    await deps.store.agents.set_fields(deps.me.id, heartbeat_at=deps.clock())
    for task in list(deps.running.values()):
        request = RenewLease(target_id=task.target_id, task_id=task.id, epoch=task.epoch)
        try:
            grant = await deps.bus.request(request, LeaseGrant)
        except Transient as error:
            log.warning("lease_not_renewed", task=task.id, reason=str(error))
            continue
        if not grant.granted:
            # The resolver refuses what is proposed under it; nothing needs to be undone here.
            log.warning("lease_lost", task=task.id, reason=grant.reason)


async def become_active(deps: AgentDeps, task_id: str) -> None:
    """Move this agent to its active state, and record the task that it performs."""
    await _move(deps, "start_work", task_id=task_id)


async def become_idle(deps: AgentDeps) -> None:
    """Show that this agent is free again, unless it performs another task."""
    if not deps.running:
        await _move(deps, "become_idle", task_id=None)


async def go_offline(deps: AgentDeps) -> None:
    """Mark this agent offline; its tasks are then delivered to another one."""
    await _move(deps, "go_offline", task_id=None)


async def _move(deps: AgentDeps, trigger: str, *, task_id: str | None) -> None:
    """Move this agent's stored state by `trigger`; a race with the coordinator is lost safely."""
    await deps.store.agents.transition(await _stored_agent(deps), trigger, task_id=task_id)


async def _stored_agent(deps: AgentDeps) -> Agent:
    """Return this process's agent as it is stored now."""
    return await deps.store.agents.require(deps.me.id)
