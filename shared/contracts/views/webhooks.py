"""What clients are shown of webhooks and of what is delivered."""

from datetime import datetime

from shared.contracts.base import Id, Value
from shared.contracts.documents.webhooks import (
    Delivery,
    DeliveryAttempt,
    SignatureKind,
    Webhook,
    WebhookDirection,
)
from shared.contracts.states import DeliveryState


class WebhookView(Value):
    """A subscription, or the right of a sender, without its secrets.

    `disabled` is why nothing is sent; empty while it is enabled.
    """

    id: Id
    direction: WebhookDirection
    kind: SignatureKind
    description: str
    url: str
    events: tuple[str, ...]
    targets: tuple[Id, ...]
    fields: dict[str, tuple[str, ...]]
    disabled: str
    created_at: datetime


class WebhookSecret(Value):
    """A new webhook, or one with a new secret, which is shown this once."""

    webhook: WebhookView
    secret: str


class DeliveryView(Value):
    """What is or was to be delivered, and each try of it.

    Flat: one row of a list.
    """

    id: Id
    kind: str
    webhook_id: Id | None
    url: str
    topic: str
    state: DeliveryState
    attempts: tuple[DeliveryAttempt, ...]
    due_at: datetime
    created_at: datetime
    finished_at: datetime | None


def webhook_view(webhook: Webhook) -> WebhookView:
    """Return a webhook as lists show it."""
    return WebhookView.model_validate(webhook.model_dump(include={*WebhookView.model_fields}))


def delivery_view(delivery: Delivery) -> DeliveryView:
    """Return a delivery as lists show it."""
    return DeliveryView.model_validate(delivery.model_dump(include={*DeliveryView.model_fields}))
