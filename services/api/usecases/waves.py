"""Starting, stopping and showing waves; listing tasks and agents."""

from typing import Any

from services.api.domain.report import WaveRecords, make_report
from services.api.domain.views import make_page
from services.api.ports import ApiDeps
from services.api.usecases.find import find_by_id, find_page
from services.api.usecases.targets import permitted_target
from services.api.usecases.waiting import wait_for_change
from shared.agent_types import health_dimensions
from shared.contracts.answers import StoppedWaves, WaveAccepted, WaveOpened
from shared.contracts.base import PROTECTION, RunPurpose
from shared.contracts.commands import StartWave, StopWave
from shared.contracts.documents.findings import Health
from shared.contracts.documents.runs import TestRun
from shared.contracts.documents.waves import Wave
from shared.contracts.report import WaveReport
from shared.contracts.states import OPEN_AGENT_STATES, WAVE
from shared.contracts.views import (
    AgentView,
    Page,
    TaskView,
    WaveDetails,
    WaveView,
    task_view,
    wave_view,
)
from shared.mongo.agents import views_of_agents
from shared.targets.location import is_url

# The coordinator may have to clone a large remote repository before it answers.
START_TIMEOUT_SECONDS = 120.0
STOP_TIMEOUT_SECONDS = 30.0


async def start_wave(command: StartWave, deps: ApiDeps) -> WaveOpened:
    """Start a wave; a repeated request with the same `wave_id` starts nothing new."""
    after = await deps.bus.last_sequence()
    target = await permitted_target(command.target, command.base, deps)
    named = command.model_copy(
        update={"target": target, "wave_id": command.wave_id or deps.new_id()}
    )
    accepted = await deps.bus.request(named, WaveAccepted, timeout=START_TIMEOUT_SECONDS)
    return WaveOpened(**accepted.model_dump(), events_after=after)


async def stop_wave(typed: str, reason: str, deps: ApiDeps) -> StoppedWaves:
    """Stop a wave, and return the ids of the waves that are stopped."""
    wave = await find_by_id(deps.store.waves, typed, "wave")
    command = StopWave(wave_id=wave.id, **({"reason": reason} if reason else {}))
    return await deps.bus.request(command, StoppedWaves, timeout=STOP_TIMEOUT_SECONDS)


async def list_waves(limit: int, after: str, deps: ApiDeps) -> Page[WaveView]:
    """Return a page of waves, newest first."""
    waves = await deps.store.waves.page(limit=limit + 1, after=after)
    ids = sorted({each.target_id for each in waves})
    targets = {each.id: each for each in await deps.store.targets.find(id=ids)}
    return make_page(waves, limit, lambda each: wave_view(each, targets.get(each.target_id)))


async def get_wave(typed: str, deps: ApiDeps) -> WaveDetails:
    """Return a wave and its tasks."""
    wave = await find_by_id(deps.store.waves, typed, "wave")
    tasks = await deps.store.tasks.find(wave_id=wave.id)
    return WaveDetails(
        wave=wave_view(wave, await deps.store.targets.get(wave.target_id)),
        tasks=tuple(task_view(each) for each in tasks),
    )


async def await_wave(typed: str, seconds: int, deps: ApiDeps) -> WaveDetails:
    """Return a wave once its state changes or is final; after `seconds` in any case."""
    return await wait_for_change(
        lambda: get_wave(typed, deps), lambda found: found.wave.state, WAVE, seconds, deps
    )


async def get_wave_report(typed: str, deps: ApiDeps) -> WaveReport:
    """Return the report of a wave, as far as it has got."""
    wave = await find_by_id(deps.store.waves, typed, "wave")
    target = await deps.store.targets.require(wave.target_id)
    changes = await deps.store.enhancements.find(wave_id=wave.id)
    records = WaveRecords(
        wave=wave,
        target=target,
        target_is_remote=is_url(target.location),
        changes=changes,
        runs=await _runs_of(wave, deps),
        agents=await deps.store.agents.find(wave_id=wave.id),
        tasks=await deps.store.tasks.find(wave_id=wave.id),
        pull_requests=await deps.store.pull_requests.find(wave_id=wave.id),
        conflicts=await deps.store.conflicts.find(waves=wave.id),
        releases=await deps.store.releases.find(enhancement_id=[each.id for each in changes]),
        recall=await deps.store.recall.find(target_id=wave.target_id),
        dimensions=health_dimensions(),
        health_before=await _health(wave, wave.commit, deps),
        health_after=await _health(wave, wave.final_commit, deps),
        protection=await deps.store.health.find(
            target_id=wave.target_id,
            commit=[each.landing.commit for each in changes if each.landing.commit],
            dimension=PROTECTION,
        ),
    )
    return make_report(records)


async def _runs_of(wave: Wave, deps: ApiDeps) -> list[TestRun]:
    """Return the runs of a wave, with its baseline even if an earlier wave ran that."""
    runs = await deps.store.runs.find(wave_id=wave.id)
    if not any(each.request.purpose is RunPurpose.BASELINE for each in runs):
        runs += await deps.store.runs.find(
            target_id=wave.target_id,
            request__head=wave.commit,
            request__purpose=RunPurpose.BASELINE,
            limit=1,
        )
    return runs


async def _health(wave: Wave, commit: str | None, deps: ApiDeps) -> list[Health]:
    """Return the health measured on a commit, without `protection`; empty if `commit` is None."""
    if commit is None:
        return []
    return await deps.store.health.find(
        target_id=wave.target_id, commit=commit, dimension=list(health_dimensions())
    )


async def list_tasks(wave: str, limit: int, after: str, deps: ApiDeps) -> Page[TaskView]:
    """Return a page of tasks, newest first: of one wave, or of all."""
    where: dict[str, Any] = {}
    if wave:
        where["wave_id"] = (await find_by_id(deps.store.waves, wave, "wave")).id
    return await find_page(deps.store.tasks, task_view, limit, after, **where)


async def list_agents(
    *, active: bool, wave: str, limit: int, after: str, deps: ApiDeps
) -> Page[AgentView]:
    """Return a page of agents, newest first: of one wave or all, `active` if their wave goes on."""
    where: dict[str, Any] = {"state": OPEN_AGENT_STATES} if active else {}
    if wave:
        where["wave_id"] = (await find_by_id(deps.store.waves, wave, "wave")).id
    agents = await deps.store.agents.page(limit=limit + 1, after=after, **where)
    shown = await views_of_agents(agents, deps.store, deps.clock())
    views = {each.id: each for each in shown}
    return make_page(agents, limit, lambda each: views[each.id])
