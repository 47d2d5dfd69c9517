"""The base class of stored documents, and the history of their states."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.contracts.base import (
    Value,
)

# A change that is judged on head after head would otherwise grow without end.
MAX_HISTORY_ENTRIES = 50
MAX_LISTED_TESTS = 20


# Separates the names of a nested field in keyword arguments: `decision__reason`.
NESTED = "__"

M = TypeVar("M", bound=BaseModel)


class Document(BaseModel):
    """A stored document. It is frozen: a changed one is read from the database anew."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: str
    version: int = 0

    def updated(self, **changes: Any) -> Self:
        """Return a copy with these fields changed; `a__b=x` changes field `b` of the value `a`."""
        return _updated(self, changes)


def _updated(value: M, changes: Mapping[str, Any]) -> M:
    """Return a copy of a model with these fields changed; `a__b` is field `b` of its value `a`."""
    flat: dict[str, Any] = {}
    nested: dict[str, dict[str, Any]] = {}
    for path, new in changes.items():
        name, _, rest = path.partition(NESTED)
        if rest:
            nested.setdefault(name, {})[rest] = new
        else:
            flat[name] = new
    for name, inner in nested.items():
        flat[name] = _updated(getattr(value, name), inner)
    return value.model_copy(update=flat)


class Failure(Value):
    """A failure: the reason why something could not be done, and what to do about it."""

    code: str
    message: str
    hint: str = ""
    output: str = ""


class StateTransition(Value):
    """The move of a document into a state: when, why, and some of the tests against it."""

    state: str
    at: datetime
    why: str = ""
    tests: tuple[str, ...] = ()


def history_after(document: Document, state: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Return {"history": …} with `state` added; {} if it keeps none, or without `changed_at`."""
    history, at = getattr(document, "history", None), changes.get("changed_at")
    if history is None or at is None:
        return {}
    moved = StateTransition(
        state=state,
        at=at,
        why=changes.get("decision__reason") or changes.get("decision__approval_reason") or "",
        tests=tuple(changes.get("decision__tests") or changes.get("decision__suspected") or ())[
            :MAX_LISTED_TESTS
        ],
    )
    return {"history": (*history, moved)[-MAX_HISTORY_ENTRIES:]}
