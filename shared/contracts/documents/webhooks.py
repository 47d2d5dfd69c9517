"""Webhooks: what is told to whom over HTTP, what came of it, and who may tell us something."""

from datetime import datetime
from typing import Literal

from pydantic import Field

from shared.contracts.base import Id, Value
from shared.contracts.documents.base import Document
from shared.contracts.states import DeliveryState

WebhookDirection = Literal["out", "in"]
SignatureKind = Literal["standard", "github"]


class SigningSecret(Value):
    """A secret that signs; one that was rotated out is valid `until` a time."""

    text: str
    until: datetime | None = None


class Webhook(Document):
    """A subscription to events (`out`), or the right of a sender to tell us of pushes (`in`).

    Events whose type matches one of the patterns `events`, with a `target_id` among `targets` and
    the values of `fields` in them, go to `url` signed with every valid secret; what is empty
    selects all. `after` is the number of the last event before the subscription. `kind` is how a
    sender signs. `disabled` is why nothing is sent any more; empty while it is enabled.

    One field per fact that people change.
    """

    id: Id
    direction: WebhookDirection = "out"
    kind: SignatureKind = "standard"
    description: str = ""
    url: str = ""
    events: tuple[str, ...] = ("*",)
    targets: tuple[Id, ...] = ()
    fields: dict[str, tuple[str, ...]] = Field(default_factory=dict)
    secrets: tuple[SigningSecret, ...] = ()
    disabled: str = ""
    after: int = 0
    created_at: datetime


class Awaited(Value):
    """What a callback waits for: the end of a wave, or what becomes of a change by an action.

    `refusal` is what refused a rollback of it before.
    """

    wave_id: Id | None = None
    enhancement_id: Id | None = None
    action: Literal["none", "land", "rollback"] = "none"
    refusal: str = ""


class DeliveryAttempt(Value):
    """One try to deliver: the status of the answer (0: none), its beginning, or the error."""

    at: datetime
    status: int = 0
    seconds: float = 0.0
    error: str = ""
    answer: str = ""


class Delivery(Document):
    """A body that is sent to a URL until it is accepted, or tries and time are used up.

    Those of one `lane` are sent in the order of their `sequence`. `webhook_id` is the subscription
    that an event is sent for; a callback has what it `awaited`, and no body before that is known.
    `topic` is the type of the event, or what the callback is about. `tries` counts since the
    beginning or the last replay, of which there is none after `until`. It is `settled` once nothing
    has to be done about it.

    One field per fact that queries or transitions name.
    """

    id: Id
    kind: Literal["event", "callback", "test"]
    webhook_id: Id | None = None
    url: str
    topic: str
    lane: str
    sequence: int = 0
    awaited: Awaited | None = None
    body: str = ""
    state: DeliveryState
    attempts: tuple[DeliveryAttempt, ...] = ()
    tries: int = 0
    settled: bool = False
    due_at: datetime
    until: datetime
    created_at: datetime
    changed_at: datetime
    finished_at: datetime | None = None


class EventCursor(Document):
    """How far the reader `id` has read the event stream."""

    sequence: int = 0


class ReceivedMessage(Document):
    """A message that was accepted from outside, so that it is not acted on twice.

    `id` is its sender and its own id; `result` the id of what was made of it, if anything.
    """

    at: datetime
    result: str = ""
