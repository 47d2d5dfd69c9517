"""Starting, pausing, resuming, stopping and showing infinite mode: the coordinator answers."""

from services.api.ports import ApiDeps
from services.api.usecases.access import require_all_targets
from services.api.usecases.find import find_by_id
from services.api.usecases.targets import permitted_target
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
    target = await permitted_target(command.target, command.base, deps)
    named = command.model_copy(
        update={"target": target, "request_id": command.request_id or deps.new_id()}
    )
    return await deps.bus.request(named, InfiniteStatus, timeout=START_TIMEOUT_SECONDS)


async def ask_infinite_mode(message: Named, deps: ApiDeps) -> InfiniteStatus:
    """Pause, resume, stop or show infinite mode on the target that is named, or on every one.

    Raises `Forbidden` about every one for a key that is restricted to some targets.
    """
    if message.target is None:
        require_all_targets(deps)
    target = await permitted_target(message.target, None, deps)
    named = message.model_copy(update={"target": target})
    return await deps.bus.request(named, InfiniteStatus, timeout=STOP_TIMEOUT_SECONDS)


async def of_target(
    typed: str, message: Named | StartInfiniteMode, deps: ApiDeps
) -> InfiniteStatus:
    """Answer as `ask_infinite_mode` about the target whose id is `typed` or ends with it."""
    target = await find_by_id(deps.store.targets, typed, "target")
    named = message.model_copy(update={"target": target.id})
    return await deps.bus.request(named, InfiniteStatus, timeout=START_TIMEOUT_SECONDS)
