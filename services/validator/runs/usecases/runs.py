"""Test runs: asked for once per key, carried out by a runner, kept as verdicts."""

import asyncio
import hashlib
import json
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.prepared import PreparedHead, prepare_head
from services.validator.runs.usecases.runners import (
    as_asked_for,
    at_hand_elsewhere,
    company,
    in_slot,
    while_wanted,
)
from services.validator.runs.usecases.trees import bring_tree
from services.validator.suite.domain.reports import (
    Infrastructure,
    Reported,
    RunOutcome,
    TestReport,
    corrected,
)
from shared.contracts.base import RunKind
from shared.contracts.documents.runs import RunExecution, RunResult, RunSpec, TestCounts, TestRun
from shared.contracts.documents.storage import StoredReport
from shared.contracts.events import RunFinished, RunSuperseded
from shared.contracts.states import RunState
from shared.contracts.work import RunTests
from shared.kernel.errors import Transient
from shared.kernel.failpoints import failpoint
from shared.sandbox.metering import measure_cpu_time

log = structlog.get_logger(__name__)

# A run without a trustworthy report is tried this often in all; then it is said to be broken.
ATTEMPTS = 3
# In seconds: how often who waits for a run of another process looks, and after so many looks asks again.
POLL = 0.5
REMIND = 60

Kind = Literal["tests", "log", "mutation", "benchmarks", "plan", "impact"]


@dataclass(frozen=True)
class Order:
    """What is to be run on a tree. `why` is a sentence for people and changes nothing."""

    tree: str
    purpose: str
    changes: Sequence[str] = ()
    tests: Sequence[str] = ()
    repetition: int = 0
    repeat: int = 1
    record: bool = False
    kind: RunKind = RunKind.TESTS
    plan: str | None = None
    why: str = ""


async def run_tests(
    deps: ValidatorDeps, place: PreparedHead, order: Order, *, wave_id: str
) -> TestRun:
    """The finished verdict of (tree, environment, gate configuration, plan); run only if unknown.

    Cancelled, it supersedes the run, unless somebody else here waits for it too.
    """
    key, verdict = await _known(run_key(place, order), wave_id, deps)
    if verdict is None:
        verdict = TestRun(
            id=deps.new_id(),
            key=key,
            target_id=place.target.id,
            wave_id=wave_id,
            request=RunSpec(
                purpose=order.purpose,
                kind=order.kind,
                plan=order.plan,
                why=order.why,
                tree=order.tree,
                head=place.head,
                environment=place.environment.key,
                changes=tuple(order.changes),
                tests=tuple(order.tests),
                repeat=order.repeat,
                record=order.record,
            ),
            created_at=deps.clock(),
        )
        if not await deps.store.runs.insert(verdict):
            verdict = await deps.store.runs.first(key=key) or verdict
    return await _finished(deps, verdict)


async def _known(key: str, wave_id: str, deps: ValidatorDeps) -> tuple[str, TestRun | None]:
    """The verdict under `key`; a run that gave no report in another wave is made again."""
    attempt, candidate = 0, key
    while True:
        verdict = await deps.store.runs.first(key=candidate)
        if (
            verdict is None
            or verdict.result.outcome != "infrastructure"
            or verdict.wave_id == wave_id
        ):
            return candidate, verdict
        attempt += 1
        candidate = f"{key}:{attempt}"


def run_key(place: PreparedHead, order: Order) -> str:
    """What a run's result depends on, as one digest."""
    plan = {
        "target": place.target.id,
        "tree": order.tree,
        "judges": place.judges,
        "environment": place.environment.key,
        "gate": [place.profile.test.command, place.profile.test.pythonpath],
        "tests": sorted(order.tests),
        "repetition": order.repetition,
    }
    if order.repeat > 1:
        plan["repeat"] = order.repeat
    if order.kind is not RunKind.TESTS:
        # Such a run also depends on the head that it compares with, and on what it is told.
        plan["kind"] = [order.kind, place.tree, order.plan]
    return hashlib.sha256(json.dumps(plan, sort_keys=True).encode()).hexdigest()


async def supersede(deps: ValidatorDeps, verdict: TestRun) -> TestRun:
    """Nobody wants to know any more: whoever is at it stops, and what it still says changes nothing.

    The verdict as it is then; one that is finished stays.
    """
    now = await deps.store.runs.require(verdict.id)
    moved = await deps.store.runs.transition(now, "supersede")
    if moved is None:
        return await deps.store.runs.require(verdict.id)
    event = RunSuperseded(
        run_id=moved.id,
        wave_id=moved.wave_id,
        target_id=moved.target_id,
        purpose=moved.request.purpose,
    )
    await deps.bus.publish(event, key=f"{moved.id}:{moved.version}", wave=moved.wave_id)
    return moved


async def _finished(deps: ValidatorDeps, verdict: TestRun) -> TestRun:
    """Wait for the run; who is cancelled in that, and is the last who waits, drops it."""
    waiters = deps.process.run_waiters
    with waiters.waiting(verdict.id) as run_finished:
        try:
            return await _asked_for(deps, verdict, run_finished)
        except asyncio.CancelledError:
            # A process that ends leaves its runs to others: its successor will want them.
            if waiters.is_last(verdict.id) and not deps.process.draining.is_set():
                await _drop(deps, verdict)
            raise


async def _drop(deps: ValidatorDeps, verdict: TestRun) -> None:
    """Where that cannot be said the run goes on, which costs time and nothing else."""
    try:
        await supersede(deps, verdict)
    except Transient as error:
        log.info("run_not_dropped", run=verdict.id, reason=str(error))


async def _asked_for(deps: ValidatorDeps, verdict: TestRun, run_finished: asyncio.Event) -> TestRun:
    """Ask for the run until somebody has carried it out; also for one that somebody else has dropped."""
    asked = 0
    while verdict.state is not RunState.FINISHED:
        if verdict.state is RunState.SUPERSEDED:
            wanted = await deps.store.runs.transition(verdict, "request")
            verdict = wanted or await deps.store.runs.require(verdict.id)
            asked = 0
            continue
        if asked % REMIND == 0:
            message = RunTests(run_id=verdict.id, target_id=verdict.target_id, repeated=asked > 0)
            # Each time it is wanted after all it is another message.
            key = f"{verdict.id}:{verdict.version}:{asked}"
            await deps.bus.publish(message, key=key, wave=verdict.wave_id)
        asked += 1
        try:
            await asyncio.wait_for(run_finished.wait(), POLL)
        except TimeoutError:
            log.debug("run_awaited", run=verdict.id)
        run_finished.clear()
        verdict = await deps.store.runs.require(verdict.id)
    return verdict


async def execute_run(command: RunTests, deps: ValidatorDeps) -> None:
    """The runner: make the run, keep its report, say so. A finished run is only said again.

    One that somebody is at is left to them, but for a message that came again: then they are lost.
    """
    if command.repeated and await at_hand_elsewhere(command.run_id, deps):
        return
    verdict = await deps.store.runs.require(command.run_id)
    if as_asked_for(verdict) in deps.process.claimed_runs:
        return
    if verdict.state is RunState.REQUESTED:
        verdict = await while_wanted(verdict, lambda known: _in_slot(known, deps), deps)
    if verdict.state is RunState.FINISHED:
        await _say(verdict, deps)
    deps.process.run_waiters.run_finished(verdict.id)


async def _in_slot(verdict: TestRun, deps: ValidatorDeps) -> TestRun:
    async with in_slot(verdict, deps):
        return await _carry_out(verdict, deps)


async def _carry_out(verdict: TestRun, deps: ValidatorDeps) -> TestRun:
    target = await deps.store.targets.require(verdict.target_id)
    await bring_tree(verdict, target, deps)
    place = await prepare_head(deps, target, verdict.request.head)
    started = deps.clock()
    with measure_cpu_time() as used:
        async with company(deps) as beside:
            result = await _result(verdict, place, deps)
    failpoint("run.finished")
    finished = deps.clock()
    execution = RunExecution(
        sandbox=deps.sandbox.tier,
        runner=deps.runner,
        seconds=(finished - started).total_seconds(),
        cpu_seconds=used.seconds,
        beside=beside(),
    )
    done = await deps.store.runs.transition(
        verdict, "finish", result=RunResult(**result), execution=execution, finished_at=finished
    )
    failpoint("run.stored")
    return done or await deps.store.runs.require(verdict.id)


async def _result(verdict: TestRun, place: PreparedHead, deps: ValidatorDeps) -> dict[str, Any]:
    """What the carrier makes of it. What it fails of time after time ends the run too, or who waits would wait for ever."""
    reason = ""
    for _ in range(ATTEMPTS):
        try:
            return await RUN_HANDLERS[verdict.request.kind](verdict, place, deps)
        except Transient:
            raise
        except Exception as error:
            log.exception("run_failed", run=verdict.id)
            reason = f"a defect of ours: {error!r}"
    return {"outcome": "infrastructure", "detail": reason[:4000]}


async def _carry_out_tests(
    verdict: TestRun, place: PreparedHead, deps: ValidatorDeps
) -> dict[str, Any]:
    for attempt in range(ATTEMPTS):
        # What recording may have broken is not recorded when it is tried again.
        record = verdict.request.record and not attempt
        outcome = await _run(verdict, place, deps, verdict.request.tests, record=record)
        if isinstance(outcome, Reported):
            break
        log.warning("run_broken", run=verdict.id, reason=outcome.reason)
    if verdict.request.record and isinstance(outcome, Reported):
        outcome = await _without_recording(outcome, verdict, place, deps)
    return await _keep(outcome, deps)


async def _run(
    verdict: TestRun,
    place: PreparedHead,
    deps: ValidatorDeps,
    tests: Sequence[str],
    *,
    record: bool,
) -> RunOutcome:
    return await deps.suite.run(
        verdict.request.tree,
        place.profile,
        place.environment,
        tuple(tests),
        target_id=place.target.id,
        base_oid=place.tree,
        repeat=verdict.request.repeat,
        record=record,
    )


async def _without_recording(
    recorded: Reported, verdict: TestRun, place: PreparedHead, deps: ValidatorDeps
) -> Reported:
    """What failed is run once more as ever, and that counts: a test may not stand being recorded."""
    failing = sorted(recorded.report.failing)
    if recorded.impact is None or not failing:
        return recorded
    again = await _run(verdict, place, deps, failing, record=False)
    if not isinstance(again, Reported):
        log.warning("run_broken", run=verdict.id, reason=again.reason)
        return recorded
    return replace(recorded, report=corrected(recorded.report, again.report))


# How a run of each kind is carried out: the verdict's fields that follow from it.
Carrier = Callable[[TestRun, PreparedHead, ValidatorDeps], Awaitable[dict[str, Any]]]
RUN_HANDLERS: dict[RunKind, Carrier] = {RunKind.TESTS: _carry_out_tests}


async def _keep(outcome: RunOutcome, deps: ValidatorDeps) -> dict[str, Any]:
    """Store the report under its sha256; the verdict's fields that follow from it."""
    if isinstance(outcome, Infrastructure):
        detail = f"{outcome.reason}\n{outcome.output_tail}".strip()
        return {"outcome": "infrastructure", "detail": detail[-4000:]}
    digest = await keep_text(outcome.report.to_json(), "tests", deps)
    counts = outcome.report.counts
    impact = await keep_text(outcome.impact, "impact", deps) if outcome.impact else None
    return {
        "outcome": "reported",
        "report": digest,
        "impact": impact,
        "failing": tuple(sorted(outcome.report.failing)),
        "counts": TestCounts(
            tests=counts.tests, passed=counts.passed, failed=counts.failed, skipped=counts.skipped
        ),
    }


async def keep_text(text: str, kind: Kind, deps: ValidatorDeps) -> str:
    """Store it under its sha256, and return that."""
    data = text.encode()
    digest = hashlib.sha256(data).hexdigest()
    stored = StoredReport(
        id=digest, kind=kind, data=zlib.compress(data, 1), created_at=deps.clock()
    )
    await deps.store.reports.insert(stored)
    return digest


async def read_text(digest: str, deps: ValidatorDeps) -> str:
    """What was stored under that sha256."""
    stored = await deps.store.reports.require(digest)
    return zlib.decompress(stored.data).decode()


async def read_report(verdict: TestRun, deps: ValidatorDeps) -> TestReport:
    """The report behind a verdict that has one."""
    if verdict.result.report is None:
        raise Transient(f"Run {verdict.id} has no report.", hint=verdict.result.detail)
    return TestReport.from_json(await read_text(verdict.result.report, deps))


async def _say(verdict: TestRun, deps: ValidatorDeps) -> None:
    counts = verdict.result.counts or TestCounts(tests=0, passed=0, failed=0, skipped=0)
    event = RunFinished(
        run_id=verdict.id,
        wave_id=verdict.wave_id,
        target_id=verdict.target_id,
        purpose=verdict.request.purpose,
        changes=len(verdict.request.changes),
        tests=counts.tests,
        failing=counts.failed,
        seconds=verdict.execution.seconds,
        why=verdict.request.why,
        tests_worse=None if verdict.result.worse is None else len(verdict.result.worse),
        note=verdict.result.detail[:300],
    )
    await deps.bus.publish(event, key=verdict.id, wave=verdict.wave_id)
