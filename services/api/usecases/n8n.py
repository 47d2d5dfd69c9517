"""What n8n and other automations ask for: agents at work, a verdict, health; then a callback."""

from services.api.ports import ApiDeps
from services.api.usecases.callbacks import await_result
from services.api.usecases.commands import record_and_publish
from services.api.usecases.enhancements import roll_back_enhancement, submit_decision
from services.api.usecases.find import find_by_id
from services.api.usecases.health import check_ready, get_status
from services.api.usecases.targets import permitted_target
from services.api.usecases.waves import stop_wave
from shared.contracts.answers import (
    ComponentScore,
    DeploymentAccepted,
    StoppedWaves,
    SystemHealth,
    ValidationAccepted,
    WaveAccepted,
)
from shared.contracts.commands import (
    DecisionReason,
    DeployAgents,
    RollbackOptions,
    StartWave,
    StopAgents,
    ValidateEnhancement,
)
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import Health
from shared.contracts.documents.webhooks import Awaited, ReceivedMessage
from shared.contracts.http import API_PREFIX
from shared.kernel.errors import Transient

# A wave on a known target is planned well within it; what takes longer goes on without an answer.
START_TIMEOUT_SECONDS = 8.0
MAX_SCORES = 200


async def deploy_agents(
    request: DeployAgents, key: str | None, deps: ApiDeps
) -> DeploymentAccepted:
    """Start a wave, and store its callback; the same `key` or execution again starts nothing new.

    What is wrong with the request is an error now, if the coordinator says so within
    `START_TIMEOUT_SECONDS`; otherwise the command waits for it durably.
    """
    if request.callback_url:
        await deps.poster.check(request.callback_url)
    wave_id = await _remembered(key or request.execution_id, deps)
    target = await permitted_target(request.target, request.base, deps)
    asked = request.model_dump(include={"base", "size", "focus", "components", "dry_run"})
    command = StartWave(**asked, target=target, wave_id=wave_id)
    after = await deps.bus.last_sequence()
    # Before the start: a callback without a wave says so, a wave without a callback is silent.
    callback = await await_result(request, Awaited(wave_id=wave_id), deps)
    try:
        await deps.bus.request(command, WaveAccepted, timeout=START_TIMEOUT_SECONDS)
    except Transient:
        await record_and_publish(command, deps, key=wave_id, wave=wave_id)
    except Exception:
        if callback is not None:
            await deps.store.deliveries.remove(callback)
        raise
    return DeploymentAccepted(
        wave_id=wave_id,
        status_url=f"{API_PREFIX}/waves/{wave_id}",
        report_url=f"{API_PREFIX}/waves/{wave_id}/report",
        callback_id=callback,
        events_after=after,
    )


async def _remembered(key: str | None, deps: ApiDeps) -> str:
    """Return the id of what a request makes: one for each key of a caller, or a new one."""
    made = deps.new_id()
    if not key:
        return made
    remembered = f"n8n:deploy:{deps.caller.key_id}:{key}"
    noted = ReceivedMessage(id=remembered, at=deps.clock(), result=made)
    if await deps.store.received.insert(noted):
        return made
    return (await deps.store.received.require(noted.id)).result


async def stop_agents(request: StopAgents, deps: ApiDeps) -> StoppedWaves:
    """Stop a wave and all its agents."""
    return await stop_wave(request.wave_id, request.reason, deps)


async def validate_enhancement(request: ValidateEnhancement, deps: ApiDeps) -> ValidationAccepted:
    """Tell what a change is now, and request an action; a callback tells what becomes of it.

    Raises `Conflict` where its state does not allow the action.
    """
    change = await find_by_id(deps.store.enhancements, request.enhancement_id, "enhancement")
    if request.callback_url:
        await deps.poster.check(request.callback_url)
    await _act(change, request, deps)
    awaited = Awaited(
        enhancement_id=change.id,
        action=request.action,
        refusal=change.landing.rollback_refusal,
    )
    return ValidationAccepted(
        enhancement_id=change.id,
        wave_id=change.wave_id,
        state=change.state,
        reason=change.decision.reason or change.decision.approval_reason,
        commit=change.landing.commit,
        status_url=f"{API_PREFIX}/enhancements/{change.id}",
        callback_id=await await_result(request, awaited, deps),
    )


async def _act(change: Enhancement, request: ValidateEnhancement, deps: ApiDeps) -> None:
    """Request what is to be done with a change, by the use cases of people's decisions."""
    reason = request.reason or "requested by an automation"
    if request.action == "land":
        given = DecisionReason(reason=reason, by=request.by or "automation")
        await submit_decision(change.id, "approve", given, deps)
    elif request.action == "rollback":
        options = RollbackOptions(reason=reason, dependents=request.dependents)
        await roll_back_enhancement(change.id, options, deps)


async def get_system_health(deps: ApiDeps) -> SystemHealth:
    """Return whether the services answer, what is going on, and the scores last measured.

    What does not answer is told in `problem`, as an automation decides by data.
    """
    scores = await _scores(deps)
    lowest = min((each.score for each in scores), default=None)
    try:
        ready = await check_ready(deps)
        status = await get_status(deps)
    except Transient as error:
        return SystemHealth(
            state="degraded", problem=str(error), scores=scores, lowest_score=lowest
        )
    return SystemHealth(
        state="ok",
        services=ready.services,
        agents=status.agents,
        waves=status.waves,
        scores=scores,
        lowest_score=lowest,
    )


async def _scores(deps: ApiDeps) -> tuple[ComponentScore, ...]:
    """Return the newest score of each component and dimension among those measured last."""
    measured = await deps.store.health.find(sort="-measured_at", limit=MAX_SCORES)
    newest: dict[tuple[str, str, str], Health] = {}
    for each in measured:
        newest.setdefault((each.target_id, each.component, each.dimension), each)
    return tuple(
        ComponentScore(
            target_id=each.target_id,
            component=each.component,
            dimension=each.dimension,
            score=each.score,
            measured_at=each.measured_at,
        )
        for _, each in sorted(newest.items())
    )
