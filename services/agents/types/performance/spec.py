"""The declaration of the agent type performance."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager

from services.agents.types.performance.advice import ADVISED, advice_engine
from services.agents.types.performance.lazy_imports import DECLARATION, LazyImportEngine
from services.agents.types.performance.profile import BenchmarkProfileDetector
from services.agents.types.performance.rewrite import TOOL, AdviceRule, Rewrite
from services.agents.types.performance.rules.cached_formula import CachedFormula
from services.agents.types.performance.rules.compiled_pattern import CompiledPattern
from services.agents.types.performance.rules.comprehension import Comprehension
from services.agents.types.performance.rules.grown_text import GrownText
from services.agents.types.performance.rules.pattern_method import PatternMethod
from services.agents.types.performance.rules.queue_as_list import QueueAsList
from services.agents.types.performance.rules.read_copy import CountedCopy, JoinedCopy
from services.agents.types.performance.rules.repeated_lookup import RepeatedLookup
from services.agents.types.performance.rules.repeated_read import RepeatedRead
from services.agents.types.performance.rules.searched_constant import SearchedConstant
from services.agents.types.performance.rules.searched_copy import SearchedCopy
from services.agents.types.performance.rules.searched_display import SearchedDisplay
from services.agents.types.performance.section import (
    NAME,
    PerformanceSection,
    rule_choice,
    section,
)
from services.agents.types.performance.slow_tests import RULE as SLOW_TEST
from services.agents.types.performance.slow_tests import SlowTestsDetector
from services.agents.types.performance.start_up import ImportTimesDetector
from shared.agent_types import AgentSpec, HealthDimension, Priors, finding_density
from shared.agent_types.health import DENSITY_FORMULA, FINDING_METRICS, HealthReading
from shared.behaviour.conditions import (
    caching,
    comprehensions,
    copies,
    membership,
    patterns,
    queues,
)
from shared.contracts.documents.findings import Finding
from shared.detectors.ports import DetectorResources, Source, Workspace
from shared.detectors.rewrites import RewritesDetector, Rule
from shared.detectors.ruff import RuffDetector

# Counted up with each change of what the rules find.
EDITION = 2
PRIORS = Priors(safe=0.95, unsafe=0.7)
# Their modules declare them when they are imported.
CONDITIONS = (caching, comprehensions, copies, membership, patterns, queues)
REWRITES: tuple[Rewrite, ...] = (
    SearchedDisplay(),
    SearchedConstant(),
    SearchedCopy(),
    CompiledPattern(),
    PatternMethod(),
    QueueAsList(),
    Comprehension(),
    CountedCopy(),
    JoinedCopy(),
    CachedFormula(),
)
ADVICE: tuple[AdviceRule, ...] = (RepeatedRead(), GrownText(), RepeatedLookup())


def chosen_rules(source: Source) -> Sequence[Rule]:
    """Return the rules of ours that a target wants to be looked for."""
    choice = rule_choice(source)
    rules = [*REWRITES, *(ADVICE if section(source).advice else ())]
    oldest = source.profile.oldest_python
    return [e for e in rules if choice.includes(e.code) and e.oldest_python <= oldest]


def rewrites_detector(resources: DetectorResources) -> RewritesDetector:
    """Return the detector of our own rules."""

    def open_formatter(
        source: Source, files: Mapping[str, str]
    ) -> AbstractContextManager[Workspace]:
        """Return a workspace of ruff, which formats as the target does."""
        return RuffDetector(resources.scratch, {}).open_workspace(source, files)

    return RewritesDetector(TOOL, EDITION, (*REWRITES, *ADVICE), chosen_rules, open_formatter)


def measure_health(findings: Sequence[Finding], lines: int) -> HealthReading:
    """Return the density of findings in the code of a component; slow tests are not in it."""
    return finding_density([each for each in findings if each.rule != SLOW_TEST], lines)


SPEC = AgentSpec(
    name=NAME,
    description="Makes Python faster where the code shows how, and says what else is slow.",
    dimensions=(HealthDimension(NAME, FINDING_METRICS, measure_health, DENSITY_FORMULA),),
    detectors=(rewrites_detector,),
    fixers=REWRITES,
    advisors=(ImportTimesDetector, BenchmarkProfileDetector, SlowTestsDetector),
    engines=(LazyImportEngine, advice_engine),
    files=("*.py", "*.pyi"),
    priors=PRIORS,
    configuration=PerformanceSection,
    behaviours={DECLARATION.rule: DECLARATION.behaviour},
    advises=ADVISED,
)
