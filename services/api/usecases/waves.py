"""Waves, tasks and agents."""

from typing import Any

from services.api.domain.report import Stored, make_report
from services.api.ports import ApiDeps
from services.api.usecases.find import by_id
from shared.contracts.answers import Stopped, WaveAccepted, WaveOpened, WaveShown
from shared.contracts.base import PROTECTION
from shared.contracts.commands import StartWave, StopWave
from shared.contracts.documents.agents import Agent
from shared.contracts.documents.findings import Health
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.report import WaveReport
from shared.contracts.states import AgentState
from shared.kernel.extensions import agent_type_names

# Looking at a large remote for the first time takes a while.
PATIENCE = 120.0
THERE = [AgentState.IDLE, AgentState.ACTIVE, AgentState.ERROR]


async def open_wave(command: StartWave, deps: ApiDeps) -> WaveOpened:
    """Have a wave started. With a `wave_id` it can be asked again after a broken connection."""
    after = await deps.bus.last_sequence()
    asked = command.model_copy(update={"wave_id": command.wave_id or deps.new_id()})
    accepted = await deps.bus.request(asked, WaveAccepted, timeout=PATIENCE)
    return WaveOpened(**accepted.model_dump(), events_after=after)


async def stop_wave(typed: str, reason: str, deps: ApiDeps) -> Stopped:
    """Stop one wave."""
    wave = await by_id(deps.store.waves, typed, "wave")
    fields: dict[str, Any] = {"wave_id": wave.id}
    if reason:
        fields["reason"] = reason
    return await deps.bus.request(StopWave(**fields), Stopped, timeout=30)


async def list_waves(limit: int, deps: ApiDeps) -> list[Wave]:
    """The newest waves."""
    return await deps.store.waves.find(sort="-_id", limit=limit)


async def show_wave(typed: str, deps: ApiDeps) -> WaveShown:
    """A wave and its tasks."""
    wave = await by_id(deps.store.waves, typed, "wave")
    return WaveShown(wave=wave, tasks=tuple(await deps.store.tasks.find(wave_id=wave.id)))


async def report(typed: str, deps: ApiDeps) -> WaveReport:
    """What a wave came to, so far."""
    wave = await by_id(deps.store.waves, typed, "wave")
    verdicts = await deps.store.runs.find(wave_id=wave.id)
    if not any(each.request.purpose == "baseline" for each in verdicts):
        # The suite was run on that very head before, perhaps as the last run of another wave.
        verdicts += await deps.store.runs.find(
            target_id=wave.target_id,
            request__head=wave.commit,
            request__purpose="baseline",
            limit=1,
        )
    changes = await deps.store.enhancements.find(wave_id=wave.id)
    return make_report(
        Stored(
            wave=wave,
            target=await deps.store.targets.require(wave.target_id),
            changes=changes,
            verdicts=verdicts,
            pull_requests=await deps.store.pull_requests.find(wave_id=wave.id),
            recall=await deps.store.recall.find(target_id=wave.target_id),
            before=await _health(wave, wave.commit, deps),
            after=await _health(wave, wave.final_commit, deps),
            protection=await deps.store.health.find(
                target_id=wave.target_id,
                commit=[each.landing.commit for each in changes if each.landing.commit],
                dimension=PROTECTION,
            ),
        )
    )


async def _health(wave: Wave, commit: str | None, deps: ApiDeps) -> list[Health]:
    if commit is None:
        return []
    return await deps.store.health.find(
        target_id=wave.target_id, commit=commit, dimension=list(agent_type_names())
    )


async def list_tasks(wave: str, limit: int, deps: ApiDeps) -> list[Task]:
    """Tasks, newest first; of one wave, or of all."""
    where = {"wave_id": (await by_id(deps.store.waves, wave, "wave")).id} if wave else {}
    return await deps.store.tasks.find(sort="-_id", limit=limit, **where)


async def list_agents(*, active: bool, deps: ApiDeps) -> list[Agent]:
    """The agents, or those among them that are there."""
    return await deps.store.agents.find(state=THERE if active else list(AgentState))
