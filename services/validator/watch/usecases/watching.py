"""Watching landed changes: checks in a window after landing, and rollback of a proven culprit.

All state is on the watch in MongoDB and stored before it is acted on: the results of a check before
anything is rolled back. An interrupted check resumes with its own runs, in whichever validator
leads the checks of the target, and rolling back twice changes nothing.
"""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.prepared import prepare_head
from services.validator.queue import pool
from services.validator.watch.domain.watching import (
    CheckSchedule,
    Drifted,
    Healthy,
    NeedsObservation,
    NotRepeated,
    Observation,
    ObservationRequest,
    Outcome,
    Regressed,
    Unmeasured,
    evaluate,
    split_into_chains,
)
from services.validator.watch.domain.wording import (
    nothing_left_note,
    sentence,
    window_missed_note,
)
from services.validator.watch.usecases.outcomes import conclude, end_missed, save, schedule_of
from services.validator.watch.usecases.probes import PROBES, CheckContext, Probe
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.targets import Target
from shared.contracts.documents.watches import BlamedChange, ProbeResult, Watch, WatchedChange
from shared.contracts.states import EnhancementState, WatchState, WaveState
from shared.kernel.errors import Rejected, Transient
from shared.targets.config import FILE, WatchSection, parse_config

log = structlog.get_logger(__name__)

MAX_LISTED = 50
# An interrupted check resumes with what it has measured, unless that is older than this.
MAX_CHECK_AGE = timedelta(hours=1)
# A check waits no longer than this for a wave to end, so that an infinite wave is watched too.
MAX_WAVE_DELAY = timedelta(minutes=10)
# How often a running measurement checks if the gate needs the runners.
GATE_POLL_SECONDS = 1.0
OPEN_WAVE_STATES = [WaveState.PLANNED, WaveState.RUNNING, WaveState.FINISHING]


async def start_watch(
    target: Target, changes: Sequence[Enhancement], deps: ValidatorDeps, *, run: str | None = None
) -> None:
    """Start watching changes that are on the branch, in this order; repeating it changes nothing.

    Nothing is watched if no checks are wanted. It comes before the changes are marked as applied,
    so that a crash in between loses neither.
    """
    section = await asyncio.to_thread(_section, target, deps)
    landed = {each.landing.commit: each for each in changes if each.landing.commit}
    if not landed or not section.checks:
        return
    repository = deps.repository(target)
    parents = {each: await asyncio.to_thread(repository.parent, each) for each in landed}
    for chain in split_into_chains(list(landed), parents):
        watched = [(landed[each].id, each) for each in chain]
        now = deps.clock()
        schedule = CheckSchedule(now, timedelta(minutes=section.minutes), section.checks)
        watch = Watch(
            id=f"{target.id}:{chain[-1]}",
            target_id=target.id,
            wave_id=landed[chain[0]].wave_id,
            before=parents[chain[0]],
            after=chain[-1],
            changes=tuple(WatchedChange(enhancement_id=i, commit=c) for i, c in watched),
            run=run,
            minutes=section.minutes,
            checks=section.checks,
            due_at=schedule.due(1),
            created_at=now,
            changed_at=now,
        )
        await deps.store.watches.insert(watch)


def _section(target: Target, deps: ValidatorDeps) -> WatchSection:
    """Return the watch settings of the base branch; the defaults if they are invalid."""
    content = deps.repository(target).base_file(target, FILE)
    try:
        return parse_config(content or b"").watch
    except Rejected as error:
        log.warning("watch_configuration_invalid", target=target.id, reason=str(error))
        return WatchSection()


async def start_due_checks(deps: ValidatorDeps) -> None:
    """Start the most urgent due check of each target, one at a time; the gate comes first."""
    waiting = await deps.store.watches.find(state=WatchState.WATCHING, sort="due_at")
    now, seen = deps.clock(), set[str]()
    busy = set(await pool.targets_with_changes(deps))
    for watch in waiting:
        target_id = watch.target_id
        if target_id in seen or not _is_due(watch, now):
            continue
        seen.add(target_id)
        running = deps.process.running_checks
        if (
            not running.is_running(target_id)
            and target_id not in busy
            and not await _waits_for_wave(watch, deps)
        ):
            # The lease of the target itself is taken by a rollback that the check may request.
            lease, work = f"{target_id}-check", partial(_check_if_due, watch, deps)
            running.start(target_id, partial(deps.leadership.lead, lease, work))


def _is_due(watch: Watch, now: datetime) -> bool:
    """Return true if a check is due, or was interrupted."""
    return watch.due_at <= now or watch.check_started_at is not None


async def _check_if_due(watch: Watch, deps: ValidatorDeps) -> None:
    """Make the check unless another validator has just made it."""
    if _is_due(await deps.store.watches.require(watch.id), deps.clock()):
        await check(watch, deps)


async def _waits_for_wave(watch: Watch, deps: ValidatorDeps) -> bool:
    """Return True while a wave runs on the target, unless the check is overdue for too long."""
    if deps.process.overdue_checks.delay(watch.id, deps.clock()) > MAX_WAVE_DELAY:
        return False
    return await deps.store.waves.count(target_id=watch.target_id, state=OPEN_WAVE_STATES) > 0


async def check(watch: Watch, deps: ValidatorDeps) -> None:
    """Make the check that is due on a watch, or resume the interrupted one; or end it as missed."""
    watch = await deps.store.watches.require(watch.id)
    if watch.state is not WatchState.WATCHING:
        return
    if not watch.results:
        if schedule_of(watch).over(deps.clock()):
            late = watch.model_copy(update={"current_check": watch.checks})
            await end_missed(
                late,
                window_missed_note(watch.checks_done - watch.checks_missed, watch.checks),
                deps,
            )
            return
        watch = await _with_results(await _with_current_check(watch, deps), deps)
    if watch.results:
        await conclude(watch, deps)
    else:
        await end_missed(watch, nothing_left_note(), deps)


async def _with_current_check(watch: Watch, deps: ValidatorDeps) -> Watch:
    """Return the watch with a current check: the interrupted one, or the last one that is due."""
    now = deps.clock()
    if watch.check_started_at is not None and now - watch.check_started_at <= MAX_CHECK_AGE:
        return watch
    number = max(schedule_of(watch).number(now), watch.checks_done + 1)
    return await save(watch, deps, current_check=number, check_started_at=now)


async def _with_results(watch: Watch, deps: ValidatorDeps) -> Watch:
    """Measure with each probe, and return the watch as stored; as it is if no change is left."""
    target = await deps.store.targets.require(watch.target_id)
    head = await asyncio.to_thread(deps.repository(target).refresh, target)
    changes = await _remaining_changes(watch, target, deps)
    if not changes:
        return watch
    try:
        prepared = await prepare_head(deps, target, head.commit)
    except Rejected as error:
        step = Unmeasured(error.message.rstrip("."))
        found = [_result(each.name, step, (), (), watch) for each in PROBES]
    else:
        context = CheckContext(watch, prepared, changes)
        found = [await _probe(each, context, deps) for each in PROBES]
    return await save(watch, deps, results=tuple(found), head=head.commit)


async def _remaining_changes(
    watch: Watch, target: Target, deps: ValidatorDeps
) -> list[Enhancement]:
    """Return the watched changes that are still on the branch as they landed."""
    changes = await deps.store.enhancements.find_by_ids([e.enhancement_id for e in watch.changes])
    applied = [each for each in changes if each.state is EnhancementState.APPLIED]
    repository = deps.repository(target)
    there = await asyncio.to_thread(
        repository.landed_commits, target, [each.id for each in applied]
    )
    commits = {each.enhancement_id: each.commit for each in watch.changes}
    return [each for each in applied if there.get(each.id) == commits[each.id]]


async def _probe(probe: Probe, context: CheckContext, deps: ValidatorDeps) -> ProbeResult:
    """Request observations until the result is clear; runs made before a restart count again."""
    seen: dict[ObservationRequest, Observation] = {}
    while isinstance(step := evaluate(len(context.watch.changes), seen), NeedsObservation):
        seen[step.request] = await _observe(probe, context, step.request, deps)
    symptoms = () if isinstance(step, Healthy | Unmeasured) else step.symptoms
    where = await probe.components(context, symptoms, deps) if symptoms else ()
    return _result(probe.name, step, where, context.changes, context.watch)


async def _observe(
    probe: Probe, context: CheckContext, request: ObservationRequest, deps: ValidatorDeps
) -> Observation:
    """Make one measurement. Raises `Transient`, and makes none, if the gate has or gets work."""
    await _yield_to_gate(context.watch, deps)
    observing = asyncio.create_task(probe.observe(context, request, deps))
    try:
        while not (await asyncio.wait({observing}, timeout=GATE_POLL_SECONDS))[0]:
            await _yield_to_gate(context.watch, deps)
    except BaseException:
        # The run ends before the gate requests its own.
        observing.cancel()
        await asyncio.wait({observing})
        raise
    return observing.result()


async def _yield_to_gate(watch: Watch, deps: ValidatorDeps) -> None:
    """Raise `Transient` if the gate has changes of the watch's target to judge."""
    if watch.target_id in await pool.targets_with_changes(deps):
        raise Transient("The gate has work on this target.", delay=0)


def _result(
    probe: str,
    step: Outcome,
    where: Sequence[str],
    left: Sequence[Enhancement],
    watch: Watch,
) -> ProbeResult:
    """Return the result to store. A change that was rolled back already is not blamed again."""
    culprits = step.culprits if isinstance(step, Regressed) else ()
    found = {watch.changes[each.place - 1].enhancement_id: each.symptoms for each in culprits}
    blamed = {each.id: each.proposal.title for each in left if each.id in found}
    outcome: Any = OUTCOME_NAMES[type(step)] if not blamed else "blamed"
    return ProbeResult(
        probe=probe,
        outcome=outcome,
        symptoms=() if isinstance(step, Healthy | Unmeasured) else step.symptoms[:MAX_LISTED],
        components=tuple(where),
        blamed=tuple(
            BlamedChange(enhancement_id=e, symptoms=found[e][:MAX_LISTED]) for e in blamed
        ),
        note=sentence(probe, step, tuple(blamed.values()), watch.before),
    )


OUTCOME_NAMES: dict[type[Outcome], str] = {
    Healthy: "healthy",
    Drifted: "drifted",
    NotRepeated: "unrepeated",
    Unmeasured: "unmeasured",
    Regressed: "unexplained",
}
