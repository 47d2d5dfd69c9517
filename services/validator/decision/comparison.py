"""No worse, per test: what may differ between a base and a candidate, and what may not."""

from collections.abc import Collection, Mapping

from services.validator.decision.evidence import Seen
from services.validator.suite.domain.reports import Outcome, TestReport

GOOD = frozenset({Outcome.PASSED, Outcome.XPASSED})
BAD = frozenset({Outcome.FAILED, Outcome.ERROR})


def no_worse(
    base: Mapping[str, Outcome],
    candidate: Mapping[str, Outcome],
    *,
    asked: Collection[str] | None = None,
) -> frozenset[str]:
    """The tests that got worse; empty means no worse.

    Worse is: passed on the base, and now fails, is an error, was skipped, is expected to fail, or
    vanished; or it fails, and on the base it was new, skipped or expected to. What fails on the base
    is blamed on nobody. `asked` limits the question to tests that were run.
    """
    known = base.items() if asked is None else [(t, base[t]) for t in asked if t in base]
    lost = {test for test, was in known if _lost(was, candidate.get(test))}
    new = {test for test, now in candidate.items() if now in BAD and test not in base}
    return frozenset(lost | new)


def _lost(was: Outcome, now: Outcome | None) -> bool:
    return now not in GOOD if was in GOOD else was not in BAD and now in BAD


def compared(
    base: TestReport, candidate: TestReport, *, tests: Collection[str] = (), repeat: int = 1
) -> Seen:
    """What a run of the candidate shows beside the base; without `tests` it was a full run."""
    worse = no_worse(base.outcomes, candidate.outcomes, asked=tests or None)
    new = frozenset(candidate.outcomes.keys() - base.outcomes.keys())
    return Seen(worse, new, _failures(worse, candidate, repeat) if repeat > 1 else {})


def _failures(worse: Collection[str], candidate: TestReport, repeat: int) -> dict[str, int]:
    """How often each failed; one that vanished or was skipped did so each time, and is not counted."""
    results = candidate.results
    failing = [each for each in worse if each in results and results[each].outcome.bad]
    return {each: min(results[each].failed, repeat) for each in failing}
