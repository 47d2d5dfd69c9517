"""The health of the workflows of a component."""

from collections.abc import Sequence

from shared.agent_types import HealthReading, Metric, finding_density
from shared.agent_types.health import FINDING_METRICS
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import rule_id
from shared.detectors.n8n import RULES, TOOL

# Rules by what they say about a workflow: whether it runs on the next version of n8n, whether it
# survives failures, and whether it keeps its secrets.
GROUPS = {
    "upgrade_blockers": (
        "start-node",
        "function-node",
        "item-lists-node",
        "removed-node",
        "removed-helper",
        "each-mode",
        "removed-source",
        "old-python",
        "caller-policy",
    ),
    "broken": (
        "missing-target",
        "missing-reference",
        "duplicate-name",
        "unknown-type",
        "unknown-choice",
        "unknown-version",
        "missing-parameter",
        "endless-loop",
        "no-such-output",
    ),
    "unguarded": ("no-error-workflow", "http-no-retry", "http-no-timeout"),
    "exposed": ("plain-secret", "open-webhook", "pinned-data"),
}
METRICS = (
    *FINDING_METRICS,
    Metric("upgrade_blockers", "nodes that the next versions of n8n do not run"),
    Metric("broken", "places at which executions fail"),
    Metric("unguarded", "places at which a failure goes unnoticed or is not tried again"),
    Metric("exposed", "places that give away secrets or data, or let anybody in"),
)


def measure(findings: Sequence[Finding], lines: int) -> HealthReading:
    """Return the density of findings, and the number of those of each group of rules."""
    reading = finding_density(findings, lines)
    counts = {
        name: float(sum(each.rule in {rule_id(TOOL, code) for code in codes} for each in findings))
        for name, codes in GROUPS.items()
    }
    return HealthReading({**reading.metrics, **counts}, reading.score)


assert all(code in RULES for codes in GROUPS.values() for code in codes)
