"""Callbacks: deliveries that wait for the end of a wave, or for what becomes of a change."""

from datetime import timedelta

import structlog

from services.api.domain.callbacks import encode_callback, gave_up, is_decided
from services.api.domain.views import enhancement_view
from services.api.ports import ApiDeps
from services.api.usecases.waves import get_wave_report
from shared.contracts.answers import CallbackBody
from shared.contracts.commands import CallbackRequest
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.waves import Wave
from shared.contracts.documents.webhooks import Awaited, Delivery
from shared.contracts.http import API_PREFIX
from shared.contracts.states import WAVE, DeliveryState
from shared.kernel.errors import Transient
from shared.kernel.ids import derive_uuid7

log = structlog.get_logger(__name__)

# A command that was accepted while the coordinator was away is carried out when it is back.
STARTING = timedelta(minutes=10)
MAX_WAITING = 200


async def await_result(request: CallbackRequest, awaited: Awaited, deps: ApiDeps) -> str | None:
    """Store the callback that a request asks for, and return its id; None if it asks for none.

    Raises `AddressRefused` for a URL that may not be called. The same request again stores nothing.
    """
    if not request.callback_url:
        return None
    await deps.poster.check(request.callback_url)
    now = deps.clock()
    about = awaited.wave_id or awaited.enhancement_id or ""
    named = f"{about}:{awaited.action}:{request.callback_url}:{request.execution_id or now}"
    born = int(about.replace("-", "")[:12], 16)
    delivery = Delivery(
        id=(identity := derive_uuid7(f"callback:{named}", born)),
        kind="callback",
        url=request.callback_url,
        topic="wave" if awaited.wave_id else f"enhancement:{awaited.action}",
        lane=identity,
        awaited=awaited,
        state=DeliveryState.WAITING,
        due_at=now,
        until=now + timedelta(seconds=request.callback_until),
        created_at=now,
        changed_at=now,
    )
    await deps.store.deliveries.insert(delivery)
    return identity


async def tell_results(deps: ApiDeps) -> None:
    """Give every callback whose result is there its body, so that it is sent."""
    waiting = await deps.store.deliveries.find(state=DeliveryState.WAITING, limit=MAX_WAITING)
    for each in waiting:
        try:
            body = await _result(each, deps)
        except Transient:
            raise
        except Exception:
            # Whatever is wrong with one of them, the others are told.
            log.exception("callback_not_made", callback=each.id)
            body = _unknown(each, deps) if deps.clock() >= each.until else None
        if body is not None:
            now = deps.clock()
            await deps.store.deliveries.transition(
                each, "tell", body=encode_callback(body), due_at=now, changed_at=now
            )


async def _result(waiting: Delivery, deps: ApiDeps) -> CallbackBody | None:
    """Return what a callback tells; None while there is nothing to tell and time is left."""
    awaited, now = waiting.awaited or Awaited(), deps.clock()
    late = now >= waiting.until - timedelta(seconds=1)
    if awaited.wave_id:
        wave = await deps.store.waves.get(awaited.wave_id)
        if wave is None:
            late = late or now - waiting.created_at >= STARTING
            return gave_up(awaited, now) if late else None
        return await _of_wave(wave, deps) if late or WAVE.terminal(wave.state) else None
    change = await deps.store.enhancements.require(awaited.enhancement_id or "")
    return _of_change(change, deps) if late or is_decided(change, waiting, now) else None


def _unknown(waiting: Delivery, deps: ApiDeps) -> CallbackBody:
    """Return what is told at the end of its time where the result cannot be read."""
    awaited = waiting.awaited or Awaited()
    return CallbackBody(
        kind="wave" if awaited.wave_id else "enhancement",
        wave_id=awaited.wave_id,
        enhancement_id=awaited.enhancement_id,
        state="unknown",
        note="The result could not be read; the log of the API has the reason.",
        at=deps.clock(),
    )


async def _of_wave(wave: Wave, deps: ApiDeps) -> CallbackBody:
    """Return what is told of a wave: its state, its changes and its report."""
    changes = await deps.store.enhancements.find(wave_id=wave.id)
    return CallbackBody(
        kind="wave",
        wave_id=wave.id,
        state=wave.state,
        note=wave.failure.message if wave.failure else "",
        report_url=f"{API_PREFIX}/waves/{wave.id}/report",
        report=await get_wave_report(wave.id, deps),
        changes=tuple(enhancement_view(each) for each in changes),
        at=deps.clock(),
    )


def _of_change(change: Enhancement, deps: ApiDeps) -> CallbackBody:
    """Return what is told of a change: its state and why, and where it landed."""
    return CallbackBody(
        kind="enhancement",
        wave_id=change.wave_id,
        enhancement_id=change.id,
        state=change.state,
        note=change.landing.rollback_refusal or change.decision.approval_reason,
        verdict=enhancement_view(change),
        at=deps.clock(),
    )
