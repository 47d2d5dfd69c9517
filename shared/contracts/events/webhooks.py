"""Events of what goes out to receivers and comes in from senders over HTTP."""

from typing import ClassVar

from shared.contracts.base import Id, Oid
from shared.contracts.events.base import Event, TargetEvent


class WebhookExhausted(Event):
    """A delivery was given up after its last try; it can be replayed."""

    subject: ClassVar[str] = "gs.evt.webhook.exhausted"
    delivery_id: Id
    webhook_id: Id | None = None
    kind: str
    topic: str
    tries: int
    reason: str


class TargetPushed(TargetEvent):
    """Commits were pushed to the base branch of a target; `commit` is its new head."""

    subject: ClassVar[str] = "gs.evt.target.pushed"
    branch: str
    commit: Oid
