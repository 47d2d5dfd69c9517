"""The declaration of the agent type code_quality."""

from ruff import find_ruff_bin

from services.agents.types.code_quality.repair import RepairCommandEngine
from services.agents.types.code_quality.ruff_fixes import read_fixers, read_oldest_pythons
from services.agents.types.code_quality.section import (
    NAME,
    SECTION,
    CodeQualitySection,
    repair_command,
    rule_choice,
)
from shared.agent_types import (
    AgentSpec,
    FixBehaviour,
    HealthDimension,
    Priors,
    RequiredProgram,
    finding_density,
)
from shared.agent_types.health import FINDING_METRICS
from shared.detectors.ports import DetectorResources
from shared.detectors.repair_command import RULE, RepairCommandDetector
from shared.detectors.ruff import RuffDetector, RuffSecurityDetector

PRIORS = Priors(safe=0.95, unsafe=0.7)
FIXERS = read_fixers(PRIORS)
OLDEST_PYTHONS = read_oldest_pythons()
SEVERITIES = {each.declaration.code: each.declaration.severity for each in FIXERS}


def ruff_detector(resources: DetectorResources) -> RuffDetector:
    """Return the detector of the rules that have a fixer."""
    return RuffDetector(
        resources.scratch, SEVERITIES, rule_choice, SECTION, oldest_pythons=OLDEST_PYTHONS
    )


def _security_detector(resources: DetectorResources) -> RuffSecurityDetector:
    """Return the detector of ruff's security rules, which only the gate runs."""
    return RuffSecurityDetector(resources.scratch)


def _repair_command_detector(resources: DetectorResources) -> RepairCommandDetector:
    """Return the detector of what the target's own repairing command would change."""
    return RepairCommandDetector(resources, repair_command)


def _repair_command_engine(resources: DetectorResources) -> RepairCommandEngine:
    """Return the engine that proposes what the target's own repairing command changes."""
    return RepairCommandEngine(resources, PRIORS)


SPEC = AgentSpec(
    name=NAME,
    description="Fixes what linters find: likely mistakes, dead weight, and outdated idiom.",
    dimensions=(HealthDimension(NAME, FINDING_METRICS, finding_density),),
    detectors=(ruff_detector, _repair_command_detector),
    fixers=FIXERS,
    guards=(_security_detector,),
    engines=(_repair_command_engine,),
    priors=PRIORS,
    configuration=CodeQualitySection,
    protected_files=("ruff.toml", ".ruff.toml"),
    behaviours={
        RULE: FixBehaviour(
            "whatever the target's own repairing command changes",
            permitted="the target's own files name the command, so its maintainers use it anyway",
        )
    },
    programs=(RequiredProgram("ruff", find_ruff_bin),),
)
