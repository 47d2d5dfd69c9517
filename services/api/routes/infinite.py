"""Routes under /infinite, and /targets/{target}/infinite."""

from fastapi import APIRouter

from services.api.routes.access import Reading, Running
from services.api.usecases.infinite import ask_infinite_mode, of_target, start_infinite_mode
from shared.contracts.answers import InfiniteStatus
from shared.contracts.commands import (
    GetInfiniteMode,
    PauseInfiniteMode,
    ResumeInfiniteMode,
    StartInfiniteMode,
    StopInfiniteMode,
)

OF_TARGET = "/targets/{target}/infinite"


def infinite_routes() -> APIRouter:
    """Return the routes of infinite mode: on a target that the body names, or the path."""
    router = APIRouter(tags=["infinite mode"])

    @router.post("/infinite", status_code=202)
    async def start(deps: Running, command: StartInfiniteMode) -> InfiniteStatus:
        """Run wave after wave on a target until that is paused or stopped."""
        return await start_infinite_mode(command, deps)

    @router.get("/infinite")
    async def status(deps: Reading, target: str | None = None) -> InfiniteStatus:
        """Return infinite mode on one target, or on all: why it is idle, when it wakes."""
        return await ask_infinite_mode(GetInfiniteMode(target=target), deps)

    @router.post("/infinite/pause")
    async def pause(deps: Running, command: PauseInfiniteMode | None = None) -> InfiniteStatus:
        """Start no more waves; one that runs is finished."""
        return await ask_infinite_mode(command or PauseInfiniteMode(), deps)

    @router.post("/infinite/resume")
    async def resume(deps: Running, command: ResumeInfiniteMode | None = None) -> InfiniteStatus:
        """Go on at once: paused, waiting, or with its breaker open."""
        return await ask_infinite_mode(command or ResumeInfiniteMode(), deps)

    @router.post("/infinite/stop")
    async def stop(deps: Running, command: StopInfiniteMode | None = None) -> InfiniteStatus:
        """End infinite mode and, unless `after_wave`, the wave that it runs."""
        return await ask_infinite_mode(command or StopInfiniteMode(), deps)

    _add_routes_of_target(router)
    return router


def _add_routes_of_target(router: APIRouter) -> None:
    """Add the routes for a target that the path names by its id."""

    @router.post(OF_TARGET, status_code=202)
    async def start_on(deps: Running, target: str, command: StartInfiniteMode) -> InfiniteStatus:
        """Run wave after wave on this target until that is paused or stopped."""
        named = command.model_copy(update={"request_id": command.request_id or deps.new_id()})
        return await of_target(target, named, deps)

    @router.get(OF_TARGET)
    async def status_of(deps: Reading, target: str) -> InfiniteStatus:
        """Return infinite mode on this target: why it is idle, when it wakes."""
        return await of_target(target, GetInfiniteMode(), deps)

    @router.post(f"{OF_TARGET}/pause")
    async def pause_on(
        deps: Running, target: str, command: PauseInfiniteMode | None = None
    ) -> InfiniteStatus:
        """Start no more waves on this target; one that runs is finished."""
        return await of_target(target, command or PauseInfiniteMode(), deps)

    @router.post(f"{OF_TARGET}/resume")
    async def resume_on(
        deps: Running, target: str, command: ResumeInfiniteMode | None = None
    ) -> InfiniteStatus:
        """Go on with this target at once."""
        return await of_target(target, command or ResumeInfiniteMode(), deps)

    @router.post(f"{OF_TARGET}/stop")
    async def stop_on(
        deps: Running, target: str, command: StopInfiniteMode | None = None
    ) -> InfiniteStatus:
        """End infinite mode on this target and, unless `after_wave`, the wave that it runs."""
        return await of_target(target, command or StopInfiniteMode(), deps)
