"""Agent types installed in this environment, found by entry point and loaded when first needed."""

import re
from collections.abc import Mapping
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType
from typing import Any

from shared.kernel.errors import Rejected

AGENT_TYPES_GROUP = "groundswell.agent_types"
AGENT_TYPE_PATTERN = r"^[a-z][a-z0-9_]{0,39}$"
# "all" is a focus, and "protection" a dimension of health that belongs to no agent type.
RESERVED_NAMES = frozenset({"all", "protection"})


@cache
def agent_type_names() -> tuple[str, ...]:
    """Return the names of the registered agent types, sorted; none of them is imported.

    Raises `Rejected` for a name that cannot be part of a subject, and for one registered twice.
    """
    names = sorted(each.name for each in _registered())
    for name in names:
        if not re.match(AGENT_TYPE_PATTERN, name) or name in RESERVED_NAMES:
            raise Rejected(
                f"{name!r} cannot be the name of an agent type.",
                hint="Use lower-case letters, digits and underscores; not 'all' or 'protection'.",
                code="bad_agent_type",
            )
        if names.count(name) > 1:
            raise Rejected(
                f"Two installed packages register the agent type {name}.",
                hint="Uninstall one of them.",
                code="bad_agent_type",
            )
    return tuple(names)


@cache
def load_agent_types() -> Mapping[str, Any]:
    """Return the objects behind the registered agent types, by name.

    Raises `Rejected` where one cannot be imported.
    """
    names = agent_type_names()
    found = {each.name: each for each in _registered()}
    return MappingProxyType({name: _load(found[name]) for name in names})


def _registered() -> tuple[EntryPoint, ...]:
    """Return the entry points of agent types of all installed packages."""
    return tuple(entry_points(group=AGENT_TYPES_GROUP))


def _load(entry_point: EntryPoint) -> Any:
    """Return the object behind an entry point. Raises `Rejected` if it cannot be imported."""
    try:
        return entry_point.load()
    except Exception as error:
        raise Rejected(
            f"The agent type {entry_point.name} ({entry_point.value}) cannot be loaded: {error}.",
            hint="Reinstall or uninstall the package that registers it.",
            code="bad_agent_type",
        ) from error
