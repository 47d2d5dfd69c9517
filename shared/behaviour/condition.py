"""Conditions under which an edit keeps behaviour, found by their names."""

from collections.abc import Callable
from dataclasses import dataclass

from shared.behaviour.place import Place

# None: this is not the kind of edit that the condition is about. Empty: it is, and the condition
# holds. Otherwise: why the condition cannot be shown, as a clause.
Answer = str | None
HOLDS = ""


@dataclass(frozen=True)
class Condition:
    """A condition on an edit and the code around it.

    `kind` is what could differ without it, `words` is the condition as a clause for people, and
    `argument` says why it is sufficient.
    """

    name: str
    kind: str
    words: str
    argument: str
    check: Callable[[Place], Answer]


CONDITIONS: dict[str, Condition] = {}


def condition(words: str) -> Callable[[Callable[[Place], Answer]], Callable[[Place], Answer]]:
    """Register a function as a condition named after its module and itself.

    Its docstring is the argument why the condition is sufficient.
    """

    def register(check: Callable[[Place], Answer]) -> Callable[[Place], Answer]:
        """Add the function to `CONDITIONS` and return it unchanged."""
        kind = check.__module__.rpartition(".")[2]
        name = f"{kind}.{check.__name__}".replace("_", "-")
        argument = " ".join((check.__doc__ or "").split())
        CONDITIONS[name] = Condition(name, kind.replace("_", " "), words, argument, check)
        return check

    return register
