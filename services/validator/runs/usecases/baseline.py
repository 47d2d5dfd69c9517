"""The baseline: a full run on the head, before any change is tried."""

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.prepared import PreparedHead, prepare_head
from services.validator.runs.domain.requests import RunRequest
from services.validator.runs.usecases.request import run_tests
from shared.contracts.base import RunPurpose
from shared.contracts.commands import RunBaseline
from shared.contracts.documents.runs import TestRun
from shared.contracts.events import BaselineMeasured, EnvironmentBuilt, MeasurementFailed
from shared.contracts.states import WAVE
from shared.kernel.errors import Rejected

log = structlog.get_logger(__name__)


async def run_baseline(command: RunBaseline, deps: ValidatorDeps) -> None:
    """Build the environment, run the suite on the commit, and publish the result."""
    wave = await deps.store.waves.get(command.wave_id)
    if wave is not None and WAVE.terminal(wave.state):
        return
    try:
        prepared = await _prepare(command, deps)
        request = RunRequest(prepared.tree, RunPurpose.BASELINE, record=True)
        run = await run_tests(deps, prepared, request, wave_id=command.wave_id)
        _check(run)
    except Rejected as error:
        await _publish_failed(command, error, deps)
        return
    await _publish_measured(command, run, deps)


async def _prepare(command: RunBaseline, deps: ValidatorDeps) -> PreparedHead:
    target = await deps.store.targets.require(command.target_id)
    prepared = await prepare_head(deps, target, command.commit)
    if not prepared.profile.test.test_files and prepared.profile.test.framework != "custom":
        raise Rejected(
            f"No tests were found in {target.name}, so no change could be shown to be safe.",
            hint='Add tests, or name the command in groundswell.toml: [test] command = "…".',
            code="no_tests",
        )
    built = EnvironmentBuilt(
        wave_id=command.wave_id,
        target_id=target.id,
        seconds=prepared.environment.seconds,
        cached=prepared.environment.cached,
        sandbox=f"{deps.sandbox.tier}: {deps.sandbox.isolation}",
        note=" ".join(prepared.environment.notes)[:500],
    )
    await deps.bus.publish(built, key=command.wave_id, wave=command.wave_id)
    return prepared


def _check(run: TestRun) -> None:
    """Reject a baseline that proves nothing: no report, no test, or no test that passes."""
    if run.result.outcome == "infrastructure":
        raise Rejected(
            "The test suite gave no usable report on the base, three times.",
            hint=run.result.detail,
            code="baseline_broken",
        )
    if run.result.counts is None or run.result.counts.tests == 0:
        raise Rejected(
            "The test command ran, but reported no tests.",
            hint="Check [test] command in groundswell.toml.",
            code="no_tests",
        )
    if run.result.counts.passed == 0:
        raise Rejected(
            f"None of the {run.result.counts.tests} tests passes on the base.",
            hint=f"The first that fails: {', '.join(run.result.failing[:3])}. Is something missing "
            'in the environment? Name it in groundswell.toml: [environment] setup = ["…"].',
            code="baseline_red",
        )


async def _publish_measured(command: RunBaseline, run: TestRun, deps: ValidatorDeps) -> None:
    counts = run.result.counts
    event = BaselineMeasured(
        wave_id=command.wave_id,
        target_id=command.target_id,
        commit=command.commit,
        tests=counts.tests if counts else 0,
        failing=len(run.result.failing),
        seconds=run.execution.seconds,
    )
    await deps.bus.publish(event, key=command.wave_id, wave=command.wave_id)


async def _publish_failed(command: RunBaseline, error: Rejected, deps: ValidatorDeps) -> None:
    log.warning("measurement_failed", wave=command.wave_id, code=error.code, reason=str(error))
    event = MeasurementFailed(
        measurement="baseline",
        wave_id=command.wave_id,
        target_id=command.target_id,
        code=error.code,
        reason=error.message,
        hint=error.hint,
    )
    await deps.bus.publish(event, key=f"{command.wave_id}:health", wave=command.wave_id)
