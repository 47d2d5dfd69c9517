"""An agent's life: registered, heart-beating, active or idle, and gone."""

from collections.abc import Callable

import structlog

from services.agents.deps import AgentDeps
from shared.contracts.commands import LeaseGrant, RenewLease
from shared.contracts.documents.agents import Agent
from shared.contracts.events import AgentRegistered
from shared.contracts.states import AgentState
from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)
THERE = [AgentState.IDLE, AgentState.ACTIVE, AgentState.ERROR]


async def register(deps: AgentDeps, alive: Callable[[int], bool]) -> None:
    """Say that we are here, and that agents of this host whose process is gone are not."""
    for other in await deps.store.agents.find(host=deps.me.host, state=THERE):
        if other.id != deps.me.id and not alive(other.pid):
            await deps.store.agents.transition(other, "go_offline")
    await deps.store.agents.insert(deps.me)
    event = AgentRegistered(agent_id=deps.me.id, name=deps.me.name, types=deps.me.types)
    await deps.bus.publish(event, key=deps.me.id)


async def beat(deps: AgentDeps) -> None:
    """We are alive, and so are the leases of the tasks we are at."""
    me = await _me(deps)
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
            # The resolver refuses what we propose under it; nothing is to be undone here.
            log.warning("lease_lost", task=task.id, reason=grant.reason)


async def take(deps: AgentDeps, task_id: str) -> None:
    """We are at work."""
    await _move(deps, "start_work", task_id=task_id)


async def rest(deps: AgentDeps) -> None:
    """We are free again, unless another task is running."""
    if not deps.running:
        await _move(deps, "become_idle", task_id=None)


async def leave(deps: AgentDeps) -> None:
    """We end in good order; our tasks are delivered to somebody else."""
    await _move(deps, "go_offline", task_id=None)


async def _move(deps: AgentDeps, trigger: str, *, task_id: str | None) -> None:
    """What people see of us; losing a race against the coordinator's watch costs a beat."""
    await deps.store.agents.transition(await _me(deps), trigger, task_id=task_id)


async def _me(deps: AgentDeps) -> Agent:
    return await deps.store.agents.require(deps.me.id)
