"""Watching what landed: when it is looked at, and who is to blame where it got worse.

`examine` is pure code over the looks taken so far in one check: asked again and again, it reads them
from the beginning and answers with the next look, or with what came of it. A place is a number: the
commits of the batch count from 1, `BEFORE` is what they landed on, `TIP` the branch as it is now.

Nothing is said to be worse by comparing with what was measured earlier: what fails today where the
batch never was is the clock's doing, or the environment's. And nobody is blamed for what they did
together with others, or for what does not repeat.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from services.validator.decision.splitting import midpoint

TIP, BEFORE = -1, 0
# The rounds of a check: each looks anew at what the one before it saw.
FIRST, AGAIN, CONVICT = 0, 1, 2
ROUNDS = 10
# So often a test has to pass in a row before its passing counts against a change.
STEADY = 5
# No two checks are closer than this, and none is closer to the end of its wave.
LEAST = timedelta(seconds=30)


@dataclass(frozen=True)
class Schedule:
    """`checks` looks within `window` after `begun`, the early ones closer together."""

    begun: datetime
    window: timedelta
    checks: int

    def due(self, number: int) -> datetime:
        """When the `number`-th check is due, counted from 1; the last one ends the window."""
        return self.begun + max(self.window * (number / self.checks) ** 2, LEAST * number)

    def number(self, now: datetime) -> int:
        """How many are due by now: those that were missed are made up for by one."""
        return sum(self.due(each + 1) <= now for each in range(self.checks))

    def over(self, now: datetime) -> bool:
        """Whether it is too late even for what was missed: a window after the window."""
        return now > self.due(self.checks) + max(self.window, LEAST)


@dataclass(frozen=True)
class Look:
    """A measurement at a place: of everything, or only whether these symptoms are there.

    With `times` a symptom counts as gone only if it is gone so often in a row.
    """

    place: int
    symptoms: tuple[str, ...] = ()
    round: int = FIRST
    times: int = 1


@dataclass(frozen=True)
class Seen:
    """The symptoms that are there; of a look at everything, those that were not when it landed."""

    bad: frozenset[str]


@dataclass(frozen=True)
class Unseen:
    """Nothing that can be trusted: neither a pass nor blame."""

    reason: str


Sight = Seen | Unseen


@dataclass(frozen=True)
class NeedLook:
    """Nobody has looked there yet."""

    look: Look


@dataclass(frozen=True)
class Healthy:
    """Nothing is worse than when it landed."""


@dataclass(frozen=True)
class Drifted:
    """It is worse than when it landed, and just so without the batch."""

    symptoms: tuple[str, ...]


@dataclass(frozen=True)
class Unrepeated:
    """It was worse, and the next time it was not."""

    symptoms: tuple[str, ...]


@dataclass(frozen=True)
class Unmeasured:
    """Nobody knows."""

    reason: str


@dataclass(frozen=True)
class Culprit:
    """The change at `place` brought these symptoms."""

    place: int
    symptoms: tuple[str, ...]


@dataclass(frozen=True)
class Regressed:
    """Confirmed to be worse than before the batch. What no culprit explains is nobody's doing alone."""

    symptoms: tuple[str, ...]
    culprits: tuple[Culprit, ...] = ()
    reason: str = ""


Outcome = Healthy | Drifted | Unrepeated | Unmeasured | Regressed


def examine(changes: int, seen: Mapping[Look, Sight]) -> NeedLook | Outcome:
    """The next look at a batch of so many changes, or what came of those taken."""
    try:
        return _Examination(changes, seen).examine()
    except _MissingError as missing:
        return NeedLook(missing.look)
    except _UnseenError as unseen:
        return Unmeasured(unseen.reason)


class _MissingError(Exception):
    def __init__(self, look: Look) -> None:
        super().__init__()
        self.look = look


class _UnseenError(Exception):
    def __init__(self, reason: str) -> None:
        super().__init__()
        self.reason = reason


class _Examination:
    def __init__(self, changes: int, seen: Mapping[Look, Sight]) -> None:
        self.changes = changes
        self.seen = seen

    def examine(self) -> Outcome:
        there = self._bad(Look(TIP))
        if not there:
            return Healthy()
        worse = there - self._of(BEFORE, there)
        if not worse:
            return Drifted(_plan(there))
        # The look back comes last: what mended itself in between is there in neither of them.
        again = self._of(TIP, worse, AGAIN)
        confirmed = again - self._of(BEFORE, again, AGAIN, STEADY)
        if not confirmed:
            return Unrepeated(_plan(worse))
        try:
            return self._blame(confirmed)
        except _UnseenError as unseen:
            return Regressed(_plan(confirmed), reason=f"who did it is not known: {unseen.reason}")

    def _blame(self, confirmed: frozenset[str]) -> Regressed:
        """One culprit after the other, until nothing is left that the batch's own end has."""
        left = self._of(self.changes, confirmed, AGAIN)
        if not left:
            return Regressed(_plan(confirmed), reason="the batch as it landed does not have it")
        culprits = []
        while left:
            place, brought = self._first(left)
            left -= brought
            if proven := self._convict(place, brought):
                culprits.append(Culprit(place, _plan(proven)))
        reason = "" if culprits else "no single change brings it each time"
        return Regressed(_plan(confirmed), tuple(culprits), reason)

    def _first(self, symptoms: frozenset[str]) -> tuple[int, frozenset[str]]:
        """A change that brings some of them: they are there with it, and none of them right before."""
        low, high, brought = BEFORE, self.changes, symptoms
        while high - low > 1:
            middle = midpoint(low, high)
            there = self._of(middle, brought, AGAIN)
            low, high = (low, middle) if there else (middle, high)
            brought = there or brought
        return high, brought

    def _convict(self, place: int, brought: frozenset[str]) -> frozenset[str]:
        """Those that it brings a second time."""
        again = self._of(place, brought, CONVICT)
        return again - self._of(place - 1, again, CONVICT, STEADY)

    def _of(
        self, place: int, symptoms: frozenset[str], number: int = FIRST, times: int = 1
    ) -> frozenset[str]:
        """Which of these symptoms are there."""
        if not symptoms:
            return symptoms
        return self._bad(Look(place, _plan(symptoms), number, times)) & symptoms

    def _bad(self, look: Look) -> frozenset[str]:
        sight = self.seen.get(look)
        if sight is None:
            raise _MissingError(look)
        if isinstance(sight, Unseen):
            raise _UnseenError(sight.reason)
        return sight.bad


def chains(commits: Sequence[str], parents: Mapping[str, str]) -> list[list[str]]:
    """The commits, oldest first, cut where one does not stand on the one before it."""
    found: list[list[str]] = []
    for commit in commits:
        if found and parents[commit] == found[-1][-1]:
            found[-1].append(commit)
        else:
            found.append([commit])
    return found


def gravest(outcomes: Iterable[str]) -> str:
    """Of what several probes said, what matters most; that one of them did not measure does not."""
    said = set(outcomes)
    return next((each for each in GRAVEST_FIRST if each in said), "unmeasured")


GRAVEST_FIRST = ("blamed", "unexplained", "drifted", "unrepeated", "healthy", "unmeasured")


def ending(*, over: bool, taken_off: bool, refused: bool) -> str | None:
    """The trigger that ends a watch after a check; None while it goes on.

    One that could not take off who is to blame is over: a person has to look at that.
    """
    if refused:
        return "give_up"
    if not over:
        return None
    return "revert" if taken_off else "complete"


def _plan(symptoms: frozenset[str]) -> tuple[str, ...]:
    return tuple(sorted(symptoms))
