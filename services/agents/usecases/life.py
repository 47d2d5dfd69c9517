"""An agent's life: registered, heart-beating, active or idle, and gone."""

from collections.abc import Callable

import structlog

from services.agents.usecases.desk import Desk
from shared.contracts.commands import LeaseGrant, RenewLease
from shared.contracts.documents.agents import Agent
from shared.contracts.events import AgentRegistered
from shared.contracts.states import AgentState
from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)
THERE = [AgentState.IDLE, AgentState.ACTIVE, AgentState.ERROR]


async def register(desk: Desk, alive: Callable[[int], bool]) -> None:
    """Say that we are here, and that agents of this host whose process is gone are not."""
    for other in await desk.store.agents.find(host=desk.me.host, state=THERE):
        if other.id != desk.me.id and not alive(other.pid):
            await desk.store.agents.transition(other, "lose")
    await desk.store.agents.insert(desk.me)
    event = AgentRegistered(agent_id=desk.me.id, name=desk.me.name, types=desk.me.types)
    await desk.bus.publish(event, key=desk.me.id)


async def beat(desk: Desk) -> None:
    """We are alive, and so are the leases of the tasks we are at."""
    me = await _me(desk)
    if me.state is AgentState.OFFLINE:
        await desk.store.agents.transition(me, "rest")
    await desk.store.agents.patch(desk.me.id, heartbeat_at=desk.clock())
    for task in list(desk.running.values()):
        request = RenewLease(target_id=task.target_id, task_id=task.id, epoch=task.epoch)
        try:
            grant = await desk.bus.request(request, LeaseGrant)
        except Transient as error:
            log.warning("lease_not_renewed", task=task.id, reason=str(error))
            continue
        if not grant.granted:
            # The resolver refuses what we propose under it; nothing is to be undone here.
            log.warning("lease_lost", task=task.id, reason=grant.reason)


async def take(desk: Desk, task_id: str) -> None:
    """We are at work."""
    await _move(desk, "take", task_id=task_id)


async def rest(desk: Desk) -> None:
    """We are free again, unless another task is running."""
    if not desk.running:
        await _move(desk, "rest", task_id=None)


async def leave(desk: Desk) -> None:
    """We end in good order; our tasks are delivered to somebody else."""
    await _move(desk, "lose", task_id=None)


async def _move(desk: Desk, trigger: str, *, task_id: str | None) -> None:
    """What people see of us; losing a race against the coordinator's watch costs a beat."""
    await desk.store.agents.transition(await _me(desk), trigger, task_id=task_id)


async def _me(desk: Desk) -> Agent:
    return await desk.store.agents.need(desk.me.id)
