"""What senders tell us: a push to the base branch of a target wakes it."""

from collections.abc import Mapping

from services.api.domain.pushes import pushed_targets, read_push
from services.api.domain.signing import github_signature_holds, standard_signature_holds
from services.api.ports import ApiDeps
from shared.contracts.answers import MessageReceived
from shared.contracts.base import Id
from shared.contracts.documents.webhooks import ReceivedMessage, Webhook
from shared.contracts.events import TargetPushed
from shared.kernel.errors import Rejected
from shared.kernel.json_data import read_json

MAX_ID_CHARACTERS = 200


class WrongSignature(Rejected):
    """A message that is not signed by the sender it claims to be from, or too old."""

    code = "wrong_signature"


async def receive_message(
    sender_id: Id, headers: Mapping[str, str], body: bytes, deps: ApiDeps
) -> MessageReceived:
    """Publish the pushes that a signed message tells of; other messages are accepted and noted.

    A message that was received before does nothing. Raises `WrongSignature`, also for an unknown
    sender: who has no secret learns nothing.
    """
    sender = await deps.store.webhooks.get(sender_id)
    if sender is None or not _is_signed(sender, headers, body, deps):
        raise WrongSignature("No sender signed this message so, within the last five minutes.")
    own_id = headers.get("webhook-id") or headers.get("x-github-delivery") or ""
    if not 0 < len(own_id) <= MAX_ID_CHARACTERS:
        raise Rejected("The message has no id.", code="no_message_id")
    message = ReceivedMessage(id=f"{sender.id}:{own_id}", at=deps.clock())
    if await deps.store.received.get(message.id) is not None:
        return MessageReceived(repeated=True)
    targets = await _publish_pushes(message.id, body, deps)
    # Last: whoever sends it again after a crash is not taken for a repetition.
    await deps.store.received.insert(message)
    return MessageReceived(targets=targets)


def _is_signed(sender: Webhook, headers: Mapping[str, str], body: bytes, deps: ApiDeps) -> bool:
    """Return whether a message is signed by a valid secret of an enabled sender."""
    if sender.direction != "in" or sender.disabled:
        return False
    now = deps.clock()
    secrets = [each for each in sender.secrets if each.until is None or each.until > now]
    holds = github_signature_holds if sender.kind == "github" else standard_signature_holds
    return holds(secrets, headers, body)


async def _publish_pushes(key: str, body: bytes, deps: ApiDeps) -> tuple[Id, ...]:
    """Publish a push for each target it is about, and return their ids."""
    try:
        push = read_push(read_json(body))
    except ValueError:
        push = None
    if push is None:
        return ()
    found = pushed_targets(push, await deps.store.targets.find(base_branch=push.branch))
    for each in found:
        event = TargetPushed(
            target_id=each.id,
            branch=push.branch,
            commit=push.commit,
            note=f"Commits were pushed to {push.branch} of {each.name}.",
        )
        await deps.bus.publish(event, key=f"{key}:{each.id}")
    return tuple(each.id for each in found)
