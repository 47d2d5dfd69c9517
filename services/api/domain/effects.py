"""What a landed change was predicted to do, as it was measured."""

from collections.abc import Sequence

from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.documents.findings import Health


def measured_effect(
    change: Enhancement, health_before: Sequence[Health], health_after: Sequence[Health]
) -> tuple[float, float] | None:
    """Return a change's predicted metric before and after; None if it was not measured.

    The run time that a change saves is that of the function which gains most.
    """
    prediction, gain = change.proposal.prediction, change.decision.gain
    if prediction is not None and prediction.promises_speed:
        return (1.0, round(gain.best.ratio, 3)) if gain is not None and gain.best else None
    metric, component = prediction.metric if prediction else "", change.proposal.component
    before = _metric(health_before, component, metric)
    after = _metric(health_after, component, metric)
    return None if before is None or after is None else (before, after)


def _metric(health: Sequence[Health], component: str, metric: str) -> float | None:
    """Return a component's metric, 0 if no dimension has it; None if not measured or unnamed."""
    found = [each.metrics for each in health if each.component == component]
    if not found or not metric:
        return None
    return next((each[metric] for each in found if metric in each), 0.0)
