"""Rules of watching landed changes: when to check, and which change to blame for a regression.

`evaluate` is a pure function of the measurements of one check: it returns the next measurement to
make, or the outcome. A position is a number: the commits of the batch count from 1, `BEFORE` is the
commit that they landed on, `TIP` the branch as it is now.

Earlier measurements are never compared with today's: what fails today without the batch too is due
to the clock or the environment. And no change is blamed for what it causes only together with
others, or for what does not repeat.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.validator.decision.splitting import midpoint

TIP, BEFORE = -1, 0
# The rounds of measurements in a check: each repeats what the one before it observed.
DETECTION, CONFIRMATION, PROOF = 0, 1, 2
REPETITIONS_PER_CHECK = 10
# A test must pass this many times in a row before its passing counts against a change.
REQUIRED_PASSES = 5
# No two checks are closer than this, and none is closer to the end of its wave.
MIN_CHECK_INTERVAL = timedelta(seconds=30)


@dataclass(frozen=True)
class CheckSchedule:
    """When the `checks` within `window` after `begun` are due; early ones are closer together."""

    begun: datetime
    window: timedelta
    checks: int

    def due(self, number: int) -> datetime:
        """Return when the `number`-th check is due, counted from 1; the last ends the window."""
        return self.begun + max(
            self.window * (number / self.checks) ** 2, MIN_CHECK_INTERVAL * number
        )

    def number(self, now: datetime) -> int:
        """Return how many checks are due by now; one check makes up for all that were missed."""
        return sum(self.due(each + 1) <= now for each in range(self.checks))

    def over(self, now: datetime) -> bool:
        """Return True if it is too late for missed checks too: one window after the window."""
        return now > self.due(self.checks) + max(self.window, MIN_CHECK_INTERVAL)


@dataclass(frozen=True)
class ObservationRequest:
    """A measurement to make at a position: of everything, or only of these symptoms.

    `round` counts repeated measurements. With `times` a symptom counts as absent only if it is
    absent that many times in a row.
    """

    place: int
    symptoms: tuple[str, ...] = ()
    round: int = DETECTION
    times: int = 1


@dataclass(frozen=True)
class Observed:
    """The symptoms that are present; in a measurement of everything, only those that are new."""

    bad: frozenset[str]


@dataclass(frozen=True)
class NotObserved:
    """A measurement that failed: it is neither a pass nor a reason for blame."""

    reason: str


Observation = Observed | NotObserved


@dataclass(frozen=True)
class NeedsObservation:
    """A measurement that the evaluation needs next."""

    request: ObservationRequest


@dataclass(frozen=True)
class Healthy:
    """Nothing is worse than at landing."""


@dataclass(frozen=True)
class Drifted:
    """Something is worse than at landing, but just as bad without the batch."""

    symptoms: tuple[str, ...]


@dataclass(frozen=True)
class NotRepeated:
    """Something was worse once, and not when it was measured again."""

    symptoms: tuple[str, ...]


@dataclass(frozen=True)
class Unmeasured:
    """Nothing could be measured."""

    reason: str


@dataclass(frozen=True)
class Culprit:
    """The change at `place` causes these symptoms."""

    place: int
    symptoms: tuple[str, ...]


@dataclass(frozen=True)
class Regressed:
    """Something is confirmed to be worse than before the batch.

    Symptoms that no culprit explains are caused by no single change.
    """

    symptoms: tuple[str, ...]
    culprits: tuple[Culprit, ...] = ()
    reason: str = ""


Outcome = Healthy | Drifted | NotRepeated | Unmeasured | Regressed


def evaluate(
    changes: int, seen: Mapping[ObservationRequest, Observation]
) -> NeedsObservation | Outcome:
    """Return the next measurement for a batch of so many changes, or the outcome of the check."""
    try:
        return _Evaluation(changes, seen).evaluate()
    except _MissingObservationError as missing:
        return NeedsObservation(missing.request)
    except _NotObservedError as unseen:
        return Unmeasured(unseen.reason)


class _MissingObservationError(Exception):
    """The evaluation needs a measurement that was not made yet."""

    def __init__(self, request: ObservationRequest) -> None:
        super().__init__()
        self.request = request


class _NotObservedError(Exception):
    """The evaluation needs a measurement that failed, for this reason."""

    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class _Evaluation:
    """One evaluation of a check of so many landed changes, from the measurements `seen`."""

    def __init__(self, changes: int, seen: Mapping[ObservationRequest, Observation]) -> None:
        self.changes = changes
        self.seen = seen

    def evaluate(self) -> Outcome:
        """Return the outcome of the check, if all measurements that it needs were made.

        Raises `_MissingObservationError` for the next one, `_NotObservedError` if one failed before
        a regression was confirmed.
        """
        there = self._present(ObservationRequest(TIP))
        if not there:
            return Healthy()
        worse = there - self._present_of(BEFORE, there)
        if not worse:
            return Drifted(_in_order(there))
        # The base comes last: what recovered in between then shows in neither of the two.
        again = self._present_of(TIP, worse, CONFIRMATION)
        confirmed = again - self._present_of(BEFORE, again, CONFIRMATION, REQUIRED_PASSES)
        if not confirmed:
            return NotRepeated(_in_order(worse))
        try:
            return self._blame(confirmed)
        except _NotObservedError as unseen:
            return Regressed(
                _in_order(confirmed), reason=f"the culprit is not known: {unseen.reason}"
            )

    def _blame(self, confirmed: frozenset[str]) -> Regressed:
        """Return the regression with the culprits of what the batch's end shows, else a reason."""
        left = self._present_of(self.changes, confirmed, CONFIRMATION)
        if not left:
            return Regressed(_in_order(confirmed), reason="the batch as it landed does not show it")
        culprits = []
        while left:
            place, brought = self._bisect(left)
            left -= brought
            if proven := self._convict(place, brought):
                culprits.append(Culprit(place, _in_order(proven)))
        reason = "" if culprits else "no single change causes it each time"
        return Regressed(_in_order(confirmed), tuple(culprits), reason)

    def _bisect(self, symptoms: frozenset[str]) -> tuple[int, frozenset[str]]:
        """Return a change's place and the symptoms that are present with it and not before it."""
        low, high, brought = BEFORE, self.changes, symptoms
        while high - low > 1:
            middle = midpoint(low, high)
            there = self._present_of(middle, brought, CONFIRMATION)
            low, high = (low, middle) if there else (middle, high)
            brought = there or brought
        return high, brought

    def _convict(self, place: int, brought: frozenset[str]) -> frozenset[str]:
        """Return the symptoms that the change causes a second time."""
        again = self._present_of(place, brought, PROOF)
        return again - self._present_of(place - 1, again, PROOF, REQUIRED_PASSES)

    def _present_of(
        self, place: int, symptoms: frozenset[str], number: int = DETECTION, times: int = 1
    ) -> frozenset[str]:
        """Return which of these symptoms are present at a position. Raises as `_present` does."""
        if not symptoms:
            return symptoms
        return (
            self._present(ObservationRequest(place, _in_order(symptoms), number, times)) & symptoms
        )

    def _present(self, request: ObservationRequest) -> frozenset[str]:
        """Return the symptoms that a measurement found. Raises if it is missing or failed."""
        observation = self.seen.get(request)
        if observation is None:
            raise _MissingObservationError(request)
        if isinstance(observation, NotObserved):
            raise _NotObservedError(observation.reason)
        return observation.bad


def split_into_chains(commits: Sequence[str], parents: Mapping[str, str]) -> list[list[str]]:
    """Return commits (oldest first) in chains, in which each is the child of the one before it."""
    found: list[list[str]] = []
    for commit in commits:
        if found and parents[commit] == found[-1][-1]:
            found[-1].append(commit)
        else:
            found.append([commit])
    return found


def most_severe(outcomes: Iterable[str]) -> str:
    """Return the most severe of several probes' outcomes; one that did not measure comes last."""
    present = set(outcomes)
    return next((each for each in MOST_SEVERE_FIRST if each in present), "unmeasured")


MOST_SEVERE_FIRST = ("blamed", "unexplained", "drifted", "unrepeated", "healthy", "unmeasured")


def final_trigger(*, over: bool, rolled_back: bool, refused: bool) -> str | None:
    """Return the trigger that ends a watch after a check; None while it continues.

    A watch that could not roll back a culprit ends: a person has to inspect that.
    """
    if refused:
        return "give_up"
    if not over:
        return None
    return "revert" if rolled_back else "complete"


def _in_order(symptoms: frozenset[str]) -> tuple[str, ...]:
    """Return symptoms sorted by name, so that equal sets give equal requests."""
    return tuple(sorted(symptoms))
