"""The baseline: a full run on the head, before any change is tried."""

import hashlib
import shlex
from collections.abc import Sequence

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.prepared import PreparedHead, prepare_head
from services.validator.runs.domain.adjustments import error_text, first_error
from services.validator.runs.usecases.adjusting import BaselineAttempt, measure_baseline
from services.validator.suite.domain.reports import COMMAND_RESULT_ID
from shared.contracts.commands import RunBaseline
from shared.contracts.documents.runs import TestRun
from shared.contracts.events import BaselineMeasured, EnvironmentBuilt, MeasurementFailed
from shared.contracts.states import WAVE
from shared.kernel.errors import Rejected

log = structlog.get_logger(__name__)

MAX_NOTE_CHARACTERS = 500
MAX_HINT_CHARACTERS = 2000


async def run_baseline(command: RunBaseline, deps: ValidatorDeps) -> None:
    """Run the whole suite on a commit, and publish the result, or why there is none.

    Also publishes that the environment is built, with notes for people. How the tests have to be
    run, if that took a search, is stored on the target. Does nothing if the wave has ended already;
    one that ends during the run does not stop it.
    """
    wave = await deps.store.waves.get(command.wave_id)
    if wave is not None and WAVE.terminal(wave.state):
        return
    try:
        prepared = await _prepare(command, deps)
        measured = await measure_baseline(prepared, command.wave_id, deps)
        _check(measured)
    except Rejected as error:
        await _publish_failed(command, error, deps)
        return
    if notes := _notes(measured):
        await _publish_built(command, measured.prepared, notes, deps)
    await _publish_measured(command, measured.run, deps)


async def _prepare(command: RunBaseline, deps: ValidatorDeps) -> PreparedHead:
    """Prepare the commit and publish that its environment is built.

    Raises `Rejected` if that is not possible, or the target has no tests.
    """
    target = await deps.store.targets.require(command.target_id)
    prepared = await prepare_head(deps, target, command.commit)
    plan = prepared.profile.test
    if not plan.test_files and plan.framework != "custom" and not plan.alternatives:
        raise Rejected(
            f"No tests were found in {target.name}, so no change could be shown to be safe.",
            hint='Add tests, or name the command in groundswell.toml: [test] command = "…".',
            code="no_tests",
        )
    await _publish_built(command, prepared, prepared.environment.notes, deps)
    return prepared


async def _publish_built(
    command: RunBaseline, prepared: PreparedHead, notes: Sequence[str], deps: ValidatorDeps
) -> None:
    """Publish that the environment is built, with notes for people; the same notes only once."""
    built = EnvironmentBuilt(
        wave_id=command.wave_id,
        target_id=prepared.target.id,
        seconds=prepared.environment.seconds,
        cached=prepared.environment.cached,
        sandbox=f"{deps.sandbox.tier}: {deps.sandbox.isolation}",
        notes=tuple(each[:MAX_NOTE_CHARACTERS] for each in notes),
    )
    key = hashlib.sha256("\n".join((command.wave_id, *notes)).encode()).hexdigest()
    await deps.bus.publish(built, key=key, wave=command.wave_id)


def _notes(measured: BaselineAttempt) -> tuple[str, ...]:
    """Return what people should know about how the tests ran: what was changed, what is missing."""
    notes = list(measured.adjustment.notes) if measured.adjustment else []
    broken = first_error(measured.report) if measured.report else None
    if broken is not None and "::" not in broken.id and broken.id != COMMAND_RESULT_ID:
        notes.append(f"{broken.id} cannot be imported: {error_text(broken.detail)}")
    return tuple(notes)


def _check(measured: BaselineAttempt) -> None:
    """Raise `Rejected` for a baseline that proves nothing: no report, no test, or none passes."""
    run, report, plan = measured.run, measured.report, measured.prepared.profile.test
    command = shlex.join(plan.command)
    if report is None:
        reason, _, output = run.result.detail.partition("\n")
        raise Rejected(
            f"The test suite gave no usable report on the base, three times. {reason}\n"
            f"{error_text(output)}".strip(),
            hint=_advice(measured, f"See what `{command}` prints in a checkout."),
            code="baseline_broken",
        )
    if not report.results:
        raise Rejected(
            f"`{command}` ran, but reported no tests.",
            hint=_advice(measured, "Check [test] command in groundswell.toml."),
            code="no_tests",
        )
    if report.counts.passed == 0:
        first = first_error(report)
        error = f" The first error, in {first.id}: {error_text(first.detail)}" if first else ""
        raise Rejected(
            f"None of the {report.counts.tests} tests passes on the base.{error}",
            hint=_advice(
                measured,
                "Is something missing in the environment? Name it in groundswell.toml: "
                '[environment] setup = ["…"].',
            ),
            code="baseline_red",
        )


def _advice(measured: BaselineAttempt, advice: str) -> str:
    """Return a hint for people: other ways to run the tests that failed, then `advice`.

    Between them is what could not be set up in the environment, which is cut if it is long.
    """
    tried = f"Tried without success: {'; '.join(measured.tried)}." if measured.tried else ""
    missing = " ".join(measured.prepared.environment.notes)
    before = " ".join(filter(None, (tried, missing)))[: MAX_HINT_CHARACTERS - len(advice) - 1]
    return f"{before} {advice}".strip()


async def _publish_measured(command: RunBaseline, run: TestRun, deps: ValidatorDeps) -> None:
    """Publish how many tests the baseline ran, how many fail, and how long it took."""
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
    """Publish that a baseline could not be measured, and what to do about it."""
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
