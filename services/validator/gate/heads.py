"""The head of a target, made ready for a round of the gate."""

import asyncio

from services.validator.deps import ValidatorDeps
from services.validator.prepared import PreparedHead, prepare_head
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.adjusting import find_out_suite
from services.validator.runs.usecases.reports import read_report
from services.validator.runs.usecases.request import run_tests
from services.validator.suite.domain.reports import TestReport
from shared.contracts.base import RunPurpose
from shared.contracts.documents.targets import Target
from shared.kernel.errors import Rejected
from shared.targets.head import Head


class HeadNotTestable(Rejected):
    """No change can be tried on this head: it is missing, or has no environment or test report."""


async def refresh_head(target: Target, deps: ValidatorDeps) -> Head:
    """Fetch the target and return its head. Raises `HeadNotTestable` where it has none."""
    try:
        return await asyncio.to_thread(deps.repository(target).refresh, target)
    except Rejected as error:
        raise _not_testable(error) from error


async def prepare_known_head(
    target: Target, head: Head, wave_id: str, deps: ValidatorDeps
) -> PreparedHead:
    """Prepare the head's environment, and find out how its tests are run if that is not known.

    Raises `HeadNotTestable` where that is refused.
    """
    try:
        prepared = await prepare_head(deps, target, head.commit)
        return await find_out_suite(prepared, wave_id, deps)
    except Rejected as error:
        raise _not_testable(error) from error


def _not_testable(error: Rejected) -> HeadNotTestable:
    """Return the error that says, for the same reason, that nothing can be tried on the head."""
    return HeadNotTestable(error.message, hint=error.hint, code=error.code)


async def run_on_head(prepared: PreparedHead, wave_id: str, deps: ValidatorDeps) -> TestReport:
    """Run the whole suite on the head. Raises `HeadNotTestable` if it gives no report."""
    why = "what passes before anything is changed"
    order = RunRequest(prepared.tree, RunPurpose.BASELINE, record=True, why=why)
    run = await run_tests(deps, prepared, order, wave_id=wave_id)
    if run.result.outcome != "reported":
        reason = run.result.detail.partition("\n")[0]
        raise HeadNotTestable("the tests gave no usable report on the head.", hint=reason)
    return await read_report(run, deps)
