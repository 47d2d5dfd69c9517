"""Advancing a wave as far as its state allows.

Every event that may concern a wave ends here, and so does the reconciler: what comes next is read
from the state, never from the message. Doing it twice, late or out of order changes nothing.
"""

import asyncio
from datetime import datetime, timedelta

import structlog

from services.coordinator.domain import waves
from services.coordinator.domain.planning import plan
from services.coordinator.usecases import say
from services.coordinator.usecases.agents import watch_agents
from services.coordinator.usecases.desk import OPEN, Desk
from services.coordinator.usecases.end import expire, fail_wave
from shared.contracts.commands import AcquireLease, LeaseGrant
from shared.contracts.documents import Enhancement, Failure, Finding, Opportunity, Task, Wave
from shared.contracts.events import EnvironmentBuilt, MeasurementFailed
from shared.contracts.states import EnhancementState, TaskState, WaveState
from shared.kernel.errors import Rejected
from shared.targets.head import find_head
from shared.targets.profile import profile
from shared.targets.repository import checked_out_at

log = structlog.get_logger(__name__)

# What has not moved for this long is said again.
STALE = timedelta(seconds=10)


async def reconcile(desk: Desk) -> None:
    """Look after the agents, then advance every open wave; say again what seems to be lost."""
    await watch_agents(desk)
    await say.ends_again(desk)
    for wave in await desk.store.waves.find(state=OPEN):
        await advance(wave.id, desk, nudge=True)


async def advance(wave_id: str, desk: Desk, *, nudge: bool = False) -> None:
    """Do for a wave what its state asks for; with `nudge` also repeat what has not moved."""
    async with desk.locks[wave_id]:
        wave = await desk.store.waves.get(wave_id)
        if wave is not None and wave.state is WaveState.PLANNED:
            wave = await _plan(wave, desk, nudge=nudge)
        if wave is not None and wave.state is WaveState.RUNNING:
            wave = await _run(wave, desk, nudge=nudge)
        if wave is not None and wave.state is WaveState.FINISHING:
            await _finish(wave, desk, nudge=nudge)


async def note_environment(event: EnvironmentBuilt, desk: Desk) -> None:
    """What the report says about where the tests ran."""
    await desk.store.waves.patch(
        event.wave_id, environment_seconds=event.seconds, sandbox=event.sandbox
    )


async def note_failure(event: MeasurementFailed, desk: Desk) -> None:
    """What could not be measured ends the wave, unless it turns out that there is nothing to do."""
    wave = await desk.store.waves.need(event.wave_id)
    failure = Failure(code=event.code, message=event.reason, hint=event.hint)
    if event.what == "baseline" and wave.state is WaveState.PLANNED:
        await desk.store.waves.patch(wave.id, failure=failure)
        await advance(wave.id, desk)
    else:
        await fail_wave(wave, failure, desk)


async def _plan(wave: Wave, desk: Desk, *, nudge: bool) -> Wave | None:
    """Plan as soon as the findings are there."""
    findings = await _findings(wave, wave.commit, desk)
    if findings is None:
        if attempt := _stale(wave.changed_at, desk, nudge=nudge):
            await say.announce(wave, desk, attempt=attempt)
        return wave
    foreclosed = await _foreclosed(wave, desk)
    chosen = plan(findings, foreclosed=foreclosed, size=wave.size)
    notes = (*wave.notes, *chosen.notes)
    if not chosen.chosen:
        # Nobody needs a baseline for nothing; that there is none is still worth knowing.
        known = (wave.failure.message,) if wave.failure else ()
        await _complete(wave, desk, notes=(*notes, *known))
        return None
    failure = wave.failure or await _nowhere_to_land(wave, desk)
    if failure is not None:
        await fail_wave(wave, failure, desk)
        return None
    try:
        paths = await _paths(wave, desk)
    except Rejected as error:
        failure = Failure(code=error.code, message=error.message, hint=error.hint)
        await fail_wave(wave, failure, desk)
        return None
    tasks = _tasks(wave, chosen.chosen, tuple(foreclosed), paths, desk)
    await desk.store.tasks.insert_missing(tasks)
    running = await desk.store.waves.transition(
        wave, "run", tasks=len(tasks), notes=notes, changed_at=desk.clock()
    )
    if running is not None:
        await say.started(running, desk)
    return running


async def _nowhere_to_land(wave: Wave, desk: Desk) -> Failure | None:
    """A branch that somebody has checked out is never moved; better said before the work."""
    target = await desk.store.targets.need(wave.target_id)
    where = await asyncio.to_thread(checked_out_at, target.location, target.landing_branch)
    if where is None or wave.dry_run:
        return None
    return Failure(
        code="landing_checked_out",
        message=f"{target.landing_branch} is checked out, and a checked-out branch is never moved.",
        hint=f"Check out another one first: git -C {where} switch {target.base_branch}.",
    )


async def _findings(wave: Wave, commit: str, desk: Desk) -> list[Finding] | None:
    """The findings on `commit` that this wave may take up; None where they were not measured."""
    found = await desk.store.findings.first(target_id=wave.target_id, commit=commit, sort="-_id")
    if found is None:
        return None
    wanted = set(wave.components)
    return [each for each in found.findings if not wanted or each.component in wanted]


async def _foreclosed(wave: Wave, desk: Desk) -> dict[str, str]:
    """Fingerprints that are not to be tried again, and why."""
    states = [EnhancementState.REJECTED, EnhancementState.ROLLED_BACK]
    changes = await desk.store.enhancements.find(target_id=wave.target_id, state=states)
    return {
        finding.fingerprint: why
        for change in changes
        if (why := waves.foreclosure(change))
        for finding in change.findings
    }


async def _paths(wave: Wave, desk: Desk) -> dict[str, tuple[str, ...]]:
    """The path patterns of each component at the wave's commit."""
    target = await desk.store.targets.need(wave.target_id)
    mirror = desk.mirror(target)
    described = await asyncio.to_thread(lambda: profile(mirror.tree(wave.commit)))
    return {each.name: each.paths for each in described.components}


def _tasks(
    wave: Wave,
    chosen: tuple[Opportunity, ...],
    exclude: tuple[str, ...],
    paths: dict[str, tuple[str, ...]],
    desk: Desk,
) -> list[Task]:
    now = desk.clock()
    return [
        Task(
            id=desk.new_id(),
            wave_id=wave.id,
            target_id=wave.target_id,
            agent_type=each.agent_type,
            component=each.component,
            paths=paths[each.component],
            exclude=exclude,
            commit=wave.commit,
            opportunity=each,
            priority=each.priority,
            created_at=now,
            changed_at=now,
        )
        for each in chosen
    ]


async def _run(wave: Wave, desk: Desk, *, nudge: bool) -> Wave | None:
    """Assign what waits, finish what was settled, and see whether everything is over."""
    for task in await desk.store.tasks.find(wave_id=wave.id):
        if task.state is TaskState.WAITING:
            await _assign(task, desk)
        elif task.state is TaskState.ASSIGNED:
            if attempt := _stale(task.changed_at, desk, nudge=nudge):
                await say.assigned(task, desk, attempt=attempt)
        elif task.state is TaskState.PROPOSED:
            await _settle(task, wave, desk)
    tasks = await desk.store.tasks.find(wave_id=wave.id)
    for task in tasks:
        if task.state is TaskState.WAITING:
            await _assign(task, desk)
    if not waves.over(tasks):
        return wave
    return await _close(wave, desk)


async def _assign(task: Task, desk: Desk) -> None:
    """Ask for the lease; a task whose component is taken goes on waiting."""
    request = AcquireLease(
        target_id=task.target_id,
        wave_id=task.wave_id,
        task_id=task.id,
        component=task.component,
        paths=task.paths,
    )
    grant = await desk.bus.request(request, LeaseGrant)
    if not grant.granted:
        log.info("task_waits", task=task.id, reason=grant.reason)
        return
    assigned = await desk.store.tasks.transition(
        task, "assign", epoch=grant.epoch, changed_at=desk.clock()
    )
    if assigned is not None:
        await say.assigned(assigned, desk)


async def _settle(task: Task, wave: Wave, desk: Desk) -> None:
    """Finish a task whose changes are all decided, and plan what is left of it."""
    changes = await desk.store.enhancements.find(task_id=task.id)
    if wave.dry_run:
        changes = [await _not_tried(each, desk) for each in changes]
    if not waves.settled(changes):
        return
    if not wave.dry_run and waves.needs_follow_up(task, changes):
        await _follow_up(task, wave, desk)
    now = desk.clock()
    done = await desk.store.tasks.transition(task, "finish", changed_at=now, finished_at=now)
    await say.task_finished(done or await desk.store.tasks.need(task.id), desk)


async def _not_tried(change: Enhancement, desk: Desk) -> Enhancement:
    if change.state is not EnhancementState.CLEARED:
        return change
    return await expire(change, "dry run: nothing was tried", desk)


async def _follow_up(task: Task, wave: Wave, desk: Desk) -> None:
    """The same component again, on the present head, without what was refused."""
    target = await desk.store.targets.need(task.target_id)
    mirror = desk.mirror(target)
    await asyncio.to_thread(mirror.fetch, target.location)
    head = await asyncio.to_thread(find_head, mirror, target)
    now = desk.clock()
    again = task.model_copy(
        update={
            "id": desk.new_id(),
            "version": 0,
            "state": TaskState.WAITING,
            "epoch": 0,
            "agent_id": None,
            "commit": head.commit,
            "exclude": tuple(await _foreclosed(wave, desk)),
            "follows": task.id,
            "round": task.round + 1,
            "enhancements": 0,
            "note": "",
            "created_at": now,
            "changed_at": now,
        }
    )
    await desk.store.tasks.insert_missing([again])


async def _close(wave: Wave, desk: Desk) -> Wave | None:
    """Everything is over: note the final head; without a landing there is nothing new to measure."""
    landed = await desk.store.enhancements.find(wave_id=wave.id, state=EnhancementState.APPLIED)
    target = await desk.store.targets.need(wave.target_id)
    mirror = desk.mirror(target)
    await asyncio.to_thread(mirror.fetch, target.location)
    head = await asyncio.to_thread(find_head, mirror, target)
    finishing = await desk.store.waves.transition(
        wave, "finish", final_commit=head.commit, changed_at=desk.clock()
    )
    if finishing is None:
        return None
    if not landed:
        await _complete(finishing, desk, notes=(*finishing.notes, *await _why(wave, desk)))
        return None
    await say.measure_after(finishing, desk)
    return finishing


async def _why(wave: Wave, desk: Desk) -> tuple[str, ...]:
    """Why a wave with tasks landed nothing."""
    count = desk.store.enhancements.count
    if wave.dry_run:
        return ("This was a dry run: nothing was tried, nothing landed.",)
    if not await count(wave_id=wave.id):
        return ("The agents found nothing that they could change.",)
    refused = await count(wave_id=wave.id, state=EnhancementState.REJECTED)
    changes = "1 change was" if refused == 1 else f"{refused} changes were"
    return (f"Nothing landed: {changes} refused by the gate.",)


async def _finish(wave: Wave, desk: Desk, *, nudge: bool) -> None:
    """Complete as soon as the health after it is there."""
    if await _findings(wave, wave.final_commit or wave.commit, desk) is not None:
        await _complete(wave, desk, notes=wave.notes)
    elif attempt := _stale(wave.changed_at, desk, nudge=nudge):
        await say.measure_after(wave, desk, attempt=attempt)


async def _complete(wave: Wave, desk: Desk, *, notes: tuple[str, ...]) -> None:
    now = desk.clock()
    done = await desk.store.waves.transition(
        wave,
        "complete",
        notes=notes,
        final_commit=wave.final_commit or wave.commit,
        failure=None,
        changed_at=now,
        finished_at=now,
    )
    if done is not None:
        await say.wave_finished(done, desk)


def _stale(since: datetime, desk: Desk, *, nudge: bool) -> int:
    """How often it should have been said again by now; 0 while it is not late."""
    age = desk.clock() - since
    return int(age / STALE) if nudge else 0
