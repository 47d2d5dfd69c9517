"""Conditions under which an edit keeps behaviour, found by their names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from shared.behaviour.place import Place

# None: this is not the kind of edit that the condition is about. Empty: it is, and the condition
# holds. Otherwise: why the condition cannot be shown, as a clause.
Answer = str | None
HOLDS = ""


@dataclass(frozen=True)
class WorkflowEdit:
    """An edit of an n8n workflow: its JSON before and after."""

    before: Mapping[str, Any]
    after: Mapping[str, Any]


CheckWorkflow = Callable[[WorkflowEdit], Answer]


@dataclass(frozen=True)
class Condition:
    """A condition on an edit and the code around it.

    `kind` is what could differ without it, `words` is the condition as a clause for people, and
    `argument` says why it is sufficient. `check` looks at Python, and `workflow` at an n8n
    workflow; a condition has one of them.
    """

    name: str
    kind: str
    words: str
    argument: str
    check: Callable[[Place], Answer]
    workflow: CheckWorkflow | None = None


CONDITIONS: dict[str, Condition] = {}


def condition(words: str) -> Callable[[Callable[[Place], Answer]], Callable[[Place], Answer]]:
    """Register a function as a condition named after its module and itself.

    Its docstring is the argument why the condition is sufficient.
    """

    def register(check: Callable[[Place], Answer]) -> Callable[[Place], Answer]:
        """Add the function to `CONDITIONS` and return it unchanged."""
        name, kind, argument = _described(check)
        CONDITIONS[name] = Condition(name, kind, words, argument, check)
        return check

    return register


def workflow_condition(words: str) -> Callable[[CheckWorkflow], CheckWorkflow]:
    """Register a function as a condition on workflows, as `condition` does on Python."""

    def register(check: CheckWorkflow) -> CheckWorkflow:
        """Add the function to `CONDITIONS` and return it unchanged."""
        name, kind, argument = _described(check)
        CONDITIONS[name] = Condition(name, kind, words, argument, lambda _: None, check)
        return check

    return register


def _described(check: Callable[..., Answer]) -> tuple[str, str, str]:
    """Return the name of the condition that a function is, its kind, and its argument."""
    kind = check.__module__.rpartition(".")[2]
    name = f"{kind}.{check.__name__}".replace("_", "-")
    return name, kind.replace("_", " "), " ".join((check.__doc__ or "").split())
