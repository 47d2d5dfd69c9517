"""The health of a component's architecture, from the findings in it."""

from collections.abc import Sequence

from shared.agent_types import HealthReading, Metric, finding_density
from shared.agent_types.health import FINDING_METRICS
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import rule_id
from shared.detectors.imports.cycles import CYCLE
from shared.detectors.imports.layers import INFERRED_LAYER, LAYER
from shared.detectors.imports.survey import TOOL

COUNTED = {
    "modules_in_cycles": (CYCLE,),
    "imports_against_layers": (LAYER, INFERRED_LAYER),
}
METRICS = (
    *FINDING_METRICS,
    Metric("modules_in_cycles", "modules"),
    Metric("imports_against_layers", "import statements"),
)


def measure_architecture(findings: Sequence[Finding], lines: int) -> HealthReading:
    """Count what is in cycles and what goes against layers; the score is that of all findings."""
    reading = finding_density(findings, lines)
    rules = [each.rule for each in findings]
    counts = {
        name: float(sum(rules.count(rule_id(TOOL, code)) for code in codes))
        for name, codes in COUNTED.items()
    }
    return HealthReading({**reading.metrics, **counts}, reading.score)
