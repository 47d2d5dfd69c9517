"""Sends deliveries: due ones only, in the order of their lane, and slow receivers beside others."""

import asyncio
from collections import Counter
from datetime import timedelta

import structlog

from services.api.domain.deliveries import MAX_KEPT_ATTEMPTS, SENDING_SECONDS, after_attempt
from services.api.domain.signing import signed_headers
from services.api.ports import ApiDeps
from services.api.usecases.callbacks import tell_results
from shared.contracts.documents.webhooks import Delivery, DeliveryAttempt, Webhook
from shared.contracts.events import WebhookExhausted
from shared.contracts.states import DeliveryState
from shared.http.addresses import read_url

log = structlog.get_logger(__name__)

MAX_AT_ONCE, MAX_AT_ONCE_PER_RECEIVER = 32, 4
MAX_READ = 100
OPEN = [DeliveryState.PENDING, DeliveryState.SENDING]
ENDED = frozenset({"succeed", "give_up"})
GONE = 410


class DeliverySender:
    """Sends what is due, again and again; any number of processes may do so.

    A delivery is claimed by a transition. What its process did not finish is sent again under the
    same id, so a receiver that remembers ids gets everything once.
    """

    def __init__(self, deps: ApiDeps) -> None:
        self._deps = deps
        self._running: dict[asyncio.Task[None], str] = {}

    async def run_once(self) -> None:
        """Begin to send what is due now; costs one query if nothing is to be delivered."""
        deliveries = self._deps.store.deliveries
        if not await deliveries.exists(settled=False):
            return
        await tell_results(self._deps)
        await self._announce_dead()
        await self._return_lost()
        for each in await self._due():
            await self._begin(each)

    async def finish(self) -> None:
        """Wait until what is being sent has an answer."""
        while self._running:
            await asyncio.gather(*self._running, return_exceptions=True)

    async def _due(self) -> list[Delivery]:
        """Return the deliveries that are due and the first of their lane, some of each receiver."""
        store = self._deps.store.deliveries
        receivers = await store.count_by(["webhook_id"], state=DeliveryState.PENDING)
        due = [each for (webhook,) in receivers for each in await self._due_for(webhook)]
        first = {each: await self._first_of(each) for each in sorted({one.lane for one in due})}
        return [each for each in due if first[each.lane] == each.id]

    async def _first_of(self, lane: str) -> str:
        """Return the id of what is next in a lane."""
        found = await self._deps.store.deliveries.first(lane=lane, state=OPEN, sort="sequence")
        return found.id if found else ""

    async def _due_for(self, webhook_id: str | None) -> list[Delivery]:
        """Return what is due for one subscription, or of the callbacks, in the order of events."""
        return await self._deps.store.deliveries.find_between(
            "due_at",
            None,
            self._deps.clock() + timedelta(milliseconds=1),
            state=DeliveryState.PENDING,
            webhook_id=webhook_id,
            sort="sequence" if webhook_id else "due_at",
            limit=MAX_READ,
        )

    async def _begin(self, delivery: Delivery) -> None:
        """Claim a delivery and send it in the background, unless too many are being sent."""
        receiver = delivery.webhook_id or read_url(delivery.url).host
        if len(self._running) >= MAX_AT_ONCE:
            return
        if Counter(self._running.values())[receiver] >= MAX_AT_ONCE_PER_RECEIVER:
            return
        now = self._deps.clock()
        claimed = await self._deps.store.deliveries.transition(
            delivery, "send", due_at=now + timedelta(seconds=SENDING_SECONDS), changed_at=now
        )
        if claimed is not None:
            task = asyncio.create_task(self._send(claimed))
            self._running[task] = receiver
            task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        """Forget a task; what it failed to store is sent again later."""
        self._running.pop(task, None)
        if not task.cancelled() and (error := task.exception()) is not None:
            log.warning("delivery_not_stored", reason=repr(error))

    async def _send(self, delivery: Delivery) -> None:
        """Send a claimed delivery, and store what came of it."""
        webhook = await self._webhook_of(delivery)
        if delivery.webhook_id and (webhook is None or webhook.disabled):
            why = webhook.disabled if webhook else "The webhook was deleted."
            await self._store(
                delivery, DeliveryAttempt(at=self._deps.clock(), error=why), "give_up"
            )
            return
        headers = signed_headers(delivery, webhook, self._deps.clock())
        answer = await self._deps.poster.post(delivery.url, delivery.body.encode(), headers)
        attempt = DeliveryAttempt(
            at=self._deps.clock(),
            status=answer.status,
            seconds=answer.seconds,
            error=answer.error,
            answer=answer.text,
        )
        step = after_attempt(delivery, attempt, answer.retry_after)
        if step.why and attempt.error == "":
            attempt = attempt.model_copy(update={"error": step.why})
        if webhook is not None and answer.status == GONE:
            await self._deps.store.webhooks.set_fields(webhook.id, disabled=step.why)
        await self._store(delivery, attempt, step.trigger, due_at=step.due_at)

    async def _store(
        self, delivery: Delivery, attempt: DeliveryAttempt, trigger: str, **changes: object
    ) -> None:
        """Store what came of a try; a delivery that failed for good is settled once announced."""
        now = self._deps.clock()
        await self._deps.store.deliveries.transition(
            delivery,
            trigger,
            attempts=(*delivery.attempts, attempt)[-MAX_KEPT_ATTEMPTS:],
            tries=delivery.tries + 1,
            settled=trigger == "succeed",
            changed_at=now,
            finished_at=now if trigger in ENDED else None,
            **changes,
        )

    async def _webhook_of(self, delivery: Delivery) -> Webhook | None:
        """Return the subscription that a delivery is for; a callback has none."""
        if delivery.webhook_id is None:
            return None
        return await self._deps.store.webhooks.get(delivery.webhook_id)

    async def _announce_dead(self) -> None:
        """Publish each delivery that was given up, under an id that a repetition has as well."""
        store = self._deps.store.deliveries
        for each in await store.find(state=DeliveryState.DEAD, settled=False, limit=MAX_READ):
            last = each.attempts[-1] if each.attempts else None
            event = WebhookExhausted(
                delivery_id=each.id,
                webhook_id=each.webhook_id,
                kind=each.kind,
                topic=each.topic,
                tries=each.tries,
                reason=last.error if last else "",
                note=f"A {each.kind} about {each.topic} could not be delivered.",
            )
            await self._deps.bus.publish(event, key=f"{each.id}:{each.version}")
            await store.set_fields(each.id, settled=True)

    async def _return_lost(self) -> None:
        """Queue again what a process claimed and did not finish."""
        store, now = self._deps.store.deliveries, self._deps.clock()
        lost = await store.find_between("due_at", None, now, state=DeliveryState.SENDING)
        for each in lost:
            await store.transition(each, "try_again", due_at=now, changed_at=now)
