"""The installed agent types, found by entry point."""

from collections.abc import Mapping
from functools import cache
from types import MappingProxyType

from shared.agent_types.health import HealthDimension
from shared.agent_types.spec import AgentSpec
from shared.detectors.ports import Change
from shared.kernel.errors import NotFound, Rejected
from shared.kernel.extensions import load_agent_types


@cache
def agent_specs() -> Mapping[str, AgentSpec]:
    """Return the registered agent types by name.

    Raises `Rejected` for an entry point that leads to something else, or to another name.
    """
    found = load_agent_types()
    for name, spec in found.items():
        if not isinstance(spec, AgentSpec) or spec.name != name:
            raise Rejected(
                f"The entry point of the agent type {name} does not lead to an AgentSpec of it.",
                hint="It must name an AgentSpec whose name is that of the entry point.",
                code="bad_agent_type",
            )
    return MappingProxyType(dict(found))


def agent_spec(name: str) -> AgentSpec:
    """Return one agent type. Raises `NotFound` where it is not registered."""
    specs = agent_specs()
    if name not in specs:
        raise NotFound(
            f"{name} is not a registered agent type.",
            hint=f"Registered: {', '.join(specs)}.",
            code="unknown_agent_type",
        )
    return specs[name]


def health_dimensions() -> Mapping[str, HealthDimension]:
    """Return the dimensions of health that the registered types declare, sorted by name.

    Of several types with one dimension, the first declares its metrics.
    """
    found: dict[str, HealthDimension] = {}
    for each in (e for spec in agent_specs().values() for e in spec.dimensions):
        found.setdefault(each.name, each)
    return {name: found[name] for name in sorted(found)}


def describe(changes: Mapping[str, Change]) -> str:
    """Return what changes do in words of what the files describe; empty where no type has any.

    Any agent may make them: what reads better in words is known by the type that cares for it.
    """
    told = [each.describe(changes) for each in agent_specs().values() if each.describe]
    return "\n".join(filter(None, told))
