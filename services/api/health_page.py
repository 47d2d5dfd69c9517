"""Writes docs/health.md: what each dimension of health measures, and how its score follows."""

from collections.abc import Iterable, Iterator
from pathlib import Path

from services.api.domain import suite_health
from shared.agent_types import AgentSpec, agent_specs
from shared.agent_types.health import HALVING_DENSITY, HealthDimension, Metric, finding_density
from shared.contracts.base import Severity
from shared.contracts.documents.findings import Finding
from shared.detectors.findings import SEVERITY_WEIGHTS

PAGE = Path("docs/health.md")
EXAMPLE_LINES = 500
EXAMPLE = (Severity.ERROR, Severity.WARNING, Severity.WARNING, Severity.NOTE)
HEAD = """# Health

<!-- Generated from the declarations: python -m services.api.health_page -->

Each wave measures the health of the commit it begins with and of the commit it ends with, and its
report shows both: `before -> after`. Both are measured in the same way, on the code as it is. No
change counts for what it claims: the figures of a wave are those of its final commit, whatever the
changes on it predicted. What was not measured says so, and is never shown as a number.

Health has dimensions, each with a score of its own from 0 to 100, the best. No report shows a score
over all of them, as nothing says how much of one is worth how much of another; the data have their
mean (`health.score_before`), as they always had. In the data of a report
(`groundswell run --json`, `GET /api/v1/waves/{id}/report`, under `health.dimensions`) each has its
`source` (the detectors that measured it, with their versions, or the test runs), its sample
(`sample_before`, `sample_after` in `sample_unit`: lines read, or tests run), and its metrics with
their units and the direction that is
`better`.

A dimension is not measured where no file is of its kind (no workflow, no Python), and where a
detector of its agent type failed: fewer findings would look like better health. Then a note of the
report says which failed.
"""
DENSITY = """## The density of findings

The score of each dimension of an agent type falls with the density of its findings:

- Each finding counts by its severity: {weights}.
- `density` = 1000 * sum of these / lines that the detectors of the type read. Of a workflow those
  of its nodes count, so that no score falls where dead connections or pinned data go.
- `score` = 100 / (1 + density / {halving:g}), rounded to one decimal: without findings 100, at a
  density of {halving:g} 50, at twice that 33.3. It never gets to 0, so that any repair is seen.

For example, {findings} in {lines} lines have a density of {density:g}, and the score is {score:g}.

Over several components a score is the mean of theirs, weighted by lines; so is the density. All
other metrics are sums. Findings without a fix count as well, but for slow tests (`PRF902`). As it
is a density, a score falls a little where code goes and the findings stay; no report hides that.
"""
SUITE = """## The tests of the target

The dimension `tests` is measured by full runs of the target's suite: the baseline, and the run
that let the last change land. That tree is byte for byte the final commit. Where nothing landed,
both are the same run.

- `score` = {formula}, rounded to one decimal. Skipped tests do not count.
- `killed_mutants` is the share of the mutants in the lines that landed which a test killed. There
  is no figure before the wave, as mutants are only put into lines that a change touches.

A rollback is tested as well, but does not change the report of a wave that is over.
"""


def render() -> str:
    """Return the whole page as Markdown."""
    lines = [
        HEAD,
        "## The dimensions",
        "",
        *_table(),
        "",
        _density(),
        SUITE.format(formula=suite_health.FORMULA),
    ]
    return "\n".join(lines).rstrip() + "\n"


def _table() -> Iterator[str]:
    """Yield the lines of the Markdown table of all dimensions and their metrics."""
    yield "| dimension | measured by | metric | unit | better | score |"
    yield "|---|---|---|---|---|---|"
    for spec in agent_specs().values():
        for each in spec.dimensions:
            yield from _rows(each.name, _sources(spec), each.metrics, _formula(each))
    yield from _rows(
        suite_health.DIMENSION,
        "full runs of the suite, mutants",
        suite_health.METRICS,
        f"`{suite_health.FORMULA}`",
    )


def _sources(spec: AgentSpec) -> str:
    """Return whose findings make up the dimensions of an agent type."""
    return f"the detectors of `{spec.name}`"


def _formula(dimension: HealthDimension) -> str:
    """Return how the score of a dimension follows from its metrics."""
    return f"`{dimension.formula}`"


def _rows(name: str, source: str, metrics: Iterable[Metric], formula: str) -> Iterator[str]:
    """Yield a row for each metric of a dimension; what they share is in the first one."""
    first, last = (f"`{name}`", source), (formula,)
    for each in metrics:
        cells = (*first, f"`{each.name}`", each.unit, each.better, *last)
        yield f"| {' | '.join(cells)} |"
        first, last = ("", ""), ("",)


def _density() -> str:
    """Return how scores follow from findings, with an example that is computed here."""
    reading = finding_density([_finding(each) for each in EXAMPLE], EXAMPLE_LINES)
    counts = {each: EXAMPLE.count(each) for each in SEVERITY_WEIGHTS}
    return DENSITY.format(
        weights=", ".join(f"{each} {weight:g}" for each, weight in SEVERITY_WEIGHTS.items()),
        halving=HALVING_DENSITY,
        findings=", ".join(_count(number, each) for each, number in counts.items()),
        lines=EXAMPLE_LINES,
        density=reading.metrics["density"],
        score=reading.score,
    )


def _count(number: int, severity: Severity) -> str:
    """Return a number of findings of a severity in words."""
    return f"{number} {severity}{'s' * (number != 1)}"


def _finding(severity: Severity) -> Finding:
    """Return a finding of this severity; nothing else of it counts."""
    return Finding(
        rule="tool:code",
        severity=severity,
        message="",
        path="",
        line=1,
        fingerprint="",
        tool="tool",
    )


if __name__ == "__main__":
    PAGE.write_text(render())
