"""What every stored document is made of."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Self, TypeVar

from pydantic import BaseModel, ConfigDict

from shared.contracts.base import (
    Value,
)

# A change that is sent back for ever would grow for ever.
REMEMBERED = 50
LISTED = 20


# Separates the names of a nested field in keyword arguments: `decision__reason`.
NESTED = "__"

M = TypeVar("M", bound=BaseModel)


class Document(BaseModel):
    """Frozen: a change is a new document that came back from the database."""

    model_config = ConfigDict(frozen=True, extra="ignore")
    id: str
    version: int = 0

    def updated(self, **changes: Any) -> Self:
        """Return a copy with these fields changed; `a__b=x` changes field `b` of the value `a`."""
        return _updated(self, changes)


def _updated(value: M, changes: Mapping[str, Any]) -> M:
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
    """Why something could not be done, for people: what was wrong and what to do."""

    code: str
    message: str
    hint: str = ""
    output: str = ""


class StateTransition(Value):
    """When a document came into a state, and what was said of it then; `tests` are some of those against it."""

    state: str
    at: datetime
    why: str = ""
    tests: tuple[str, ...] = ()


def history_after(document: Document, state: str, changes: Mapping[str, Any]) -> dict[str, Any]:
    """The history of `document` once it has moved to `state` with these `changes`; nothing where it keeps none."""
    history, at = getattr(document, "history", None), changes.get("changed_at")
    if history is None or at is None:
        return {}
    moved = StateTransition(
        state=state,
        at=at,
        why=changes.get("decision__reason") or changes.get("decision__approval_reason") or "",
        tests=tuple(changes.get("decision__tests") or changes.get("decision__suspected") or ())[
            :LISTED
        ],
    )
    return {"history": (*history, moved)[-REMEMBERED:]}
