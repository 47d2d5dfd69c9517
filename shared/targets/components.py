"""The components of a target: its named parts, and which of them a path belongs to."""

from collections.abc import Sequence
from typing import Literal

from shared.contracts.base import Value
from shared.targets.paths import matches


class Component(Value):
    """A named part of a target. `paths` are gitignore-style; `reason` says where it comes from.

    Only agents of `agent_types` may work there, all if it is empty. With `approval` required every
    change there waits for a person.
    """

    name: str
    paths: tuple[str, ...]
    source: str
    owners: tuple[str, ...] = ()
    reason: str = ""
    agent_types: tuple[str, ...] = ()
    approval: Literal["none", "required"] = "none"


def component_of(path: str, components: Sequence[Component]) -> str | None:
    """Return the name of the component that owns a path: the last that covers it; else None."""
    owner = None
    for each in components:
        if matches(path, each.paths):
            owner = each.name
    return owner
