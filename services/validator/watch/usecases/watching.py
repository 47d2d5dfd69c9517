"""Looking after what landed: checks in a window after it, and the culprit of a regression is taken off.

Everything is on the watch in MongoDB, written before it is acted on: what a check found, before
anything is taken off for it. A check that was cut off goes on with its own runs; one carried out by
two validators finds the same runs, and a rollback done twice is done once.
"""

import asyncio
from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

import structlog

from services.validator.deps import ValidatorDeps
from services.validator.prepared import prepare_head
from services.validator.queue import pool
from services.validator.watch.domain.watching import (
    Drifted,
    Healthy,
    Look,
    NeedLook,
    Outcome,
    Regressed,
    Schedule,
    Sight,
    Unmeasured,
    Unrepeated,
    chains,
    examine,
)
from services.validator.watch.domain.wording import (
    nothing_left,
    sentence,
    too_late,
)
from services.validator.watch.usecases.outcomes import conclude, miss, save, schedule_of
from services.validator.watch.usecases.probes import PROBES, Probe, Scene
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.targets import Target
from shared.contracts.documents.watches import BlamedChange, ProbeResult, Watch, WatchedChange
from shared.contracts.states import EnhancementState, WatchState, WaveState
from shared.kernel.errors import Rejected, Transient
from shared.targets.config import FILE, WatchSection, parse_config

log = structlog.get_logger(__name__)

LISTED = 50
# A check that was cut off goes on with what it has measured, unless that is as old as this.
FRESH = timedelta(hours=1)
# A wave that goes on for longer than this is not waited for: an infinite one would never be watched.
PATIENCE = timedelta(minutes=10)
# In seconds: after a defect, and between two glances at the gate while a run is at work.
PAUSE, GLANCE = 30.0, 1.0
OPEN = [WaveState.PLANNED, WaveState.RUNNING, WaveState.FINISHING]


async def begin_watch(
    target: Target, changes: Sequence[Enhancement], deps: ValidatorDeps, *, run: str | None = None
) -> None:
    """Watch over changes that are on the branch, in this order; once, however often it is asked.

    Before they are said to have landed, so that a crash in between ends with both.
    """
    section = await asyncio.to_thread(_section, target, deps)
    landed = {each.landing.commit: each for each in changes if each.landing.commit}
    if not landed or not section.checks:
        return
    repository = deps.repository(target)
    parents = {each: await asyncio.to_thread(repository.parent, each) for each in landed}
    for chain in chains(list(landed), parents):
        watched = [(landed[each].id, each) for each in chain]
        now = deps.clock()
        schedule = Schedule(now, timedelta(minutes=section.minutes), section.checks)
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
    """What the base branch says; the usual where it says nothing that can be read."""
    content = deps.repository(target).base_file(target, FILE)
    try:
        return parse_config(content or b"").watch
    except Rejected as error:
        log.warning("watch_as_usual", target=target.id, reason=str(error))
        return WatchSection()


async def look_after(deps: ValidatorDeps) -> None:
    """Have the most urgent check of every target carried out, one at a time; the gate goes first."""
    waiting = await deps.store.watches.find(state=WatchState.WATCHING, sort="due_at")
    now, seen = deps.clock(), set[str]()
    busy = set(await pool.targets_with_changes(deps))
    for watch in waiting:
        target_id = watch.target_id
        if target_id in seen or (watch.due_at > now and not watch.check_started_at):
            continue
        seen.add(target_id)
        running = deps.process.running_checks
        if (
            not running.is_running(target_id)
            and target_id not in busy
            and not await _wave_first(watch, deps)
        ):
            running.start(target_id, partial(_keep_checking, watch, deps))


async def _wave_first(watch: Watch, deps: ValidatorDeps) -> bool:
    """Whether a wave is at work on the target: it is to be quick, unless it takes too long for us."""
    if deps.process.overdue_checks.delay(watch.id, deps.clock()) > PATIENCE:
        return False
    return await deps.store.waves.count(target_id=watch.target_id, state=OPEN) > 0


async def _keep_checking(watch: Watch, deps: ValidatorDeps) -> None:
    """What goes wrong is said, and tried again in a later round."""
    try:
        await check(watch, deps)
    except Transient as error:
        log.info("check_postponed", watch=watch.id, reason=str(error))
        await asyncio.sleep(error.delay)
    except Exception:
        log.exception("check_failed", watch=watch.id)
        await asyncio.sleep(PAUSE)


async def check(watch: Watch, deps: ValidatorDeps) -> None:
    """Carry out what is due on a watch, or go on with it."""
    watch = await deps.store.watches.require(watch.id)
    if watch.state is not WatchState.WATCHING:
        return
    if not watch.results:
        if schedule_of(watch).over(deps.clock()):
            late = watch.model_copy(update={"current_check": watch.checks})
            await miss(late, too_late(watch.checks_done - watch.checks_missed, watch.checks), deps)
            return
        watch = await _measured(await _begun(watch, deps), deps)
    if watch.results:
        await conclude(watch, deps)
    else:
        await miss(watch, nothing_left(), deps)


async def _begun(watch: Watch, deps: ValidatorDeps) -> Watch:
    """With a check at work: the one that was cut off, or anew, also for those missed meanwhile."""
    now = deps.clock()
    if watch.check_started_at is not None and now - watch.check_started_at <= FRESH:
        return watch
    number = max(schedule_of(watch).number(now), watch.checks_done + 1)
    return await save(watch, deps, current_check=number, check_started_at=now)


async def _measured(watch: Watch, deps: ValidatorDeps) -> Watch:
    """With what every probe found written down; nothing, where none of its changes is left."""
    target = await deps.store.targets.require(watch.target_id)
    head = await asyncio.to_thread(deps.repository(target).refresh, target)
    changes = await _left(watch, target, deps)
    if not changes:
        return watch
    try:
        place = await prepare_head(deps, target, head.commit)
    except Rejected as error:
        step = Unmeasured(error.message.rstrip("."))
        found = [_result(each.name, step, (), (), watch) for each in PROBES]
    else:
        scene = Scene(watch, place, changes)
        found = [await _probe(each, scene, deps) for each in PROBES]
    return await save(watch, deps, results=tuple(found), head=head.commit)


async def _left(watch: Watch, target: Target, deps: ValidatorDeps) -> list[Enhancement]:
    """Those of its changes that nobody has taken off, and that are on the branch as they landed."""
    changes = await deps.store.enhancements.find_by_ids([e.enhancement_id for e in watch.changes])
    applied = [each for each in changes if each.state is EnhancementState.APPLIED]
    repository = deps.repository(target)
    there = await asyncio.to_thread(
        repository.landed_commits, target, [each.id for each in applied]
    )
    commits = {each.enhancement_id: each.commit for each in watch.changes}
    return [each for each in applied if there.get(each.id) == commits[each.id]]


async def _probe(probe: Probe, scene: Scene, deps: ValidatorDeps) -> ProbeResult:
    """Look until it is clear what came of it; what a run said before a restart it says again."""
    seen: dict[Look, Sight] = {}
    while isinstance(step := examine(len(scene.watch.changes), seen), NeedLook):
        seen[step.look] = await _look(probe, scene, step.look, deps)
    symptoms = () if isinstance(step, Healthy | Unmeasured) else step.symptoms
    where = await probe.where(scene, symptoms, deps) if symptoms else ()
    return _result(probe.name, step, where, scene.changes, scene.watch)


async def _look(probe: Probe, scene: Scene, look: Look, deps: ValidatorDeps) -> Sight:
    """One measurement. Dropped where the gate gets something to do meanwhile; then it is made anew."""
    await _gate_first(scene.watch, deps)
    looking = asyncio.create_task(probe.look(scene, look, deps))
    try:
        while not (await asyncio.wait({looking}, timeout=GLANCE))[0]:
            await _gate_first(scene.watch, deps)
    except BaseException:
        # A run that nobody waits for any more ends; before the gate asks for its own.
        looking.cancel()
        await asyncio.wait({looking})
        raise
    return looking.result()


async def _gate_first(watch: Watch, deps: ValidatorDeps) -> None:
    if watch.target_id in await pool.targets_with_changes(deps):
        raise Transient("The gate has something to do on this target.", delay=0)


def _result(
    probe: str,
    step: Outcome,
    where: Sequence[str],
    left: Sequence[Enhancement],
    watch: Watch,
) -> ProbeResult:
    """What is kept of it. Who was taken off already is not taken off again."""
    culprits = step.culprits if isinstance(step, Regressed) else ()
    found = {watch.changes[each.place - 1].enhancement_id: each.symptoms for each in culprits}
    blamed = {each.id: each.proposal.title for each in left if each.id in found}
    outcome: Any = WORDS[type(step)] if not blamed else "blamed"
    return ProbeResult(
        probe=probe,
        outcome=outcome,
        symptoms=() if isinstance(step, Healthy | Unmeasured) else step.symptoms[:LISTED],
        components=tuple(where),
        blamed=tuple(BlamedChange(enhancement_id=e, symptoms=found[e][:LISTED]) for e in blamed),
        note=sentence(probe, step, tuple(blamed.values()), watch.before),
    )


WORDS: dict[type[Outcome], str] = {
    Healthy: "healthy",
    Drifted: "drifted",
    Unrepeated: "unrepeated",
    Unmeasured: "unmeasured",
    Regressed: "unexplained",
}
