"""Which events a subscription takes, and what is sent of them."""

import json
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Any

from shared.contracts.documents.webhooks import Webhook

MAX_BODY_BYTES = 64_000
EVENT_PREFIX = "gs.evt."
# What tells apart the things whose events are sent in order, the narrowest first.
ORDERED_BY = ("enhancement_id", "wave_id", "target_id")


def takes(webhook: Webhook, topic: str, data: dict[str, Any], sequence: int) -> bool:
    """Return whether a subscription takes an event. None is told about itself."""
    return (
        webhook.direction == "out"
        and not webhook.disabled
        and sequence > webhook.after
        and any(fnmatchcase(topic, each) for each in webhook.events)
        and (not webhook.targets or data.get("target_id") in webhook.targets)
        and all(str(data.get(name)) in values for name, values in webhook.fields.items())
        and data.get("webhook_id") != webhook.id
    )


def lane_of(webhook: Webhook, data: dict[str, Any], sequence: int) -> str:
    """Return the lane of an event: events about one change or wave are sent in order."""
    about = next((data[each] for each in ORDERED_BY if data.get(each)), sequence)
    return f"{webhook.id}:{about}"


def encode_event(topic: str, time: datetime, sequence: int, data: dict[str, Any]) -> str:
    """Return the body that tells of an event; of a large one only its short fields."""
    body = {"type": topic, "time": time.isoformat(), "sequence": sequence, "data": data}
    text = json.dumps(body)
    if len(text.encode()) <= MAX_BODY_BYTES:
        return text
    short = {key: each for key, each in data.items() if isinstance(each, str | int | bool)}
    short = {key: each[:2000] if isinstance(each, str) else each for key, each in short.items()}
    return json.dumps({**body, "data": short, "shortened": True})
