"""The health of a target before and after a wave, for people and programs alike."""

from typing import Literal

from shared.contracts.base import Value


class ProtectionSummary(Value):
    """How many mutants of the landed changes the tests killed: counts, not ratios.

    `lines` are the changed lines with at least one mutant, `protected_lines` those without a
    surviving one.
    """

    mutants: int
    killed: int
    lines: int
    protected_lines: int


class MetricChange(Value):
    """A metric before and after a wave, None where it was not measured.

    `better` is the direction of an improvement.
    """

    name: str
    unit: str
    better: Literal["down", "up"]
    before: float | None
    after: float | None


class DimensionHealth(Value):
    """One dimension of health before and after a wave; None where it was not measured.

    The score goes from 0 to 100, the best. `source` names what measured it: detectors with their
    versions, or the test runs. `sample_before` and `sample_after` count what was read or run, in
    `sample_unit`.
    """

    dimension: str
    source: str = ""
    sample_unit: str
    sample_before: int | None = None
    sample_after: int | None = None
    score_before: float | None = None
    score_after: float | None = None
    metrics: tuple[MetricChange, ...] = ()


class ComponentHealth(Value):
    """Score (0 to 100) and findings of a component before and after; None if not measured."""

    component: str
    score_before: float | None
    score_after: float | None
    findings_before: int | None
    findings_after: int | None
    protection: ProtectionSummary | None = None


class HealthChange(Value):
    """Health before and after a wave. Scores are means over the components, weighted by lines.

    `dimensions` has every dimension, also those that were not measured.
    """

    score_before: float | None = None
    score_after: float | None = None
    findings_before: int | None = None
    findings_after: int | None = None
    components: tuple[ComponentHealth, ...] = ()
    protection: ProtectionSummary | None = None
    dimensions: tuple[DimensionHealth, ...] = ()
