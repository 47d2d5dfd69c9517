"""What an agent type declares, and the types that are installed.

A type is a folder or a package with one `AgentSpec`, named by an entry point of the group
`groundswell.agent_types`. Services derive everything from the registered specs and name no type.
"""

from shared.agent_types.engines import Engine, EngineFactory, Proposal, TaskContext
from shared.agent_types.fixers import (
    Fixer,
    FixerDeclaration,
    Priors,
    ToolFixer,
)
from shared.agent_types.health import HealthDimension, HealthReading, Metric, finding_density
from shared.agent_types.registry import agent_spec, agent_specs, describe, health_dimensions
from shared.agent_types.spec import AgentSpec, DetectorFactory, RequiredProgram
from shared.behaviour import FixBehaviour

__all__ = [
    "AgentSpec",
    "DetectorFactory",
    "Engine",
    "EngineFactory",
    "FixBehaviour",
    "Fixer",
    "FixerDeclaration",
    "HealthDimension",
    "HealthReading",
    "Metric",
    "Priors",
    "Proposal",
    "RequiredProgram",
    "TaskContext",
    "ToolFixer",
    "agent_spec",
    "agent_specs",
    "describe",
    "finding_density",
    "health_dimensions",
]
