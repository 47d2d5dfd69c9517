"""Waves, tasks and agents over HTTP."""

from typing import Annotated

from fastapi import APIRouter, Body, Query

from services.api import usecases
from services.api.ports import ApiDeps
from shared.contracts.answers import RollbackAsked, Stopped, WaveOpened, WaveShown
from shared.contracts.commands import Reason, RollbackOptions, StartWave
from shared.contracts.documents.agents import Agent
from shared.contracts.documents.waves import Task, Wave
from shared.contracts.report import WaveReport

Limit = Annotated[int, Query(ge=1, le=1000)]


def wave_routes(deps: ApiDeps) -> APIRouter:
    """Routes over `deps`."""
    router = APIRouter(tags=["waves"])

    @router.post("/waves", status_code=202)
    async def start_wave(command: StartWave) -> WaveOpened:
        return await usecases.open_wave(command, deps)

    @router.get("/waves")
    async def list_waves(limit: Limit = 20) -> list[Wave]:
        return await usecases.list_waves(limit, deps)

    @router.get("/waves/{wave}")
    async def show_wave(wave: str) -> WaveShown:
        return await usecases.show_wave(wave, deps)

    @router.get("/waves/{wave}/report")
    async def report(wave: str) -> WaveReport:
        return await usecases.report(wave, deps)

    @router.post("/waves/{wave}/stop")
    async def stop_wave(wave: str, reason: Annotated[Reason, Body(embed=True)] = "") -> Stopped:
        return await usecases.stop_wave(wave, reason, deps)

    @router.post("/waves/{wave}/rollback", status_code=202)
    async def ask_rollback(wave: str, asked: RollbackOptions | None = None) -> RollbackAsked:
        return await usecases.ask_rollback_of_wave(wave, asked or RollbackOptions(), deps)

    @router.get("/tasks")
    async def list_tasks(wave: str = "", limit: Limit = 100) -> list[Task]:
        return await usecases.list_tasks(wave, limit, deps)

    @router.get("/agents")
    async def list_agents(*, active: bool = False) -> list[Agent]:
        return await usecases.list_agents(active=active, deps=deps)

    return router
