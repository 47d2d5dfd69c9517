"""The budget of a wave for all that is run beside its full runs.

Full runs land changes, and are made as often as that takes. Mutants, quick gates and the search for
culprits say more about changes, or sooner; together they may take so many times the suite. The
search for culprits is never cut short, as nothing could be decided without it, but what it takes is
spent. What is left goes to the first mutant of each change, then to the second of any.
"""

from services.validator.deps import ValidatorDeps
from services.validator.gate.rounds import GateRound
from shared.contracts.base import RunPurpose

# Starting a test session takes a few seconds however short the suite is.
MIN_EXTRA_SECONDS = 20.0
# A run that records which functions each test reaches takes about so many times as long.
SLOWDOWN_BY_RECORDING = 2.0
EXTRA = frozenset(
    {
        RunPurpose.QUICK_GATE,
        RunPurpose.BISECTION,
        RunPurpose.BLAME,
        RunPurpose.CONFIRMATION,
        RunPurpose.BASE_AGAIN,
        RunPurpose.CHECK,
        RunPurpose.MUTATION,
    }
)


def allowed_seconds(extra: float, suite_seconds: float) -> float:
    """Return how long all extra runs of a wave may take; `extra` is in full runs.

    It is at least `MIN_EXTRA_SECONDS`, but 0 if `extra` is 0.
    """
    return max(extra * suite_seconds, MIN_EXTRA_SECONDS) if extra else 0.0


async def extra_seconds_left(
    gate_round: GateRound, deps: ValidatorDeps, tree: str | None = None
) -> float:
    """Return what is left of the wave's budget, 0 seconds or more; waits for the baseline.

    Mutants that were tried in `tree` are not counted, so that asking again gives the same answer.
    """
    baseline = await gate_round.baseline
    # Only a baseline of pytest or unittest is recorded.
    is_recorded = gate_round.facts.recorded is not None
    suite = baseline.seconds / (SLOWDOWN_BY_RECORDING if is_recorded else 1.0)
    runs = await deps.store.runs.find(wave_id=gate_round.wave_id)
    spent = sum(
        each.execution.seconds
        for each in runs
        if each.request.purpose in EXTRA
        and not (each.request.purpose is RunPurpose.MUTATION and each.request.tree == tree)
    )
    extra = gate_round.prepared.profile.config.test.extra
    return max(allowed_seconds(extra, suite) - spent, 0.0)
