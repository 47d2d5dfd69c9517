"""Answer queries about waves and the overall status."""

from collections import Counter

from services.coordinator.deps import OPEN_WAVE_STATES, CoordinatorDeps
from shared.contracts.answers import Status, WaveList
from shared.contracts.commands import GetStatus, GetWave, GetWaves
from shared.contracts.states import ENHANCEMENT, OPEN_AGENT_STATES, TASK, Machine
from shared.contracts.views import WaveDetails, task_view, wave_view
from shared.kernel.errors import NotFound
from shared.mongo.agents import live_workers


async def list_waves(question: GetWaves, deps: CoordinatorDeps) -> WaveList:
    """Return the newest `question.limit` waves, newest first."""
    waves = await deps.store.waves.find(sort="-_id", limit=question.limit)
    ids = sorted({each.target_id for each in waves})
    targets = {each.id: each for each in await deps.store.targets.find(id=ids)}
    return WaveList(waves=tuple(wave_view(each, targets.get(each.target_id)) for each in waves))


async def show_wave(question: GetWave, deps: CoordinatorDeps) -> WaveDetails:
    """Return a wave with its tasks, by default the newest. Raises `NotFound`."""
    if question.wave_id is not None:
        wave = await deps.store.waves.require(question.wave_id)
    else:
        newest = await deps.store.waves.first(sort="-_id")
        if newest is None:
            raise NotFound("There is no wave yet.", hint="Start one: gs.cmd.wave.start.")
        wave = newest
    tasks = await deps.store.tasks.find(wave_id=wave.id)
    return WaveDetails(
        wave=wave_view(wave, await deps.store.targets.get(wave.target_id)),
        tasks=tuple(task_view(each) for each in tasks),
    )


async def get_status(question: GetStatus, deps: CoordinatorDeps) -> Status:  # noqa: ARG001
    """Return how many processes run agents, by type, and what is unfinished, by state."""
    workers = await live_workers(deps.store, deps.clock())
    agents = await deps.store.agents.find(state=OPEN_AGENT_STATES)
    waves = await deps.store.waves.find(state=OPEN_WAVE_STATES)
    tasks = await deps.store.tasks.find(state=_unfinished(TASK))
    changes = await deps.store.enhancements.find(state=_unfinished(ENHANCEMENT))
    return Status(
        workers=dict(Counter(name for each in workers for name in each.types)),
        agents=dict(Counter(str(each.state) for each in agents)),
        waves=dict(Counter(str(each.state) for each in waves)),
        tasks=dict(Counter(str(each.state) for each in tasks)),
        enhancements=dict(Counter(str(each.state) for each in changes)),
    )


def _unfinished(machine: Machine) -> list[str]:
    """Return the states that a machine can still leave, without `applied`."""
    return sorted({str(state) for state, _ in machine.transitions} - {"applied"})
