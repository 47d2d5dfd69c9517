"""Test runs: asked for once per key, carried out by a runner, kept as verdicts."""

import asyncio
import hashlib
import json
import zlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

import structlog

from services.validator.deps import Desk
from services.validator.prepared import Workplace, workplace
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
from shared.contracts.documents.runs import Counts, Verdict
from shared.contracts.documents.storage import Report
from shared.contracts.events import RunFinished, RunSuperseded
from shared.contracts.states import RunState
from shared.contracts.work import RunTests
from shared.kernel.errors import Transient
from shared.kernel.failpoints import fault
from shared.sandbox.metering import metered

log = structlog.get_logger(__name__)

# A run without a trustworthy report is tried this often in all; then it is said to be broken.
ATTEMPTS = 3
# In seconds: how often who waits for a run of another process looks, and after so many looks asks again.
POLL = 0.5
REMIND = 60

Kind = Literal["tests", "log", "faults", "benchmarks", "plan", "impact"]


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


async def run_tests(desk: Desk, place: Workplace, order: Order, *, wave_id: str) -> Verdict:
    """The finished verdict of (tree, environment, gate configuration, plan); run only if unknown.

    Cancelled, it supersedes the run, unless somebody else here waits for it too.
    """
    key, verdict = await _known(run_key(place, order), wave_id, desk)
    if verdict is None:
        verdict = Verdict(
            id=desk.new_id(),
            key=key,
            target_id=place.target.id,
            wave_id=wave_id,
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
            created_at=desk.clock(),
        )
        if not await desk.store.verdicts.insert(verdict):
            verdict = await desk.store.verdicts.first(key=key) or verdict
    return await _finished(desk, verdict)


async def _known(key: str, wave_id: str, desk: Desk) -> tuple[str, Verdict | None]:
    """The verdict under `key`; a run that gave no report in another wave is made again."""
    attempt, candidate = 0, key
    while True:
        verdict = await desk.store.verdicts.first(key=candidate)
        if verdict is None or verdict.outcome != "infrastructure" or verdict.wave_id == wave_id:
            return candidate, verdict
        attempt += 1
        candidate = f"{key}:{attempt}"


def run_key(place: Workplace, order: Order) -> str:
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


async def supersede(desk: Desk, verdict: Verdict) -> Verdict:
    """Nobody wants to know any more: whoever is at it stops, and what it still says changes nothing.

    The verdict as it is then; one that is finished stays.
    """
    now = await desk.store.verdicts.need(verdict.id)
    moved = await desk.store.verdicts.transition(now, "supersede")
    if moved is None:
        return await desk.store.verdicts.need(verdict.id)
    event = RunSuperseded(
        run_id=moved.id,
        wave_id=moved.wave_id,
        target_id=moved.target_id,
        purpose=moved.purpose,
    )
    await desk.bus.publish(event, key=f"{moved.id}:{moved.version}", wave=moved.wave_id)
    return moved


async def _finished(desk: Desk, verdict: Verdict) -> Verdict:
    """Wait for the run; who is cancelled in that, and is the last who waits, drops it."""
    desk.awaited[verdict.id] += 1
    try:
        return await _asked_for(desk, verdict)
    except asyncio.CancelledError:
        # A process that ends leaves its runs to others: whoever takes over here will want them.
        if desk.awaited[verdict.id] == 1 and not desk.leaving.is_set():
            await _drop(desk, verdict)
        raise
    finally:
        desk.awaited[verdict.id] -= 1
        if not desk.awaited[verdict.id]:
            del desk.awaited[verdict.id]
            desk.bells.pop(verdict.id, None)


async def _drop(desk: Desk, verdict: Verdict) -> None:
    """Where that cannot be said the run goes on, which costs time and nothing else."""
    try:
        await supersede(desk, verdict)
    except Transient as error:
        log.info("run_not_dropped", run=verdict.id, reason=str(error))


async def _asked_for(desk: Desk, verdict: Verdict) -> Verdict:
    """Ask for the run until somebody has carried it out; also for one that somebody else has dropped."""
    asked = 0
    bell = desk.bells[verdict.id]
    while verdict.state is not RunState.FINISHED:
        if verdict.state is RunState.SUPERSEDED:
            wanted = await desk.store.verdicts.transition(verdict, "request")
            verdict = wanted or await desk.store.verdicts.need(verdict.id)
            asked = 0
            continue
        if asked % REMIND == 0:
            message = RunTests(run_id=verdict.id, target_id=verdict.target_id, again=asked > 0)
            # Each time it is wanted after all it is another message.
            key = f"{verdict.id}:{verdict.version}:{asked}"
            await desk.bus.publish(message, key=key, wave=verdict.wave_id)
        asked += 1
        try:
            await asyncio.wait_for(bell.wait(), POLL)
        except TimeoutError:
            log.debug("run_awaited", run=verdict.id)
        bell.clear()
        verdict = await desk.store.verdicts.need(verdict.id)
    return verdict


async def carry_out(command: RunTests, desk: Desk) -> None:
    """The runner: make the run, keep its report, say so. A finished run is only said again.

    One that somebody is at is left to them, but for a message that came again: then they are lost.
    """
    if command.again and await at_hand_elsewhere(command.run_id, desk):
        return
    verdict = await desk.store.verdicts.need(command.run_id)
    if as_asked_for(verdict) in desk.at_hand:
        return
    if verdict.state is RunState.REQUESTED:
        verdict = await while_wanted(verdict, lambda known: _in_slot(known, desk), desk)
    if verdict.state is RunState.FINISHED:
        await _say(verdict, desk)
    if verdict.id in desk.bells:
        desk.bells[verdict.id].set()


async def _in_slot(verdict: Verdict, desk: Desk) -> Verdict:
    async with in_slot(verdict, desk):
        return await _carry_out(verdict, desk)


async def _carry_out(verdict: Verdict, desk: Desk) -> Verdict:
    target = await desk.store.targets.need(verdict.target_id)
    await bring_tree(verdict, target, desk)
    place = await workplace(desk, target, verdict.head)
    started = desk.clock()
    with metered() as used:
        async with company(desk) as beside:
            result = await _result(verdict, place, desk)
    fault("run.finished")
    finished = desk.clock()
    measured = {
        "sandbox": desk.sandbox.tier,
        "runner": desk.runner,
        "seconds": (finished - started).total_seconds(),
        "cpu_seconds": used.seconds,
        "beside": beside(),
        "finished_at": finished,
    }
    done = await desk.store.verdicts.transition(verdict, "finish", **measured | result)
    fault("verdict.stored")
    return done or await desk.store.verdicts.need(verdict.id)


async def _result(verdict: Verdict, place: Workplace, desk: Desk) -> dict[str, Any]:
    """What the carrier makes of it. What it fails of time after time ends the run too, or who waits would wait for ever."""
    reason = ""
    for _ in range(ATTEMPTS):
        try:
            return await CARRIERS[verdict.kind](verdict, place, desk)
        except Transient:
            raise
        except Exception as error:
            log.exception("run_failed", run=verdict.id)
            reason = f"a defect of ours: {error!r}"
    return {"outcome": "infrastructure", "detail": reason[:4000]}


async def _carry_out_tests(verdict: Verdict, place: Workplace, desk: Desk) -> dict[str, Any]:
    for attempt in range(ATTEMPTS):
        # What recording may have broken is not recorded when it is tried again.
        record = verdict.record and not attempt
        outcome = await _run(verdict, place, desk, verdict.tests, record=record)
        if isinstance(outcome, Reported):
            break
        log.warning("run_broken", run=verdict.id, reason=outcome.reason)
    if verdict.record and isinstance(outcome, Reported):
        outcome = await _without_recording(outcome, verdict, place, desk)
    return await _keep(outcome, desk)


async def _run(
    verdict: Verdict, place: Workplace, desk: Desk, tests: Sequence[str], *, record: bool
) -> RunOutcome:
    return await desk.suite.run(
        verdict.tree,
        place.profile,
        place.environment,
        tuple(tests),
        target_id=place.target.id,
        base_oid=place.tree,
        repeat=verdict.repeat,
        record=record,
    )


async def _without_recording(
    recorded: Reported, verdict: Verdict, place: Workplace, desk: Desk
) -> Reported:
    """What failed is run once more as ever, and that counts: a test may not stand being recorded."""
    failing = sorted(recorded.report.failing)
    if recorded.impact is None or not failing:
        return recorded
    again = await _run(verdict, place, desk, failing, record=False)
    if not isinstance(again, Reported):
        log.warning("run_broken", run=verdict.id, reason=again.reason)
        return recorded
    return replace(recorded, report=corrected(recorded.report, again.report))


# How a run of each kind is carried out: the verdict's fields that follow from it.
Carrier = Callable[[Verdict, Workplace, Desk], Awaitable[dict[str, Any]]]
CARRIERS: dict[RunKind, Carrier] = {RunKind.TESTS: _carry_out_tests}


async def _keep(outcome: RunOutcome, desk: Desk) -> dict[str, Any]:
    """Store the report under its sha256; the verdict's fields that follow from it."""
    if isinstance(outcome, Infrastructure):
        detail = f"{outcome.reason}\n{outcome.output_tail}".strip()
        return {"outcome": "infrastructure", "detail": detail[-4000:]}
    digest = await keep_text(outcome.report.to_json(), "tests", desk)
    counts = outcome.report.counts
    impact = await keep_text(outcome.impact, "impact", desk) if outcome.impact else None
    return {
        "outcome": "reported",
        "report": digest,
        "impact": impact,
        "failing": tuple(sorted(outcome.report.failing)),
        "counts": Counts(
            tests=counts.tests, passed=counts.passed, failed=counts.failed, skipped=counts.skipped
        ),
    }


async def keep_text(text: str, kind: Kind, desk: Desk) -> str:
    """Store it under its sha256, and return that."""
    data = text.encode()
    digest = hashlib.sha256(data).hexdigest()
    stored = Report(id=digest, kind=kind, data=zlib.compress(data, 1), created_at=desk.clock())
    await desk.store.reports.insert(stored)
    return digest


async def read_text(digest: str, desk: Desk) -> str:
    """What was stored under that sha256."""
    stored = await desk.store.reports.need(digest)
    return zlib.decompress(stored.data).decode()


async def read_report(verdict: Verdict, desk: Desk) -> TestReport:
    """The report behind a verdict that has one."""
    if verdict.report is None:
        raise Transient(f"Run {verdict.id} has no report.", hint=verdict.detail)
    return TestReport.from_json(await read_text(verdict.report, desk))


async def _say(verdict: Verdict, desk: Desk) -> None:
    counts = verdict.counts or Counts(tests=0, passed=0, failed=0, skipped=0)
    event = RunFinished(
        run_id=verdict.id,
        wave_id=verdict.wave_id,
        target_id=verdict.target_id,
        purpose=verdict.purpose,
        changes=len(verdict.changes),
        tests=counts.tests,
        failing=counts.failed,
        seconds=verdict.seconds,
        why=verdict.why,
        worse=None if verdict.worse is None else len(verdict.worse),
        note=verdict.detail[:300],
    )
    await desk.bus.publish(event, key=verdict.id, wave=verdict.wave_id)
