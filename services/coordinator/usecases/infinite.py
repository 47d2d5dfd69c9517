"""Start, pause, resume, stop and show infinite mode, as a person asks for it.

Each may be asked for again and again. What is running acts on what is stored here; see
`services.coordinator.usecases.infinite_loop`.
"""

from collections.abc import Awaitable, Callable, Sequence

from services.coordinator.deps import OPEN_WAVE_STATES, CoordinatorDeps
from services.coordinator.usecases.end import stop_wave
from services.coordinator.usecases.targets import inspect_target, stored_target
from shared.contracts.answers import InfiniteStatus
from shared.contracts.base import ALL
from shared.contracts.commands import (
    GetInfiniteMode,
    PauseInfiniteMode,
    ResumeInfiniteMode,
    StartInfiniteMode,
    StopInfiniteMode,
    StopWave,
)
from shared.contracts.documents.audit import AuditRecord
from shared.contracts.documents.infinite import Breaker, InfiniteMode, InfiniteSettings
from shared.contracts.documents.targets import Target
from shared.contracts.events import (
    InfinitePaused,
    InfiniteResumed,
    InfiniteStarted,
    InfiniteStopped,
    TargetEvent,
)
from shared.contracts.states import InfiniteState
from shared.contracts.views import InfiniteView, infinite_view
from shared.kernel.errors import NotFound, Rejected
from shared.kernel.extensions import agent_type_names

UNSTOPPED = [each for each in InfiniteState if each is not InfiniteState.STOPPED]
Command = StartInfiniteMode | PauseInfiniteMode | ResumeInfiniteMode | StopInfiniteMode
ATTEMPTS = 20


async def start_infinite_mode(
    command: StartInfiniteMode, deps: CoordinatorDeps, *, channel: str
) -> InfiniteStatus:
    """Have wave after wave run on a target; where that is so already, change its settings.

    Raises `Rejected` and `NotFound` where no wave could be started either.
    """
    if command.focus not in {ALL, *agent_type_names()}:
        known = ", ".join(agent_type_names())
        raise Rejected(
            f"{command.focus} is not a registered agent type.",
            hint=f"Registered: {known}.",
            code="unknown_focus",
        )
    facts = await inspect_target(command.target, command.base, deps)
    if facts.detached:
        raise Rejected(
            "HEAD is detached, so there is no branch that infinite mode could follow.",
            hint="Check a branch out, or name one as the base.",
            code="no_branch",
        )
    target = await stored_target(facts, deps)
    settings = InfiniteSettings.model_validate(command.model_dump())
    mode = await _started(target, settings, command.request_id, deps)
    await _audit(command, target.id, channel, deps)
    event = InfiniteStarted(
        target_id=target.id,
        throttle=settings.throttle,
        interval_seconds=settings.interval_seconds,
    )
    await _publish(event, mode, deps)
    return await _status([mode], deps)


async def _started(
    target: Target, settings: InfiniteSettings, request_id: str | None, deps: CoordinatorDeps
) -> InfiniteMode:
    """Return infinite mode on a target, stored as running with these settings."""
    now = deps.clock()
    mode = InfiniteMode(
        id=target.id,
        target_id=target.id,
        settings=settings,
        started_by=request_id,
        looked_at=now,
        next_at=now,
        throttle_now=settings.throttle,
        started_at=now,
        changed_at=now,
    )
    if await deps.store.infinite.insert(mode):
        return mode

    async def change(known: InfiniteMode) -> InfiniteMode | None:
        """Start it anew, or change the settings of what runs."""
        if request_id is not None and known.started_by == request_id:
            return known
        fresh = {} if known.state is InfiniteState.RUNNING else _afresh(known, deps)
        return await deps.store.infinite.transition(
            known,
            "start",
            settings=settings,
            started_by=request_id,
            throttle_now=settings.throttle,
            next_at=now,
            wakes_at=None,
            changed_at=now,
            **fresh,
        )

    return await _change(target.id, change, deps)


def _afresh(mode: InfiniteMode, deps: CoordinatorDeps) -> dict[str, object]:
    """Return the fields that begin again where infinite mode did not run."""
    return {
        "generation": mode.generation + 1,
        "fruitless": 0,
        "idle_reason": "",
        "breaker": Breaker(),
        "started_at": deps.clock(),
    }


async def pause_infinite_mode(
    command: PauseInfiniteMode, deps: CoordinatorDeps, *, channel: str
) -> InfiniteStatus:
    """Start no more waves on a target, or on any. Raises `NotFound`."""
    modes = await _chosen(command.target, deps)
    paused = [await pause(each, command.reason, deps) for each in modes]
    await _audit(command, ",".join(each.id for each in paused), channel, deps)
    return await _status(paused, deps)


async def pause(mode: InfiniteMode, reason: str, deps: CoordinatorDeps) -> InfiniteMode:
    """Pause infinite mode on a target for a reason, and return it as it is now."""

    async def change(known: InfiniteMode) -> InfiniteMode | None:
        """Pause it unless it is paused or stopped."""
        if known.state in {InfiniteState.PAUSED, InfiniteState.STOPPED}:
            return known
        return await deps.store.infinite.transition(
            known,
            "pause",
            idle_reason=f"It is paused: {reason}.",
            wakes_at=None,
            changed_at=deps.clock(),
        )

    paused = await _change(mode.id, change, deps)
    if paused.state is InfiniteState.PAUSED:
        await _publish(InfinitePaused(target_id=mode.target_id, reason=reason), paused, deps)
    return paused


async def resume_infinite_mode(
    command: ResumeInfiniteMode, deps: CoordinatorDeps, *, channel: str
) -> InfiniteStatus:
    """Go on at once: paused, waiting or with its breaker open. Raises `NotFound`.

    What was stopped stays so, as it is started anew.
    """

    async def change(known: InfiniteMode) -> InfiniteMode | None:
        """Have it run, and look at once at what is to be done."""
        if known.state is InfiniteState.STOPPED:
            return known
        trigger = "note" if known.state is InfiniteState.RUNNING else "resume"
        now = deps.clock()
        return await deps.store.infinite.transition(
            known,
            trigger,
            breaker=Breaker(),
            idle_reason="",
            next_at=now,
            wakes_at=None,
            changed_at=now,
        )

    resumed = [await _change(each.id, change, deps) for each in await _chosen(command.target, deps)]
    for mode in resumed:
        if mode.state is InfiniteState.RUNNING:
            event = InfiniteResumed(target_id=mode.target_id, reason=command.reason)
            await _publish(event, mode, deps)
    await _audit(command, ",".join(each.id for each in resumed), channel, deps)
    return await _status(resumed, deps)


async def stop_infinite_mode(
    command: StopInfiniteMode, deps: CoordinatorDeps, *, channel: str
) -> InfiniteStatus:
    """End infinite mode on a target, or on every one, and the waves that it runs there.

    With `after_wave` these are finished. Raises `NotFound`.
    """

    async def change(known: InfiniteMode) -> InfiniteMode | None:
        """Stop it; what is stopped stays so."""
        if known.state is InfiniteState.STOPPED:
            return known
        return await deps.store.infinite.transition(
            known,
            "stop",
            idle_reason=f"It is stopped: {command.reason}.",
            wakes_at=None,
            changed_at=deps.clock(),
        )

    stopped = [await _change(each.id, change, deps) for each in await _chosen(command.target, deps)]
    for mode in stopped:
        if not command.after_wave:
            await stop_its_wave(mode, command.reason, deps)
        event = InfiniteStopped(target_id=mode.target_id, reason=command.reason)
        await _publish(event, mode, deps)
    await _audit(command, ",".join(each.id for each in stopped), channel, deps)
    return await _status(stopped, deps)


async def stop_its_wave(mode: InfiniteMode, reason: str, deps: CoordinatorDeps) -> None:
    """Stop the wave that infinite mode runs on a target, if it does."""
    wave = await deps.store.waves.get(mode.wave_id) if mode.wave_id else None
    if wave is not None and wave.state in OPEN_WAVE_STATES:
        await stop_wave(StopWave(wave_id=wave.id, reason=reason), deps)


async def get_infinite_mode(question: GetInfiniteMode, deps: CoordinatorDeps) -> InfiniteStatus:
    """Return infinite mode on a target, or on all on which it ever ran. Raises `NotFound`."""
    if question.target is None:
        return await _status(await deps.store.infinite.find(), deps)
    return await _status(await _chosen(question.target, deps), deps)


async def _chosen(named: str | None, deps: CoordinatorDeps) -> list[InfiniteMode]:
    """Return infinite mode on the target with an id, name or location; on all if none is named.

    Of all, those that are stopped are left out. Raises `NotFound` where it never ran.
    """
    if named is None:
        return await deps.store.infinite.find(state=UNSTOPPED)
    if mode := await deps.store.infinite.get(named):
        return [mode]
    targets = await deps.store.targets.find()
    ids = [each.id for each in targets if named in {each.id, each.name, each.location}]
    found = await deps.store.infinite.find(id=ids) if ids else []
    if not found:
        raise NotFound(
            f"Infinite mode was never started on {named}.",
            hint="Name the target by its id, name or location; see groundswell infinite status.",
            code="no_infinite_mode",
        )
    return found


async def _change(
    key: str,
    change: Callable[[InfiniteMode], Awaitable[InfiniteMode | None]],
    deps: CoordinatorDeps,
) -> InfiniteMode:
    """Change infinite mode on a target, again where somebody else changed it meanwhile."""
    for _ in range(ATTEMPTS):
        changed = await change(await deps.store.infinite.require(key))
        if changed is not None:
            return changed
    raise Rejected(f"Infinite mode on {key} changes all the time.", code="busy")


async def _status(modes: Sequence[InfiniteMode], deps: CoordinatorDeps) -> InfiniteStatus:
    """Return what people are shown of infinite mode on these targets."""
    targets = {each.id: each for each in await deps.store.targets.find(id=[m.id for m in modes])}
    views: list[InfiniteView] = []
    for mode in modes:
        wave = await deps.store.waves.get(mode.wave_id) if mode.wave_id else None
        runs = wave is not None and wave.state in OPEN_WAVE_STATES
        views.append(infinite_view(mode, targets.get(mode.id), wave_runs=runs))
    return InfiniteStatus(modes=tuple(views))


async def _publish(event: TargetEvent, mode: InfiniteMode, deps: CoordinatorDeps) -> None:
    """Publish an event about infinite mode; once for each of its stored versions."""
    await deps.bus.publish(event, key=f"{mode.id}:{mode.version}")


async def _audit(command: Command, target: str, channel: str, deps: CoordinatorDeps) -> None:
    """Record in the audit trail what was asked for, and through which channel."""
    record = AuditRecord(
        id=deps.new_id(),
        action=command.subject.removeprefix("gs.cmd."),
        subject={"target_id": target, **command.model_dump(mode="json")},
        channel=channel,
        at=deps.clock(),
    )
    await deps.store.audit.insert(record)
