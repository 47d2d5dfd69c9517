"""The declaration of the agent type code_quality."""

from ruff import find_ruff_bin

from services.agents.types.code_quality.dead_code import PHRASES as DEAD_CODE_PHRASES
from services.agents.types.code_quality.dead_code import dead_code_fixers
from services.agents.types.code_quality.javascript import CODES as JAVASCRIPT_CODES
from services.agents.types.code_quality.javascript import javascript_detector, javascript_fixers
from services.agents.types.code_quality.own_rules import BEHAVIOUR as OWN_BEHAVIOUR
from services.agents.types.code_quality.own_rules import TOOL as OWN_TOOL
from services.agents.types.code_quality.own_rules import own_rule_fixers, own_rules_detector
from services.agents.types.code_quality.repair import RepairCommandEngine
from services.agents.types.code_quality.reported import ReportedEngine
from services.agents.types.code_quality.reported_fixes import ReportedFixEngine
from services.agents.types.code_quality.returns import CODE as RETURNS_CODE
from services.agents.types.code_quality.returns import ReturnsDetector, returns_fixer
from services.agents.types.code_quality.ruff_fixes import read_fixers, read_oldest_pythons
from services.agents.types.code_quality.section import (
    NAME,
    SECTION,
    CodeQualitySection,
    max_complexity,
    repair_command,
    rule_choice,
    sarif_commands,
)
from shared.agent_types import (
    AgentSpec,
    FixBehaviour,
    HealthDimension,
    Priors,
    RequiredProgram,
    finding_density,
)
from shared.agent_types.health import DENSITY_FORMULA, FINDING_METRICS
from shared.detectors.astgrep import find_ast_grep
from shared.detectors.complexipy import ComplexityDetector
from shared.detectors.complexipy.detector import CODE as COMPLEXITY_CODE
from shared.detectors.jscpd import DuplicatesDetector, find_jscpd
from shared.detectors.jscpd.detector import CODE as DUPLICATES_CODE
from shared.detectors.ports import DetectorResources
from shared.detectors.repair_command import RULE, RepairCommandDetector
from shared.detectors.ruff import RuffDetector, RuffSecurityDetector
from shared.detectors.sarif.command import SarifCommandDetector
from shared.detectors.sarif.imported import ImportedFindingsDetector
from shared.detectors.vulture import DeadCodeDetector

PRIORS = Priors(safe=0.95, unsafe=0.7)
RUFF_FIXERS = read_fixers(PRIORS)
# Code that goes need not be tidied first.
FIXERS = (
    *dead_code_fixers(PRIORS),
    *RUFF_FIXERS,
    returns_fixer(PRIORS),
    *javascript_fixers(PRIORS),
)
# Codes of other tools than ruff that `select` and `ignore` may name.
OTHER_CODES = (
    *DEAD_CODE_PHRASES,
    RETURNS_CODE,
    COMPLEXITY_CODE,
    DUPLICATES_CODE,
    *JAVASCRIPT_CODES,
)
OLDEST_PYTHONS = read_oldest_pythons()
SEVERITIES = {each.declaration.code: each.declaration.severity for each in RUFF_FIXERS}


def ruff_detector(resources: DetectorResources) -> RuffDetector:
    """Return the detector of the rules that have a fixer."""
    return RuffDetector(
        resources.scratch,
        SEVERITIES,
        rule_choice,
        SECTION,
        oldest_pythons=OLDEST_PYTHONS,
        others=OTHER_CODES,
    )


def dead_code_detector(_: DetectorResources) -> DeadCodeDetector:
    """Return the detector of dead code."""
    return DeadCodeDetector(rule_choice)


def returns_detector(_: DetectorResources) -> ReturnsDetector:
    """Return the detector of missing return annotations."""
    return ReturnsDetector(rule_choice)


def duplicates_detector(resources: DetectorResources) -> DuplicatesDetector:
    """Return the detector of duplicated code."""
    return DuplicatesDetector(resources.scratch, rule_choice)


def complexity_detector(_: DetectorResources) -> ComplexityDetector:
    """Return the detector of functions that are hard to follow."""
    return ComplexityDetector(max_complexity, rule_choice)


def sarif_command_detector(resources: DetectorResources) -> SarifCommandDetector:
    """Return the detector over the target's own commands that print SARIF."""
    return SarifCommandDetector(resources, sarif_commands)


def _reported_engine(_: DetectorResources) -> ReportedEngine:
    """Return the engine that advises on what is reported without a fix."""
    return ReportedEngine(PRIORS)


def _reported_fix_engine(resources: DetectorResources) -> ReportedFixEngine:
    """Return the engine that proposes the fixes which imported logs offer."""
    return ReportedFixEngine(resources, PRIORS)


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
    dimensions=(HealthDimension(NAME, FINDING_METRICS, finding_density, DENSITY_FORMULA),),
    detectors=(
        ruff_detector,
        dead_code_detector,
        returns_detector,
        javascript_detector,
        own_rules_detector,
        _repair_command_detector,
    ),
    fixers=FIXERS,
    guards=(_security_detector,),
    advisors=(
        duplicates_detector,
        complexity_detector,
        sarif_command_detector,
        ImportedFindingsDetector,
    ),
    engines=(_repair_command_engine, _reported_fix_engine, _reported_engine),
    priors=PRIORS,
    configuration=CodeQualitySection,
    protected_files=("ruff.toml", ".ruff.toml"),
    behaviours={
        RULE: FixBehaviour(
            "whatever the target's own repairing command changes",
            permitted="the target's own files name the command, so its maintainers use it anyway",
        )
    },
    programs=(
        RequiredProgram("ruff", find_ruff_bin),
        RequiredProgram("jscpd", find_jscpd),
        RequiredProgram("ast-grep-cli", find_ast_grep),
    ),
    target_rules={OWN_TOOL: OWN_BEHAVIOUR},
    target_fixers=own_rule_fixers,
    protected_keys=("rules",),
)
