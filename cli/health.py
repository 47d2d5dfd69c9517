"""The part of a report about health: each dimension and component, before and after."""

from rich.console import Console

from cli.console import shown
from cli.text import count
from shared.contracts.health import (
    ComponentHealth,
    DimensionHealth,
    HealthChange,
    MetricChange,
    ProtectionSummary,
)

NOT_MEASURED = "not measured"
SCORES = "from 0 to 100, the best; measured before and after: docs/health.md"
PROTECTED = "protected: changed lines whose mutants were all killed"


def show_health(health: HealthChange, console: Console) -> None:
    """Show the score of each dimension, and the findings of each component that changed."""
    measured = [each for each in health.dimensions if _is_measured(each)]
    if not measured and health.findings_before is None:
        return
    console.print(f"\n[bold]Health[/] ({SCORES})")
    _show_dimensions(health, console)
    _show_components(health, console)


def _show_dimensions(health: HealthChange, console: Console) -> None:
    """Show one line for each dimension, and the metrics of its own that moved."""
    width = max((len(each.dimension) for each in health.dimensions), default=0)
    for each in health.dimensions:
        name = f"{_words(each.dimension):<{width}}"
        if not _is_measured(each):
            console.print(f"  {shown(name)}  {NOT_MEASURED:>16}")
            continue
        score = f"{_score(each.score_before)} -> {_score(each.score_after)}"
        console.print(f"  {shown(name)}  {score:>16}   {_first_metric(each):<22} {_sample(each)}")
        if moved := _other_metrics(each):
            console.print(f"  {'':<{width}}  {'':>16}   [dim]{shown(moved)}[/]")


def _is_measured(each: DimensionHealth) -> bool:
    """Return whether a dimension was measured before or after."""
    return each.sample_before is not None or each.sample_after is not None


def _words(name: str) -> str:
    """Return the name of a dimension or metric in words."""
    return name.replace("_", " ")


def _counted(each: DimensionHealth) -> MetricChange | None:
    """Return the metric that counts what is wrong, such as findings or failing tests."""
    return next((metric for metric in each.metrics if metric.better == "down"), None)


def _first_metric(each: DimensionHealth) -> str:
    """Return what is counted in a dimension, before and after; empty if nothing is."""
    metric = _counted(each)
    return _change(metric) if metric else ""


def _change(metric: MetricChange) -> str:
    """Return a metric before and after in words."""
    return f"{_words(metric.name)} {_number(metric.before)} -> {_number(metric.after)}"


def _other_metrics(each: DimensionHealth) -> str:
    """Return the other metrics that were measured at both ends and moved, but no density."""
    moved = [
        metric
        for metric in each.metrics
        if metric is not _counted(each) and metric.name != "density"
        if None not in {metric.before, metric.after} and metric.before != metric.after
    ]
    return ", ".join(map(_change, moved))


def _sample(each: DimensionHealth) -> str:
    """Return how much was read or run for a dimension, before and after if that differs."""
    ends = [
        f"{end:,}" if end is not None else "?" for end in (each.sample_before, each.sample_after)
    ]
    return f"[dim]{' -> '.join(dict.fromkeys(ends))} {each.sample_unit}[/]"


def _show_components(health: HealthChange, console: Console) -> None:
    """Show findings, and protected lines if there are any, of each component that changed."""
    changed = [each for each in health.components if _has_changed(each)]
    if not changed:
        return
    legend = f" ({PROTECTED})" if health.protection else ""
    console.print(f"  [dim]by component{legend}[/]")
    rows: list[tuple[str, HealthChange | ComponentHealth]] = [("all", health)]
    rows += [(each.component, each) for each in changed]
    width = max(len(name) for name, _ in rows)
    for name, each in rows:
        findings = f"findings {_number(each.findings_before)} -> {_number(each.findings_after)}"
        if health.protection:
            findings = f"{findings:<22} protected {_protected_lines(each.protection)}"
        console.print(f"  {shown(name):<{width}}  {findings}")


def _has_changed(each: ComponentHealth) -> bool:
    """Return whether a component's findings changed, or something that landed touched it."""
    findings_moved = each.findings_after not in {None, each.findings_before}
    return findings_moved or each.protection is not None


def _score(value: float | None) -> str:
    """Return a score with one decimal, or `not measured`."""
    return NOT_MEASURED if value is None else f"{value:.1f}"


def _number(value: float | None) -> str:
    """Return a number, or `not measured`."""
    return NOT_MEASURED if value is None else f"{value:g}"


def _protected_lines(protection: ProtectionSummary | None) -> str:
    """Return how many changed lines are protected, or a dash if that is not known."""
    if protection is None:
        return "–"  # noqa: RUF001
    return f"{protection.protected_lines} of {count(protection.lines, 'line')}"
