"""Health by dimension, before a wave and after it. What was not measured is None."""

from collections.abc import Iterable, Mapping, Sequence

from shared.agent_types.health import HealthDimension, Metric
from shared.contracts.documents.findings import Health
from shared.contracts.health import DimensionHealth, MetricChange

SAMPLE_UNIT = "lines"


def compare_dimensions(
    declared: Mapping[str, HealthDimension], before: Sequence[Health], after: Sequence[Health]
) -> tuple[DimensionHealth, ...]:
    """Return every declared or measured dimension by name, also those that were not measured."""
    names = sorted({*declared, *(each.dimension for each in (*before, *after))})
    return tuple(_compare(name, declared.get(name), before, after) for name in names)


def mean_score(health: Sequence[Health]) -> float | None:
    """Return the mean score of these readings, weighted by lines; None if there are no lines."""
    lines = _sum(health, "lines")
    if not lines:
        return None
    return round(sum(each.score * each.metrics["lines"] for each in health) / lines, 1)


def _compare(
    name: str,
    declared: HealthDimension | None,
    before: Sequence[Health],
    after: Sequence[Health],
) -> DimensionHealth:
    """Return one dimension before and after."""
    first, last = ([e for e in health if e.dimension == name] for health in (before, after))
    return DimensionHealth(
        dimension=name,
        source="; ".join(dict.fromkeys(each.source for each in (*first, *last) if each.source)),
        sample_unit=SAMPLE_UNIT,
        sample_before=_lines(first),
        sample_after=_lines(last),
        score_before=mean_score(first),
        score_after=mean_score(last),
        metrics=tuple(
            _metric(each, first, last) for each in (declared.metrics if declared else ())
        ),
    )


def _lines(health: Sequence[Health]) -> int | None:
    """Return how many lines were read; None if nothing was measured."""
    return int(_sum(health, "lines")) if health else None


def _metric(metric: Metric, before: Sequence[Health], after: Sequence[Health]) -> MetricChange:
    """Return one metric before and after."""
    return MetricChange(
        name=metric.name,
        unit=metric.unit,
        better=metric.better,
        before=_value(metric, before),
        after=_value(metric, after),
    )


def _value(metric: Metric, health: Sequence[Health]) -> float | None:
    """Return a metric over all components; None if it was not measured in one of them."""
    if not health or any(metric.name not in each.metrics for each in health):
        return None
    if not metric.density:
        return _sum(health, metric.name)
    lines = _sum(health, "lines")
    weighted = sum(each.metrics[metric.name] * each.metrics["lines"] for each in health)
    return round(weighted / lines, 1) if lines else None


def _sum(health: Iterable[Health], name: str) -> float:
    """Return the sum of a metric."""
    return sum(each.metrics[name] for each in health)
