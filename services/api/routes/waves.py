"""Routes under /waves, /tasks and /agents."""

from typing import Annotated

from fastapi import APIRouter, Body, Response

from services.api import usecases
from services.api.routes.access import Approving, Reading, Running
from services.api.routes.locations import locate
from services.api.routes.paging import After, Limit, Wait
from shared.contracts.answers import RollbacksAccepted, StoppedWaves, WaveOpened
from shared.contracts.commands import Reason, RollbackOptions, StartWave
from shared.contracts.report import WaveReport
from shared.contracts.views import AgentView, Page, TaskReason, TaskView, WaveDetails, WaveView


def wave_routes() -> APIRouter:
    """Return the routes under /waves, /tasks and /agents."""
    router = APIRouter(tags=["waves"])

    @router.post("/waves", status_code=202)
    async def start_wave(deps: Running, command: StartWave, response: Response) -> WaveOpened:
        """Start a wave; a repeated request with the same `wave_id` starts nothing new."""
        opened = await usecases.start_wave(command, deps)
        locate(response, f"/waves/{opened.wave_id}")
        return opened

    @router.get("/waves")
    async def list_waves(deps: Reading, limit: Limit = 20, after: After = None) -> Page[WaveView]:
        """Return a page of waves, newest first."""
        return await usecases.list_waves(limit, after or "", deps)

    @router.get("/waves/{wave}")
    async def get_wave(deps: Reading, wave: str, wait: Wait = 0) -> WaveDetails:
        """Return a wave and its tasks; with `wait`, once its state has changed."""
        return await usecases.await_wave(wave, wait, deps)

    @router.get("/waves/{wave}/report")
    async def get_wave_report(deps: Reading, wave: str) -> WaveReport:
        """Return the report of a wave, as far as it has got."""
        return await usecases.get_wave_report(wave, deps)

    @router.post("/waves/{wave}/stop")
    async def stop_wave(
        deps: Running, wave: str, reason: Annotated[Reason, Body(embed=True)] = ""
    ) -> StoppedWaves:
        """Stop a wave: no more of its tasks start, and no more of its changes land."""
        return await usecases.stop_wave(wave, reason, deps)

    @router.post("/waves/{wave}/rollback", status_code=202)
    async def roll_back_wave(
        deps: Approving, wave: str, options: RollbackOptions | None = None
    ) -> RollbacksAccepted:
        """Roll back everything that a wave has landed."""
        return await usecases.roll_back_wave(wave, options or RollbackOptions(), deps)

    @router.get("/tasks")
    async def list_tasks(
        deps: Reading, wave: str = "", limit: Limit = 100, after: After = None
    ) -> Page[TaskView]:
        """Return a page of tasks, newest first: of one wave, or of all."""
        return await usecases.list_tasks(wave, limit, after or "", deps)

    @router.get("/tasks/{task}/why")
    async def explain_task(deps: Reading, task: str) -> TaskReason:
        """Return why a task was taken up, and what else its wave could have taken up."""
        return await usecases.explain_task(task, deps)

    @router.get("/agents")
    async def list_agents(
        deps: Reading,
        *,
        active: bool = False,
        wave: str = "",
        limit: Limit = 100,
        after: After = None,
    ) -> Page[AgentView]:
        """Return a page of agents, newest first: of one wave or all, `active` if it goes on."""
        return await usecases.list_agents(
            active=active, wave=wave, limit=limit, after=after or "", deps=deps
        )

    return router
