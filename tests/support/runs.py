"""Executing a requested run as the validator does."""

from services.validator.deps import ValidatorDeps
from services.validator.main import RUN_HANDLERS
from services.validator.runs.usecases import execute
from shared.contracts.work import RunTests


async def execute_run(command: RunTests, deps: ValidatorDeps) -> None:
    """Execute a run with the handlers that the validator is built with."""
    await execute.execute_run(command, deps, RUN_HANDLERS)
