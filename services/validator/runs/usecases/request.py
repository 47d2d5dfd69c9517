"""Requesting a test run, waiting for its result, and superseding one that nobody needs any more."""

import asyncio
import hashlib
import json

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.prepared import PreparedHead, prepare_candidate
from services.validator.runs.domain.requests import RunRequest
from shared.contracts.base import RunKind
from shared.contracts.documents.runs import RunSpec, TestRun
from shared.contracts.events import RunSuperseded
from shared.contracts.states import RunState
from shared.contracts.work import RunTests
from shared.kernel.errors import Transient

log = structlog.get_logger(__name__)

# A run may end in another process, which cannot wake this one.
POLL_INTERVAL_SECONDS = 0.5
POLLS_PER_REQUEST = 60


async def run_tests(
    deps: ValidatorDeps, prepared: PreparedHead, request: RunRequest, *, wave_id: str
) -> TestRun:
    """Return the finished run for a request; it is executed only if no equal one is known.

    A run may finish without a report. If cancelled, it supersedes the run, unless something else in
    this process waits for it too. Raises what preparing the environment of approved edits raises.
    """
    if request.approved:
        prepared = await prepare_candidate(deps, prepared, request.tree)
    key, run = await _find_run(run_key(prepared, request), wave_id, deps)
    if run is None:
        run = _new_run(key, prepared, request, wave_id, deps)
        if not await deps.store.runs.insert(run):
            run = await deps.store.runs.first(key=key) or run
    return await _wait_or_supersede(run, deps)


def run_key(prepared: PreparedHead, request: RunRequest) -> str:
    """Return a digest of everything that the result of a run depends on."""
    plan = {
        "target": prepared.target.id,
        "tree": request.tree,
        "judges": prepared.protected_files_digest,
        "environment": prepared.environment.key,
        "gate": [prepared.profile.test.command, prepared.profile.test.pythonpath],
        "tests": sorted(request.tests),
        "repetition": request.repetition,
    }
    if request.repeat > 1:
        plan["repeat"] = request.repeat
    if request.approved:
        plan["approved"] = sorted(request.approved)
    if request.kind is not RunKind.TESTS:
        # Mutants and benchmarks also depend on the head that they are compared with.
        plan["kind"] = [request.kind, prepared.tree, request.plan]
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


async def supersede(deps: ValidatorDeps, run: TestRun) -> TestRun:
    """Mark a run as no longer needed, so that its runner stops it, and return it as it is then.

    A finished run stays finished.
    """
    now = await deps.store.runs.require(run.id)
    moved = await deps.store.runs.transition(now, "supersede")
    if moved is None:
        return await deps.store.runs.require(run.id)
    event = RunSuperseded(
        run_id=moved.id,
        wave_id=moved.wave_id,
        target_id=moved.target_id,
        purpose=moved.request.purpose,
    )
    await deps.bus.publish(event, key=f"{moved.id}:{moved.version}", wave=moved.wave_id)
    return moved


async def _find_run(key: str, wave_id: str, deps: ValidatorDeps) -> tuple[str, TestRun | None]:
    """Return the run under `key`, if there is one, and the key that a new one is to have.

    A run that gave no report in another wave is left alone: this wave tries again.
    """
    attempt, candidate = 0, key
    while True:
        run = await deps.store.runs.first(key=candidate)
        if run is None or run.result.outcome != "infrastructure" or run.wave_id == wave_id:
            return candidate, run
        attempt += 1
        candidate = f"{key}:{attempt}"


def _new_run(
    key: str, prepared: PreparedHead, request: RunRequest, wave_id: str, deps: ValidatorDeps
) -> TestRun:
    """Return a new test run for a request, not stored yet."""
    return TestRun(
        id=deps.new_id(),
        key=key,
        target_id=prepared.target.id,
        wave_id=wave_id,
        request=RunSpec(
            purpose=request.purpose,
            kind=request.kind,
            plan=request.plan,
            why=request.why,
            tree=request.tree,
            head=prepared.head,
            environment=prepared.environment.key,
            namespace=prepared.profile.environment.namespace,
            changes=tuple(request.changes),
            tests=tuple(request.tests),
            repeat=request.repeat,
            record=request.record,
            approved=tuple(request.approved),
        ),
        created_at=deps.clock(),
    )


async def _wait_or_supersede(run: TestRun, deps: ValidatorDeps) -> TestRun:
    """Wait for a run to finish; the last waiter supersedes it if cancelled, unless draining."""
    waiters = deps.process.run_waiters
    with waiters.waiting(run.id) as run_finished:
        try:
            return await _wait(run, run_finished, deps)
        except asyncio.CancelledError:
            # A process that ends leaves its runs to others: its successor will want them.
            if waiters.is_last(run.id) and not deps.process.draining.is_set():
                await _supersede_if_possible(run, deps)
            raise


async def _supersede_if_possible(run: TestRun, deps: ValidatorDeps) -> None:
    """Supersede a run; where the store is away it goes on, which only costs time."""
    try:
        await supersede(deps, run)
    except Transient as error:
        log.info("run_not_superseded", run=run.id, reason=str(error))


async def _wait(run: TestRun, run_finished: asyncio.Event, deps: ValidatorDeps) -> TestRun:
    """Publish the run, again from time to time, until it has finished.

    A run that something else has superseded meanwhile is requested anew.
    """
    polls = 0
    while run.state is not RunState.FINISHED:
        if run.state is RunState.SUPERSEDED:
            requested = await deps.store.runs.transition(run, "request")
            run = requested or await deps.store.runs.require(run.id)
            polls = 0
            continue
        if polls % POLLS_PER_REQUEST == 0:
            await _publish_request(run, polls, deps)
        polls += 1
        try:
            await asyncio.wait_for(run_finished.wait(), POLL_INTERVAL_SECONDS)
        except TimeoutError:
            log.debug("run_awaited", run=run.id)
        run_finished.clear()
        run = await deps.store.runs.require(run.id)
    return run


async def _publish_request(run: TestRun, polls: int, deps: ValidatorDeps) -> None:
    """Ask any runner to execute a run; `polls` tells a repeated message from the first one."""
    message = RunTests(run_id=run.id, target_id=run.target_id, repeated=polls > 0)
    # A run that is requested anew has another version, so the message is not taken for a copy.
    key = f"{run.id}:{run.version}:{polls}"
    await deps.bus.publish(message, key=key, wave=run.wave_id)
