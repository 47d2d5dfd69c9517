"""The declaration of the agent type security."""

import tomllib
from importlib.resources import files

from ruff import find_ruff_bin

from services.agents.types.security.advisories import AdvisoryDetector
from services.agents.types.security.detector import WeaknessDetector
from services.agents.types.security.fixer import WeaknessFixer
from services.agents.types.security.rules import RULES
from services.agents.types.security.section import NAME, SecuritySection
from shared.agent_types import (
    AgentSpec,
    HealthDimension,
    Priors,
    RequiredProgram,
    finding_density,
)
from shared.agent_types.health import DENSITY_FORMULA, FINDING_METRICS
from shared.agent_types.plans import PlansEngine, advised_rules, read_plans
from shared.contracts.base import Severity
from shared.detectors.ports import DetectorResources
from shared.detectors.ruff import RuffSecurityDetector

PRIORS = Priors(safe=0.95, unsafe=0.75)
PLANS = read_plans((files(__package__) / "advice.toml").read_text(encoding="utf-8"))


def read_severities() -> dict[str, Severity]:
    """Return the severities of the rules without a fix, by code."""
    table = tomllib.loads((files(__package__) / "severities.toml").read_text(encoding="utf-8"))
    return {code: Severity(each) for code, each in table["severities"].items()}


def weakness_detector(resources: DetectorResources) -> WeaknessDetector:
    """Return the detector of all rules, with and without a fix."""
    return WeaknessDetector(resources.scratch, RULES, read_severities())


def advisory_detector(_: DetectorResources) -> AdvisoryDetector:
    """Return the detector of dependencies with known vulnerabilities."""
    return AdvisoryDetector()


def _advice_engine(_: DetectorResources) -> PlansEngine:
    """Return the engine that advises on weaknesses that nothing fixes."""
    return PlansEngine(PLANS)


def _security_detector(resources: DetectorResources) -> RuffSecurityDetector:
    """Return the detector of ruff's security rules as they are, which only the gate runs."""
    return RuffSecurityDetector(resources.scratch)


SPEC = AgentSpec(
    name=NAME,
    description="Closes doors to attackers: what runs, reads or trusts more than it has to.",
    dimensions=(HealthDimension(NAME, FINDING_METRICS, finding_density, DENSITY_FORMULA),),
    detectors=(weakness_detector, advisory_detector),
    fixers=tuple(WeaknessFixer(each) for each in RULES),
    guards=(_security_detector,),
    engines=(_advice_engine,),
    advises=advised_rules(PLANS),
    priors=PRIORS,
    configuration=SecuritySection,
    protected_files=(".bandit",),
    programs=(RequiredProgram("ruff", find_ruff_bin),),
)
