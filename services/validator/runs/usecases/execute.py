"""Execute a requested test run on its cores, by the handler of its kind, and store its result."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.prepared import PreparedHead, prepare_candidate, prepare_head
from services.validator.runs.usecases.reports import store_text
from services.validator.runs.usecases.runners import (
    claim_of,
    count_concurrent_runs,
    hold_cores,
    is_claimed_elsewhere,
    run_while_requested,
)
from services.validator.runs.usecases.trees import ensure_tree
from services.validator.suite.domain.reports import (
    COMMAND_RESULT_ID,
    Infrastructure,
    Reported,
    RunOutcome,
    TestReport,
    replace_failing,
)
from shared.contracts.base import RunKind
from shared.contracts.documents.runs import RunExecution, RunResult, TestCounts, TestRun
from shared.contracts.events import RunFinished
from shared.contracts.states import RunState
from shared.contracts.work import RunTests
from shared.kernel.errors import Transient
from shared.kernel.failpoints import failpoint
from shared.sandbox.metering import measure_cpu_time

log = structlog.get_logger(__name__)

# After so many attempts without a report that can be trusted, the run counts as broken.
MAX_ATTEMPTS = 3
MAX_DETAIL_CHARACTERS = 4000

# Executes a run of one kind, and returns the fields of its `RunResult`.
RunHandler = Callable[[TestRun, PreparedHead, ValidatorDeps], Awaitable[dict[str, Any]]]
RunHandlers = Mapping[RunKind, RunHandler]


async def execute_run(command: RunTests, deps: ValidatorDeps, handlers: RunHandlers) -> None:
    """Execute a requested run, store its result, and publish it; a finished run only the latter.

    A run that this runner has claimed is left alone. So is one that is `repeated` while
    another live runner has it; only the claims of dead runners are taken over.
    """
    if command.repeated and await is_claimed_elsewhere(command.run_id, deps):
        return
    run = await deps.store.runs.require(command.run_id)
    if claim_of(run) in deps.process.claimed_runs:
        return
    if run.state is RunState.REQUESTED:
        run = await run_while_requested(run, lambda known: _execute(known, deps, handlers), deps)
    if run.state is RunState.FINISHED:
        await _publish_finished(run, deps)
    deps.process.run_waiters.run_finished(run.id)


async def execute_tests(
    run: TestRun, prepared: PreparedHead, deps: ValidatorDeps
) -> dict[str, Any]:
    """Run a target's tests, up to `MAX_ATTEMPTS` times until there is a report.

    Returns the fields of the run's result, with the failing tests of a recording run again.
    """
    for attempt in range(MAX_ATTEMPTS):
        # Recording may be what broke the first attempt.
        record = run.request.record and not attempt
        outcome = await _run_suite(run, prepared, deps, run.request.tests, record=record)
        if isinstance(outcome, Reported):
            break
        log.warning("run_broken", run=run.id, reason=outcome.reason)
    if run.request.record and isinstance(outcome, Reported):
        outcome = await _rerun_failing_unrecorded(outcome, run, prepared, deps)
    return await _store_outcome(outcome, deps)


async def _execute(run: TestRun, deps: ValidatorDeps, handlers: RunHandlers) -> TestRun:
    """Wait for the cores that a run needs, execute it there, and return it finished."""
    async with hold_cores(run, deps):
        return await _execute_in_cores(run, deps, handlers)


async def _execute_in_cores(run: TestRun, deps: ValidatorDeps, handlers: RunHandlers) -> TestRun:
    """Execute a run, and store its result with what it cost."""
    target = await deps.store.targets.require(run.target_id)
    await ensure_tree(run, target, deps)
    prepared = await prepare_head(deps, target, run.request.head, run.request.namespace)
    if run.request.approved:
        prepared = await prepare_candidate(deps, prepared, run.request.tree)
    started = deps.clock()
    with measure_cpu_time() as used:
        async with count_concurrent_runs(deps) as concurrent_runs:
            result = await _result(run, prepared, deps, handlers[run.request.kind])
    failpoint("run.finished")
    finished = deps.clock()
    execution = RunExecution(
        sandbox=deps.sandbox.tier,
        runner=deps.runner,
        seconds=(finished - started).total_seconds(),
        cpu_seconds=used.seconds,
        beside=concurrent_runs(),
    )
    done = await deps.store.runs.transition(
        run, "finish", result=RunResult(**result), execution=execution, finished_at=finished
    )
    failpoint("run.stored")
    return done or await deps.store.runs.require(run.id)


async def _result(
    run: TestRun, prepared: PreparedHead, deps: ValidatorDeps, handler: RunHandler
) -> dict[str, Any]:
    """Return the result fields by the handler; a defect that repeats ends without a report.

    Otherwise its requester would wait forever. Raises `Transient` as the handler does.
    """
    reason = ""
    for _ in range(MAX_ATTEMPTS):
        try:
            return await handler(run, prepared, deps)
        except Transient:
            raise
        except Exception as error:
            log.exception("run_failed", run=run.id)
            reason = f"a defect of ours: {error!r}"
    return {"outcome": "infrastructure", "detail": reason[:MAX_DETAIL_CHARACTERS]}


async def _run_suite(
    run: TestRun,
    prepared: PreparedHead,
    deps: ValidatorDeps,
    tests: Sequence[str],
    *,
    record: bool,
) -> RunOutcome:
    """Run these tests (all if there are none) on the run's tree, recorded or not."""
    return await deps.suite.run(
        run.request.tree,
        prepared.profile,
        prepared.environment,
        tuple(tests),
        target_id=prepared.target.id,
        base_oid=prepared.tree,
        repeat=run.request.repeat,
        record=record,
        approved=run.request.approved,
    )


async def _rerun_failing_unrecorded(
    recorded: Reported, run: TestRun, prepared: PreparedHead, deps: ValidatorDeps
) -> Reported:
    """Run the failing tests of a recorded run again without recording.

    Recording itself may have made them fail; what they do without it replaces what was reported.
    """
    failing = sorted(recorded.report.failing)
    if recorded.impact is None or not failing:
        return recorded
    again = await _run_suite(run, prepared, deps, failing, record=False)
    if not isinstance(again, Reported):
        log.warning("run_broken", run=run.id, reason=again.reason)
        return recorded
    report = replace_failing(recorded.report, again.report)
    return replace(recorded, report=_without_passing_command(report))


def _without_passing_command(report: TestReport) -> TestReport:
    """Return a report that says nothing of the command as a whole unless it failed.

    So do other reports of commands that can be recorded.
    """
    command = report.results.get(COMMAND_RESULT_ID)
    if command is None or command.outcome.bad:
        return report
    others = {key: each for key, each in report.results.items() if key != COMMAND_RESULT_ID}
    return replace(report, results=others)


async def _store_outcome(outcome: RunOutcome, deps: ValidatorDeps) -> dict[str, Any]:
    """Store the report and the impact map, and return the fields of the result."""
    if isinstance(outcome, Infrastructure):
        detail = f"{outcome.reason}\n{outcome.output_tail}".strip()
        return {"outcome": "infrastructure", "detail": detail[-MAX_DETAIL_CHARACTERS:]}
    digest = await store_text(outcome.report.to_json(), "tests", deps)
    counts = outcome.report.counts
    impact = await store_text(outcome.impact, "impact", deps) if outcome.impact else None
    return {
        "outcome": "reported",
        "report": digest,
        "impact": impact,
        "failing": tuple(sorted(outcome.report.failing)),
        "counts": TestCounts(
            tests=counts.tests, passed=counts.passed, failed=counts.failed, skipped=counts.skipped
        ),
    }


async def _publish_finished(run: TestRun, deps: ValidatorDeps) -> None:
    """Publish that a run has finished: its purpose, tests, failures and seconds."""
    counts = run.result.counts or TestCounts(tests=0, passed=0, failed=0, skipped=0)
    event = RunFinished(
        run_id=run.id,
        wave_id=run.wave_id,
        target_id=run.target_id,
        purpose=run.request.purpose,
        changes=len(run.request.changes),
        tests=counts.tests,
        failing=counts.failed,
        seconds=run.execution.seconds,
        why=run.request.why,
        tests_worse=None if run.result.worse is None else len(run.result.worse),
        note=run.result.detail[:300],
    )
    await deps.bus.publish(event, key=run.id, wave=run.wave_id)
