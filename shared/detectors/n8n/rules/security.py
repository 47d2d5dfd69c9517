"""Rules about secrets in the file, and about webhooks that anybody can call.

What a secret is never leaves this module: findings tell its place and kind.
"""

import base64
import re
from collections.abc import Iterator

from shared.contracts.base import Severity
from shared.detectors.n8n.json_text import Json
from shared.detectors.n8n.problem import Subject, WorkflowProblem, at_node, rule
from shared.detectors.n8n.workflow import Node

Path = tuple[str | int, ...]
# Texts that are a secret wherever they are.
KINDS = {
    "a private key": re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    "a GitHub token": re.compile(r"\bgh[pousr]_[A-Za-z0-9]{30,}|\bgithub_pat_[A-Za-z0-9_]{40,}"),
    "a Slack token": re.compile(r"\bxox[abeprs]-[A-Za-z0-9-]{10,}"),
    "a Slack webhook": re.compile(r"hooks\.slack\.com/services/T\w+/B\w+/\w{20,}"),
    "an AWS access key": re.compile(r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    "a Google API key": re.compile(r"\bAIza[0-9A-Za-z_-]{35}\b"),
    "a Stripe key": re.compile(r"\b[sr]k_live_[0-9A-Za-z]{20,}"),
    "an API key": re.compile(r"\bsk-(?:proj-|ant-)?[A-Za-z0-9_-]{20,}"),
    "a bot token": re.compile(r"/bot\d{6,}:[A-Za-z0-9_-]{30,}"),
    "a signed token": re.compile(r"\beyJ[\w-]{10,}\.[\w-]{10,}\.[\w-]{10,}"),
    "a bearer token": re.compile(r"\bBearer +(?!\{)[A-Za-z0-9._~+/-]{16,}"),
    "a password in an address": re.compile(r"\b[a-z][a-z0-9+]*://[^\s/:@{}]+:[^\s/:@{}]{3,}@"),
}
BASIC = re.compile(r"\bBasic +([A-Za-z0-9+/]{8,}={0,2})(?![\w{])")
SECRET_NAME = re.compile(
    r"(?:^|[-_.\s])(?:api[-_ ]?key|apikey|(?:access|auth|api|bearer|refresh|secret)[-_ ]?token"
    r"|token|client[-_ ]?secret|secret(?:[-_ ]?key)?|password|passwd|private[-_ ]?key"
    r"|authorization)$",
    re.IGNORECASE,
)
IN_ADDRESS = re.compile(
    r"[?&](?:api[-_]?key|apikey|key|token|access[-_]?token|auth|secret|password)=([^&\s{}]{12,})",
    re.IGNORECASE,
)
CAMEL_CASE = re.compile(r"(?<=[a-z0-9])(?=[A-Z])")
# What stands for a value that is to be filled in.
PLACEHOLDER = re.compile(
    r"^(?:[<\[{].*|.*[>\]}]|x{3,}|\*{3,}|\.{3,}|changeme.*|.*(?:your|example|placeholder|dummy"
    r"|redacted|insert|replace|todo|test[-_ ]?(?:key|token)).*)$",
    re.IGNORECASE | re.DOTALL,
)
MIN_SECRET_CHARACTERS = 8
CALLABLE = frozenset(
    {
        "n8n-nodes-base.webhook",
        "@n8n/n8n-nodes-langchain.chatTrigger",
        "@n8n/n8n-nodes-langchain.mcpTrigger",
    }
)
CHECKS_CALLER = re.compile(r"hmac|signature|timingSafeEqual|x-hub|jwt\.verify", re.IGNORECASE)
CHECKING_TYPES = frozenset({"crypto", "jwt"})


@rule("plain-secret", Severity.ERROR, security=True)
def plain_secret(subject: Subject) -> Iterator[WorkflowProblem]:
    """A secret in a file is known to all who can read the repository; n8n keeps credentials apart.

    It stays in the history after it is removed, so that it has to be replaced as well.
    """
    for node in subject.workflow.all_nodes:
        parameters = node.json.get("parameters")
        for path, each in parameters.walk() if parameters else ():
            kind = _kind(path, each, parameters) if isinstance(each.data, str) else ""
            if kind:
                where = ".".join(map(str, path))
                yield at_node(
                    node, f"{kind} in the parameter {where}; use a credential.", more=where
                )
    yield from _pinned_secrets(subject)


def _pinned_secrets(subject: Subject) -> Iterator[WorkflowProblem]:
    """Yield the secrets in pinned data."""
    pinned = subject.workflow.json.get("pinData")
    for path, each in pinned.walk() if pinned else ():
        kind = _known_kind(each.data) if isinstance(each.data, str) else ""
        if kind and path:
            where = ".".join(map(str, path))
            message = f"Node {path[0]!r}: {kind} in its pinned data."
            yield WorkflowProblem(each, f"pinned\0{where}", message)


def _kind(path: Path, value: Json, parameters: Json | None) -> str:
    """Return what kind of secret a text parameter is; empty if it is none."""
    text = value.data
    if kind := _known_kind(text):
        return kind
    if text.startswith("=") and "{{" in text:
        return ""
    match = IN_ADDRESS.search(text)
    if match and not PLACEHOLDER.match(match.group(1)):
        return "a key in an address"
    is_secret = any(SECRET_NAME.search(name) for name in _names(path, parameters))
    if not is_secret or len(text) < MIN_SECRET_CHARACTERS or PLACEHOLDER.match(text):
        return ""
    return "" if " " in text.strip() or text.startswith("=") else "what its name calls a secret"


def _known_kind(text: str) -> str:
    """Return what kind of secret a text holds by its form; empty if none."""
    for kind, pattern in KINDS.items():
        match = pattern.search(text)
        if match and not PLACEHOLDER.match(match.group()):
            return kind
    return "basic credentials" if any(map(_is_user_and_password, BASIC.findall(text))) else ""


def _is_user_and_password(encoded: str) -> bool:
    """Return whether a word is the encoding of a user and a password, with a colon between."""
    try:
        decoded = base64.b64decode(encoded, validate=True).decode()
    except ValueError:
        return False
    return ":" in decoded and decoded.isprintable() and not PLACEHOLDER.match(decoded)


def _names(path: Path, parameters: Json | None) -> Iterator[str]:
    """Yield the names that a text parameter goes by: its own key, or the name beside a `value`."""
    key = path[-1] if path else ""
    if key == "value" and parameters is not None:
        beside = parameters.get(*path[:-1], "name")
        if beside is not None and isinstance(beside.data, str):
            yield beside.data
    elif isinstance(key, str):
        yield CAMEL_CASE.sub("_", key)


@rule("open-webhook", Severity.WARNING, security=True)
def open_webhook(subject: Subject) -> Iterator[WorkflowProblem]:
    """A webhook without authentication starts the workflow for anybody who learns its address."""
    for node in subject.graph.triggers:
        if not _is_open(node) or node.parameter("options", "ipWhitelist"):
            continue
        if node.short_type != "webhook" or not _checks_caller(subject, node):
            yield at_node(node, "anybody who knows its address can call it.")


def _is_open(trigger: Node) -> bool:
    """Return whether a trigger has an address that everybody may call.

    A form is meant for everybody, and a chat that is not public for people who are logged in.
    """
    if trigger.type not in CALLABLE or trigger.parameter("authentication") not in (None, "none"):
        return False
    return trigger.short_type != "chatTrigger" or trigger.parameter("public") is True


def _checks_caller(subject: Subject, webhook: Node) -> bool:
    """Return whether one of the next two nodes on any path checks a signature."""
    graph, known = subject.graph, subject.workflow.by_name
    near = {each.target for each in graph.out.get(webhook.name, ())}
    near |= {each.target for name in near for each in graph.out.get(name, ())}
    return any(
        known[name].short_type in CHECKING_TYPES
        or CHECKS_CALLER.search(str(known[name].parameter()))
        for name in near
    )
