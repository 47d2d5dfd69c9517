"""The declaration of the agent type architecture."""

from services.agents.types.architecture.advice import ADVISED as ADVISED_IMPORTS
from services.agents.types.architecture.advice import AdviceEngine
from services.agents.types.architecture.contract import RULE as CONTRACT_RULE
from services.agents.types.architecture.contract import ContractEngine
from services.agents.types.architecture.dependencies import ADVISED as ADVISED_DEPENDENCIES
from services.agents.types.architecture.dependencies import RULE as UNUSED_RULE
from services.agents.types.architecture.dependencies import DependencyEngine
from services.agents.types.architecture.health import METRICS, measure_architecture
from services.agents.types.architecture.moves import RULE as CYCLE_RULE
from services.agents.types.architecture.moves import MoveEngine
from services.agents.types.architecture.rules import deferrable, indirect, type_only
from services.agents.types.architecture.section import (
    NAME,
    ArchitectureSection,
    import_options,
    used_dependencies,
)
from services.agents.types.architecture.splits import RULE as SPLIT_RULE
from services.agents.types.architecture.splits import SplitEngine
from shared.agent_types import AgentSpec, FixBehaviour, HealthDimension, Priors
from shared.agent_types.health import DENSITY_FORMULA
from shared.detectors.dependencies.detector import DependenciesDetector
from shared.detectors.imports.detector import ImportsDetector
from shared.detectors.ports import DetectorResources

PRIORS = Priors(safe=0.95, unsafe=0.8)
MOVED = FixBehaviour(
    "the module that a moved class or function says it is from, in pickles and logs, and the one "
    "in which its globals can be replaced"
)
FIXERS = (indirect.FIXER, type_only.FIXER, deferrable.FIXER)


def _imports_detector(_: DetectorResources) -> ImportsDetector:
    """Return the detector of what is wrong with the imports between modules."""
    return ImportsDetector(import_options)


def _dependencies_detector(_: DetectorResources) -> DependenciesDetector:
    """Return the detector of what is declared and what is imported."""
    return DependenciesDetector(used_dependencies)


def _dependency_engine(resources: DetectorResources) -> DependencyEngine:
    """Return the engine that takes out or names dependencies that nothing needs."""
    return DependencyEngine(_dependencies_detector(resources), PRIORS)


def _move_engine(resources: DetectorResources) -> MoveEngine:
    """Return the engine that moves definitions to open cycles."""
    return MoveEngine(_imports_detector(resources), PRIORS)


def _split_engine(resources: DetectorResources) -> SplitEngine:
    """Return the engine that splits god modules."""
    return SplitEngine(_imports_detector(resources), PRIORS)


def _contract_engine(resources: DetectorResources) -> ContractEngine:
    """Return the engine that adds contracts for import-linter."""
    return ContractEngine(_imports_detector(resources), PRIORS)


def _advice_engine(resources: DetectorResources) -> AdviceEngine:
    """Return the engine that advises on what no fixer removes."""
    return AdviceEngine(_imports_detector(resources), PRIORS)


SPEC = AgentSpec(
    name=NAME,
    description="Opens import cycles, and shows what else is wrong with how modules depend.",
    dimensions=(HealthDimension(NAME, METRICS, measure_architecture, DENSITY_FORMULA),),
    detectors=(_imports_detector, _dependencies_detector),
    fixers=FIXERS,
    engines=(_move_engine, _split_engine, _dependency_engine, _contract_engine, _advice_engine),
    files=DependenciesDetector.files,
    priors=PRIORS,
    configuration=ArchitectureSection,
    protected_files=(".importlinter",),
    advises=ADVISED_IMPORTS | ADVISED_DEPENDENCIES | {CONTRACT_RULE},
    behaviours={
        CYCLE_RULE: MOVED,
        SPLIT_RULE: MOVED,
        CONTRACT_RULE: FixBehaviour("which imports the target's own linter lets pass"),
        UNUSED_RULE: FixBehaviour(
            "what is installed with the project, of which something may be needed"
        ),
    },
)
