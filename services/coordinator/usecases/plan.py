"""Planning a wave: from what was measured on its commit to its tasks."""

import asyncio
from collections.abc import Sequence

from services.coordinator.deps import CoordinatorDeps
from services.coordinator.domain import waves
from services.coordinator.domain.planning import plan
from services.coordinator.usecases import say
from services.coordinator.usecases.end import complete, fail_wave
from shared.contracts.documents.base import Failure
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import Finding
from shared.contracts.documents.waves import Opportunity, Task, Wave
from shared.contracts.states import EnhancementState
from shared.kernel.errors import Rejected
from shared.targets.profile import profile_target
from shared.targets.repository import checked_out_at, has_local_changes


async def plan_wave(wave: Wave, deps: CoordinatorDeps, *, nudge: bool) -> Wave | None:
    """Plan as soon as the findings are there."""
    findings = await findings_on(wave, wave.commit, deps)
    if findings is None:
        if attempt := say.lateness(wave.changed_at, deps, nudge=nudge):
            await say.announce(wave, deps, attempt=attempt)
        return wave
    foreclosed = await foreclosed_in(wave, deps)
    chosen = plan(findings, foreclosed=foreclosed, size=wave.size)
    notes = (*wave.notes, *chosen.notes)
    if not chosen.chosen:
        # Nobody needs a baseline for nothing; that there is none is still worth knowing.
        known = (wave.failure.message,) if wave.failure else ()
        await complete(wave, deps, notes=(*notes, *known))
        return None
    failure = wave.failure or await _nowhere_to_land(wave, deps)
    if failure is not None:
        await fail_wave(wave, failure, deps)
        return None
    try:
        paths = await _paths(wave, deps)
    except Rejected as error:
        failure = Failure(code=error.code, message=error.message, hint=error.hint)
        await fail_wave(wave, failure, deps)
        return None
    tasks = _tasks(wave, chosen.chosen, tuple(foreclosed), paths, deps)
    await deps.store.tasks.insert_missing(tasks)
    running = await deps.store.waves.transition(
        wave, "run", tasks=len(tasks), notes=notes, changed_at=deps.clock()
    )
    if running is not None:
        await say.started(running, deps)
    return running


async def _nowhere_to_land(wave: Wave, deps: CoordinatorDeps) -> Failure | None:
    """A branch that somebody has checked out is never moved; better said before the work."""
    target = await deps.store.targets.require(wave.target_id)
    where = await asyncio.to_thread(checked_out_at, target.location, target.landing_branch)
    if where is None or wave.dry_run:
        return None
    if target.direct:
        if not await asyncio.to_thread(has_local_changes, where):
            return None
        return Failure(
            code="landing_checked_out",
            message=f"{target.landing_branch} is checked out in {where} with changes of your own, and "
            "nothing is landed below them.",
            hint=f"Commit or stash them: git -C {where} stash.",
        )
    return Failure(
        code="landing_checked_out",
        message=f"{target.landing_branch} is checked out, and a checked-out branch is never moved.",
        hint=f"Check out another one first: git -C {where} switch {target.base_branch}.",
    )


async def findings_on(wave: Wave, commit: str, deps: CoordinatorDeps) -> list[Finding] | None:
    """The findings on `commit` that this wave may take up; None where they were not measured."""
    found = await deps.store.findings.first(target_id=wave.target_id, commit=commit, sort="-_id")
    if found is None:
        return None
    wanted = set(wave.components)
    return [each for each in found.findings if not wanted or each.component in wanted]


async def foreclosed_in(wave: Wave, deps: CoordinatorDeps) -> dict[str, str]:
    """Fingerprints that are not to be tried again, and why."""
    states = [
        EnhancementState.REJECTED,
        EnhancementState.ROLLED_BACK,
        EnhancementState.NEEDS_APPROVAL,
    ]
    changes = await deps.store.enhancements.find(target_id=wave.target_id, state=states)
    waiting = [each for each in changes if each.state is EnhancementState.NEEDS_APPROVAL]
    return await _in_the_way(waiting, wave, deps) | {
        finding.fingerprint: why
        for change in changes
        if (why := waves.foreclosure(change))
        for finding in change.proposal.findings
    }


async def _in_the_way(
    waiting: Sequence[Enhancement], wave: Wave, deps: CoordinatorDeps
) -> dict[str, str]:
    """Findings in lines that a change rewrites which waits for a person: mended otherwise, it would no longer apply."""
    findings = await findings_on(wave, wave.commit, deps) if waiting else None
    if not findings:
        return {}
    patches = await deps.store.patches.find(id=[each.proposal.patch.digest for each in waiting])
    target = await deps.store.targets.require(wave.target_id)
    tree = deps.mirror(target).tree(wave.commit)
    return await asyncio.to_thread(
        lambda: waves.in_the_way(findings, [each.text for each in patches], tree.read)
    )


async def _paths(wave: Wave, deps: CoordinatorDeps) -> dict[str, tuple[str, ...]]:
    """The path patterns of each component at the wave's commit."""
    target = await deps.store.targets.require(wave.target_id)
    mirror = deps.mirror(target)
    described = await asyncio.to_thread(
        lambda: profile_target(mirror.tree(wave.commit), mirror.base_tree(target))
    )
    return {each.name: each.paths for each in described.components}


def _tasks(
    wave: Wave,
    chosen: tuple[Opportunity, ...],
    exclude: tuple[str, ...],
    paths: dict[str, tuple[str, ...]],
    deps: CoordinatorDeps,
) -> list[Task]:
    now = deps.clock()
    return [
        Task(
            id=deps.new_id(),
            wave_id=wave.id,
            target_id=wave.target_id,
            agent_type=each.agent_type,
            component=each.component,
            paths=paths[each.component],
            excluded_fingerprints=exclude,
            commit=wave.commit,
            opportunity=each,
            priority=each.priority,
            created_at=now,
            changed_at=now,
        )
        for each in chosen
    ]
