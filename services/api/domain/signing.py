"""Signatures of Standard Webhooks, on what is sent and on what comes in."""

import hashlib
import hmac
from collections.abc import Mapping, Sequence
from datetime import datetime

from standardwebhooks.webhooks import Webhook as Signer

from shared.contracts.documents.webhooks import Delivery, SigningSecret, Webhook


def valid_secrets(webhook: Webhook, now: datetime) -> list[str]:
    """Return the secrets that sign now: the present one, and one that was rotated out lately."""
    return [each.text for each in webhook.secrets if each.until is None or each.until > now]


def signed_headers(delivery: Delivery, webhook: Webhook | None, now: datetime) -> dict[str, str]:
    """Return the headers of a delivery; one for a subscription is signed with each valid secret."""
    headers = {
        "content-type": "application/json",
        "user-agent": "Groundswell",
        "webhook-id": delivery.id,
        "webhook-timestamp": str(int(now.timestamp())),
    }
    if webhook is not None:
        secrets = valid_secrets(webhook, now)
        headers["webhook-signature"] = sign(secrets, delivery.id, now, delivery.body)
    return headers


def sign(secrets: Sequence[str], message_id: str, now: datetime, body: str) -> str:
    """Return one signature for each secret, separated by spaces."""
    return " ".join(Signer(each).sign(message_id, now, body) for each in secrets)


def standard_signature_holds(
    secrets: Sequence[SigningSecret], headers: Mapping[str, str], body: bytes
) -> bool:
    """Return whether a message is signed by one of the secrets and no older than five minutes."""
    return any(_verifies(each.text, headers, body) for each in secrets)


def _verifies(secret: str, headers: Mapping[str, str], body: bytes) -> bool:
    """Return whether a secret signed a message; whatever is malformed in it is no signature."""
    try:
        Signer(secret).verify(body, dict(headers), json_parse=False)
    except Exception:  # noqa: BLE001 - beside its own error the library raises those of its parts
        return False
    return True


def github_signature_holds(
    secrets: Sequence[SigningSecret], headers: Mapping[str, str], body: bytes
) -> bool:
    """Return whether GitHub's `X-Hub-Signature-256` is that of one of the secrets."""
    sent = headers.get("x-hub-signature-256", "").encode(errors="replace")
    return any(
        hmac.compare_digest(
            sent, f"sha256={hmac.new(e.text.encode(), body, hashlib.sha256).hexdigest()}".encode()
        )
        for e in secrets
    )
