"""Starting, pausing, resuming, stopping and showing infinite mode: the coordinator answers."""

from services.api.ports import ApiDeps
from services.api.usecases.find import find_by_id
from services.api.usecases.waves import START_TIMEOUT_SECONDS, STOP_TIMEOUT_SECONDS
from shared.contracts.answers import InfiniteStatus
from shared.contracts.commands import (
    GetInfiniteMode,
    PauseInfiniteMode,
    ResumeInfiniteMode,
    StartInfiniteMode,
    StopInfiniteMode,
)

Named = PauseInfiniteMode | ResumeInfiniteMode | StopInfiniteMode | GetInfiniteMode


async def start_infinite_mode(command: StartInfiniteMode, deps: ApiDeps) -> InfiniteStatus:
    """Start infinite mode on a target; a repeated request with the same `request_id` is one."""
    named = command.model_copy(update={"request_id": command.request_id or deps.new_id()})
    return await deps.bus.request(named, InfiniteStatus, timeout=START_TIMEOUT_SECONDS)


async def ask_infinite_mode(message: Named, deps: ApiDeps) -> InfiniteStatus:
    """Pause, resume, stop or show infinite mode on the target that is named, or on every one."""
    return await deps.bus.request(message, InfiniteStatus, timeout=STOP_TIMEOUT_SECONDS)


async def of_target(
    typed: str, message: Named | StartInfiniteMode, deps: ApiDeps
) -> InfiniteStatus:
    """Answer as `ask_infinite_mode` about the target whose id is `typed` or ends with it."""
    target = await find_by_id(deps.store.targets, typed, "target")
    named = message.model_copy(update={"target": target.id})
    return await deps.bus.request(named, InfiniteStatus, timeout=START_TIMEOUT_SECONDS)
