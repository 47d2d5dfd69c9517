"""What was predicted of a benchmark before a change was tried, held against what was measured of it."""

from dataclasses import dataclass
from enum import StrEnum

from services.validator.domain.benchmarks import Answer, Comparison
from shared.contracts.documents import Prediction

# A metric of a prediction that is a benchmark.
METRIC = "bench."


class Fate(StrEnum):
    """What became of a prediction; `inconclusive` is neither kept nor broken."""

    KEPT = "kept"
    BROKEN = "broken"
    INCONCLUSIVE = "inconclusive"


@dataclass(frozen=True)
class Checked:
    """With a sentence for people."""

    fate: Fate
    sentence: str


def checked(prediction: Prediction, comparison: Comparison | None) -> Checked:
    """Whether a benchmark did as it was said to; None is one that was not compared.

    Kept is "same" where the answer is that; "down" and "up" where the value is shown to have moved that way, and
    by the predicted size as far as the interval allows. Broken is what the interval rules out.
    """
    if comparison is None or comparison.answer in {Answer.NEW, Answer.GONE}:
        return Checked(Fate.INCONCLUSIVE, f"{prediction.metric} was not measured on both sides.")
    if prediction.direction == "same":
        return _same(prediction, comparison)
    if comparison.low is None or comparison.high is None:
        return Checked(Fate.INCONCLUSIVE, f"{prediction.metric} was measured too seldom to tell.")
    return _moved(prediction, comparison)


def _same(prediction: Prediction, comparison: Comparison) -> Checked:
    fates = {Answer.SAME: Fate.KEPT, Answer.INCONCLUSIVE: Fate.INCONCLUSIVE}
    fate = fates.get(comparison.answer, Fate.BROKEN)
    said = f"{prediction.metric} was to stay the same, and is {comparison.answer}."
    return Checked(fate, said)


def _moved(prediction: Prediction, comparison: Comparison) -> Checked:
    least, most = _way(prediction, comparison)
    if most <= 0 or most < prediction.size:
        fate = Fate.BROKEN
    elif least > 0 and comparison.answer in {Answer.BETTER, Answer.WORSE}:
        fate = Fate.KEPT
    else:
        fate = Fate.INCONCLUSIVE
    unit = comparison.unit.value
    said = (
        f"{prediction.metric} was to go {prediction.direction} by {prediction.size:.4g} {unit}, "
        f"and went {prediction.direction} by {least:.4g} to {most:.4g} {unit}."
    )
    return Checked(fate, said)


def _way(prediction: Prediction, comparison: Comparison) -> tuple[float, float]:
    """The least and the most that the value went the predicted way, in its unit."""
    assert comparison.low is not None
    assert comparison.high is not None
    ratios = [comparison.low, comparison.high]
    if comparison.unit.more_is_better:
        ratios = [1 / each for each in ratios]
    sign = 1 if prediction.direction == "up" else -1
    least, most = sorted(sign * comparison.head * (each - 1) for each in ratios)
    return least, most
