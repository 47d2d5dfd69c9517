"""Plan a wave: from the findings on its commit to its tasks."""

import asyncio
from collections.abc import Sequence

from services.coordinator.deps import CoordinatorDeps
from services.coordinator.domain import unowned, waves
from services.coordinator.domain.division import work_by_path
from services.coordinator.domain.planning import admit, plan
from services.coordinator.usecases import messages
from services.coordinator.usecases.agents import deploy_agents
from services.coordinator.usecases.end import complete, fail_wave
from services.coordinator.usecases.experience import experience_of, store_choices
from services.coordinator.usecases.parts import divide_components
from shared.contracts.base import ALL
from shared.contracts.documents.base import Failure
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import Finding, Inspection
from shared.contracts.documents.waves import Opportunity, Task, Wave, place
from shared.contracts.states import EnhancementState
from shared.kernel.chance import seeded
from shared.kernel.errors import Rejected
from shared.mongo.collections import latest_findings
from shared.targets.discovery import unowned_sources
from shared.targets.profile import TargetProfile, profile_target
from shared.targets.repository import checked_out_at
from shared.targets.work_tree import has_local_changes


async def plan_wave(wave: Wave, deps: CoordinatorDeps, *, repeat_overdue: bool) -> Wave | None:
    """Plan a wave once its findings are measured. Return it as it is now, or None if it ended.

    It ends where there is nothing to do, nothing of the source was read, or nothing could land.
    """
    findings = await findings_on(wave, wave.commit, deps)
    if findings is None:
        if attempt := messages.overdue_attempts(
            wave.changed_at, deps, repeat_overdue=repeat_overdue
        ):
            await messages.publish_measurements(wave, deps, attempt=attempt)
        return wave
    foreclosed = await foreclosed_in(wave, deps)
    try:
        described = await _profile(wave, deps)
    except Rejected as error:
        unreadable = Failure(code=error.code, message=error.message, hint=error.hint)
        await fail_wave(wave, unreadable, deps)
        return None
    inspections = await _inspections(wave, deps)
    unread = await _unowned_sources(wave, described, deps) if inspections else ()
    admitted, left_out = admit(findings, described.components)
    parts = await divide_components(wave, described, work_by_path(admitted, foreclosed), deps)
    chosen = plan(
        admitted,
        foreclosed=foreclosed,
        advised=await _advised(wave, deps),
        size=wave.size,
        parts=parts,
        inspections=inspections,
        branch=await _landing_branch_below(wave, deps),
        lines=await _component_lines(wave, deps),
        experience=await experience_of(wave, deps),
        chance=seeded(wave.id),
    )
    notes = (*wave.notes, *chosen.notes, *left_out, *unowned.notes(unread))
    if not findings and unread and not any(each.lines for each in inspections):
        await fail_wave(wave, unowned.failure(unread), deps)
        return None
    if not chosen.chosen:
        # Without tasks no baseline is needed, but a failed one is still reported.
        known = (wave.failure.message,) if wave.failure else ()
        await complete(wave, deps, notes=(*notes, *known))
        return None
    # Whoever only advises needs neither tests nor a place to land.
    lands = any(each.fixable for each in chosen.chosen)
    obstacle = wave.failure or await _landing_obstacle(wave, deps) if lands else None
    if obstacle is not None:
        await fail_wave(wave, obstacle, deps)
        return None
    paths = {place(each.name, ""): each.paths for each in described.components}
    paths |= {place(each.component, each.name): each.paths for each in parts}
    tasks = _new_tasks(wave, chosen.chosen, tuple(foreclosed), paths, deps)
    await store_choices(wave, chosen, deps)
    await deps.store.tasks.insert_missing(tasks)
    await deploy_agents(wave, deps)
    running = await deps.store.waves.transition(
        wave, "run", tasks=len(tasks), notes=notes, changed_at=deps.clock()
    )
    if running is not None:
        await messages.publish_wave_started(running, deps)
    return running


async def _landing_branch_below(wave: Wave, deps: CoordinatorDeps) -> str:
    """Return the landing branch if the wave began on it; empty if it began on the base branch."""
    if wave.commit == wave.base_commit:
        return ""
    return (await deps.store.targets.require(wave.target_id)).landing_branch


async def _component_lines(wave: Wave, deps: CoordinatorDeps) -> dict[str, int]:
    """Return the lines of each component on the wave's commit."""
    found = await latest_findings(deps.store, wave.target_id, wave.commit)
    return found.lines if found else {}


async def _inspections(wave: Wave, deps: CoordinatorDeps) -> tuple[Inspection, ...]:
    """Return what the agent types of the wave's focus read on its commit."""
    found = await latest_findings(deps.store, wave.target_id, wave.commit)
    known = found.inspections if found else ()
    return tuple(each for each in known if wave.focus in {ALL, each.agent_type})


async def _unowned_sources(
    wave: Wave, described: TargetProfile, deps: CoordinatorDeps
) -> tuple[str, ...]:
    """Return the source files of the wave's commit that are in no component."""
    tree = deps.mirror(await deps.store.targets.require(wave.target_id)).tree(wave.commit)
    return await asyncio.to_thread(unowned_sources, tree, described.config, described.components)


async def _landing_obstacle(wave: Wave, deps: CoordinatorDeps) -> Failure | None:
    """Return a failure if nothing could land, as the landing branch is checked out; else None.

    None too for a dry run, and where `direct` landing meets no uncommitted changes.
    """
    target = await deps.store.targets.require(wave.target_id)
    where = await asyncio.to_thread(checked_out_at, target.location, target.landing_branch)
    if where is None or wave.dry_run:
        return None
    if target.direct:
        if not await asyncio.to_thread(has_local_changes, where):
            return None
        return Failure(
            code="landing_checked_out",
            message=f"{target.landing_branch} is checked out in {where} with uncommitted "
            "changes, and landing would interfere with them.",
            hint=f"Commit or stash them: git -C {where} stash.",
        )
    return Failure(
        code="landing_checked_out",
        message=f"{target.landing_branch} is checked out, and a checked-out branch is never moved.",
        hint=f"Check out another one first: git -C {where} switch {target.base_branch}.",
    )


async def findings_on(wave: Wave, commit: str, deps: CoordinatorDeps) -> list[Finding] | None:
    """Return the findings on `commit` in the wave's components and focus; None if not measured."""
    found = await latest_findings(deps.store, wave.target_id, commit)
    if found is None:
        return None
    wanted = set(wave.components)
    return [
        each
        for each in found.findings
        if (not wanted or each.component in wanted) and wave.focus in {ALL, each.agent_type}
    ]


async def foreclosed_in(wave: Wave, deps: CoordinatorDeps) -> dict[str, str]:
    """Return the fingerprints of findings that are not to be tried again, each with the reason."""
    states = [
        EnhancementState.REJECTED,
        EnhancementState.ROLLED_BACK,
        EnhancementState.NEEDS_APPROVAL,
    ]
    changes = await deps.store.enhancements.find(target_id=wave.target_id, state=states)
    pending = [each for each in changes if each.state is EnhancementState.NEEDS_APPROVAL]
    return await _foreclosed_by_pending(pending, wave, deps) | {
        fingerprint: why
        for change in changes
        if (why := waves.foreclosure(change))
        for fingerprint in change.proposal.fingerprints
    }


async def _advised(wave: Wave, deps: CoordinatorDeps) -> frozenset[str]:
    """Return the fingerprints of findings on the target that advice was given on."""
    given = await deps.store.enhancements.find(
        target_id=wave.target_id, state=EnhancementState.ADVISORY
    )
    return frozenset(each for change in given for each in change.proposal.fingerprints)


async def _foreclosed_by_pending(
    pending: Sequence[Enhancement], wave: Wave, deps: CoordinatorDeps
) -> dict[str, str]:
    """Return findings in lines that a `pending` change rewrites: the reason by fingerprint."""
    findings = await findings_on(wave, wave.commit, deps) if pending else None
    if not findings:
        return {}
    patches = await deps.store.patches.find(
        id=[each.proposal.required_patch.digest for each in pending]
    )
    target = await deps.store.targets.require(wave.target_id)
    tree = deps.mirror(target).tree(wave.commit)
    return await asyncio.to_thread(
        lambda: waves.foreclosed_by_pending(findings, [each.text for each in patches], tree.read)
    )


async def _profile(wave: Wave, deps: CoordinatorDeps) -> TargetProfile:
    """Return the profile of the target at the wave's commit. Raises as `profile_target`."""
    target = await deps.store.targets.require(wave.target_id)
    mirror = deps.mirror(target)
    return await asyncio.to_thread(
        lambda: profile_target(mirror.tree(wave.commit), mirror.base_tree(target))
    )


def _new_tasks(
    wave: Wave,
    chosen: tuple[Opportunity, ...],
    exclude: tuple[str, ...],
    paths: dict[str, tuple[str, ...]],
    deps: CoordinatorDeps,
) -> list[Task]:
    """Return a new task for each opportunity, and for an agent of its own.

    They leave the fingerprints in `exclude` alone. `paths` are the limits of each task, by the
    place of its opportunity.
    """
    now = deps.clock()
    return [
        Task(
            id=deps.new_id(),
            wave_id=wave.id,
            target_id=wave.target_id,
            agent_id=deps.new_id(),
            agent_type=each.agent_type,
            component=each.component,
            paths=paths[each.place],
            excluded_fingerprints=exclude,
            commit=wave.commit,
            opportunity=each,
            priority=each.priority,
            created_at=now,
            changed_at=now,
        )
        for each in chosen
    ]
