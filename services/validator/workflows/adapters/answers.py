"""Reads the answers of n8n's public API, which are data of unknown form."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from services.validator.workflows.domain.live import LiveWorkflow, WorkflowExecution
from shared.kernel.errors import Transient
from shared.kernel.json_data import read_json

CONTENT = ("nodes", "connections", "settings", "pinData")
MAX_MESSAGE_CHARACTERS = 300
RETRY_SECONDS = 10.0


def read_workflow(answer: Any) -> LiveWorkflow:
    """Return a workflow. Raises `Transient` for an answer without id and version."""
    data = _object(answer)
    identity, version = data.get("id"), data.get("versionId")
    if not isinstance(identity, str) or not isinstance(version, str):
        raise _unreadable("a workflow without id and version")
    return LiveWorkflow(
        id=identity,
        name=str(data.get("name") or ""),
        version=version,
        published=_published(data),
        content={key: data[key] for key in CONTENT if isinstance(data.get(key), dict | list)},
        created_at=_time(data.get("createdAt")),
    )


def read_execution(answer: Any) -> WorkflowExecution:
    """Return an execution. Raises `Transient` for an answer without an id."""
    data = _object(answer)
    if data.get("id") is None:
        raise _unreadable("an execution without id")
    found: Any = data.get("data")
    for key in ("resultData", "runData"):
        found = found.get(key) if isinstance(found, dict) else None
    runs = found if isinstance(found, dict) else {}
    return WorkflowExecution(
        id=str(data["id"]),
        status=str(data.get("status") or ""),
        runs={name: each for name, each in runs.items() if isinstance(each, list)},
    )


def read_page(answer: Any) -> tuple[Sequence[Any], str]:
    """Return the rows of a page and the cursor of the next one, which is empty for the last."""
    data = _object(answer)
    rows, cursor = data.get("data"), data.get("nextCursor")
    if not isinstance(rows, list):
        raise _unreadable("a page without rows")
    return rows, cursor if isinstance(cursor, str) else ""


def refusal(body: bytes) -> str:
    """Return the message of an answer that refuses something, in one line; empty without one."""
    try:
        data = read_json(body)
    except ValueError:
        return ""
    message = data.get("message") if isinstance(data, dict) else None
    return " ".join(message.split())[:MAX_MESSAGE_CHARACTERS] if isinstance(message, str) else ""


def _published(data: dict[str, Any]) -> str:
    """Return the version of a workflow that is published; empty if none is."""
    version = data.get("activeVersionId")
    return version if isinstance(version, str) else ""


def _object(answer: Any) -> dict[str, Any]:
    """Return an answer that is an object. Raises `Transient` for any other."""
    if not isinstance(answer, dict):
        raise _unreadable("no object")
    return answer


def _time(value: Any) -> datetime | None:
    """Return a time of an answer; None if it is none."""
    try:
        return datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _unreadable(what: str) -> Transient:
    """Return the error for an answer that has not the form it should have."""
    return Transient(f"n8n answers with {what}", delay=RETRY_SECONDS)
