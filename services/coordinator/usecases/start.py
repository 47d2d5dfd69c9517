"""Start a wave: inspect the target, store the wave, have it measured."""

import asyncio
import difflib
from collections.abc import Sequence

from services.coordinator.deps import OPEN_WAVE_STATES, CoordinatorDeps
from services.coordinator.usecases.messages import publish_measurements
from services.coordinator.usecases.targets import inspect_target, stored_target
from shared.contracts.answers import WaveAccepted
from shared.contracts.base import ALL
from shared.contracts.commands import StartWave
from shared.contracts.documents.audit import AuditRecord
from shared.contracts.documents.targets import Target
from shared.contracts.documents.waves import Wave
from shared.kernel.errors import Conflict, NotFound, Rejected
from shared.kernel.extensions import agent_type_names
from shared.mongo.agents import live_workers
from shared.targets.config import FILE, LandingSection, parse_config
from shared.targets.head import Head, find_head
from shared.targets.owner import is_foreign
from shared.targets.profile import TargetProfile, profile_target
from shared.targets.repository import RepositoryFacts, remote_url


async def start_wave(
    command: StartWave, deps: CoordinatorDeps, *, channel: str, requested_by: str = ""
) -> WaveAccepted:
    """Accept a wave and have it measured. The same `wave_id` again is the same wave.

    `channel` is noted in the audit log, `requested_by` with the wave. Raises `Rejected`, `NotFound`
    or `Conflict`.
    """
    if known := await _known(command, deps):
        return await _acceptance(known, deps)
    facts = await inspect_target(command.target, command.base, deps)
    async with deps.locks[facts.location]:
        if known := await _known(command, deps):
            return await _acceptance(known, deps)
        target = await stored_target(facts, deps)
        await _refuse_second_wave(target, deps)
        target = await _with_landing_branch(target, facts, deps)
        head, described = await asyncio.to_thread(_describe, target, deps)
        _check_components(command.components, described)
        await _check_focus(command, deps)
        notes = (*facts.notes, *_notes(facts, head, described))
        wave = _new_wave(command, target, head, deps)
        wave = wave.model_copy(update={"notes": notes, "requested_by": requested_by})
        await deps.store.waves.insert(wave)
    await _audit(command, wave, channel, deps)
    await publish_measurements(wave, deps)
    return await _acceptance(wave, deps)


async def _known(command: StartWave, deps: CoordinatorDeps) -> Wave | None:
    """Return the wave that was started under the command's id; None if there is none."""
    return await deps.store.waves.get(command.wave_id) if command.wave_id else None


async def _with_landing_branch(
    target: Target, facts: RepositoryFacts, deps: CoordinatorDeps
) -> Target:
    """Return the target with the landing branch that its configuration asks for, which is stored.

    So is whether it is bare by now. Raises `Rejected` if nothing could land there.
    """
    landing = await asyncio.to_thread(_fetch, target, deps)
    if landing.mode != "branch" and facts.detached:
        raise Rejected(
            f"Nothing can land on a branch ({landing.mode}): HEAD is detached.",
            hint=f'Check one out, or set [landing] mode = "branch" in {FILE}.',
            code="no_branch",
        )
    if landing.mode == "direct" and await asyncio.to_thread(is_foreign, facts.location):
        raise Rejected(
            f"{facts.location} belongs to another user: what root writes into its work tree would "
            "be root's.",
            hint='Run Groundswell as that user, or set [landing] mode = "branch".',
            code="foreign_owner",
        )
    if landing.mode == "pull_request":
        await asyncio.to_thread(remote_url, facts.location, landing.remote)
    wanted = facts.base_branch if landing.mode == "direct" else facts.landing_branch
    known = {"landing_branch": wanted, "bare": facts.bare}
    if known != {each: getattr(target, each) for each in known}:
        await deps.store.targets.set_fields(target.id, **known)
    return target.model_copy(update=known)


async def _refuse_second_wave(target: Target, deps: CoordinatorDeps) -> None:
    """Raise `Conflict` if a wave is open on the target."""
    running = await deps.store.waves.first(target_id=target.id, state=OPEN_WAVE_STATES)
    if running is not None:
        raise Conflict(
            f"A wave is already running on {target.location} ({target.base_branch}): {running.id}.",
            hint=f"Wait for it, or stop it: groundswell wave stop {running.id}.",
            code="wave_open",
        )


def _fetch(target: Target, deps: CoordinatorDeps) -> LandingSection:
    """Fetch into the mirror, and return how the base branch configures landing."""
    mirror = deps.mirror(target)
    mirror.fetch(target.location)
    base = mirror.base_tree(target)
    content = base.read(FILE) if base is not None else None
    return parse_config(content or b"").landing


def _describe(target: Target, deps: CoordinatorDeps) -> tuple[Head, TargetProfile]:
    """Return the head and the profile of the target, as last fetched."""
    mirror = deps.mirror(target)
    head = find_head(mirror, target)
    return head, profile_target(mirror.tree(head.commit), mirror.base_tree(target))


def _check_components(wanted: Sequence[str], described: TargetProfile) -> None:
    """Raise `NotFound` if the target has no component of a wanted name."""
    names = [each.name for each in described.components]
    for each in wanted:
        if each not in names:
            near = difflib.get_close_matches(each, names, n=1)
            guess = f" Did you mean {near[0]}?" if near else ""
            raise NotFound(
                f"There is no component {each}.{guess}",
                hint=f"Known components: {', '.join(names) or 'none'}.",
                code="unknown_component",
            )


async def _check_focus(command: StartWave, deps: CoordinatorDeps) -> None:
    """Raise `Rejected` for an unregistered agent type, or one no agent serves if any are known."""
    registered = agent_type_names()
    if command.focus != ALL and command.focus not in registered:
        near = difflib.get_close_matches(command.focus, registered, n=1)
        guess = f" Did you mean {near[0]}?" if near else ""
        raise Rejected(
            f"{command.focus} is not a registered agent type.{guess}",
            hint=f"Registered: {', '.join(registered)}.",
            code="unknown_focus",
        )
    served = {
        each for worker in await live_workers(deps.store, deps.clock()) for each in worker.types
    }
    if command.focus != ALL and served and command.focus not in served:
        names = ", ".join(sorted(served))
        raise Rejected(
            f"No agent serves {command.focus}.",
            hint=f"Agents here serve: {names}.",
            code="unknown_focus",
        )


def _notes(facts: RepositoryFacts, head: Head, described: TargetProfile) -> list[str]:
    """Return what the user should know before the wave begins."""
    notes = [head.note] if head.note else []
    if facts.dirty:
        notes.append(
            "The work tree has uncommitted changes; they are not touched. "
            f"Commit {head.base[:10]} is used."
        )
    if not described.components:
        notes.append("No component with source files was found.")
    return notes


def _new_wave(command: StartWave, target: Target, head: Head, deps: CoordinatorDeps) -> Wave:
    """Return a new wave on the head, planned and not yet stored."""
    now = deps.clock()
    return Wave(
        id=command.wave_id or deps.new_id(),
        target_id=target.id,
        size=command.size,
        focus=command.focus,
        components=command.components,
        dry_run=command.dry_run,
        throttle=command.throttle,
        max_open=command.max_open,
        commit=head.commit,
        base_commit=head.base,
        landing_commit=head.landing,
        created_at=now,
        changed_at=now,
    )


async def _audit(command: StartWave, wave: Wave, channel: str, deps: CoordinatorDeps) -> None:
    """Record in the audit trail that the wave was started, and through which channel."""
    record = AuditRecord(
        id=deps.new_id(),
        action="wave.start",
        subject={"wave": wave.id, **command.model_dump(mode="json")},
        channel=channel,
        at=deps.clock(),
    )
    await deps.store.audit.insert(record)


async def _acceptance(wave: Wave, deps: CoordinatorDeps) -> WaveAccepted:
    """Return the answer to the command: the wave, its commit, and where its changes will land."""
    target = await deps.store.targets.require(wave.target_id)
    return WaveAccepted(
        wave_id=wave.id,
        target_id=target.id,
        commit=wave.commit,
        base_branch=target.base_branch,
        landing_branch=target.landing_branch,
        notes=wave.notes,
    )
