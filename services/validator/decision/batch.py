"""A batch of changes with failing tests, and how runs on parts of it are planned."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from services.validator.decision.evidence import NeedRuns, Reject, RequestedRun, RunPlan, Undecided
from services.validator.decision.evidence_log import EvidenceLog
from services.validator.decision.inference import open_tests
from services.validator.decision.pairs import Masks
from services.validator.decision.splitting import choose_reruns, is_expensive, is_repeat_cheap

# With fewer expected culprits than this, a search with the fewest runs is worth its longer way.
FEW_CULPRITS = 1.0


@dataclass(frozen=True)
class HeldBack:
    """Changes left for the next head with the tests they seem to break, and the rest."""

    changes: Mapping[str, tuple[str, ...]]
    remaining: tuple[str, ...]


# The next step towards the culprits, or the runs that one change still needs.
BlameStep = NeedRuns | Reject | Undecided | HeldBack
ChangeStep = Reject | Undecided | HeldBack | list[RequestedRun]


class FailingBatch:
    """The changes of a batch in their order, its failing tests, and how parts of it are run.

    `tests` are the failing tests to explain, `probe` those and the ones that each run on a part
    runs besides, `repeat` and `repeat_alone` say how often a test runs within such a run, and
    `is_frugal` asks for as few runs as possible.
    """

    def __init__(
        self, log: EvidenceLog, changes: tuple[str, ...], failing: frozenset[str], max_runs: int
    ) -> None:
        self.log = log
        self.changes = changes
        self.masks = Masks(changes)
        # Tests that have to be repeated within a run are explained after the others.
        self.repeat = min(log.required_repeats(each) for each in failing)
        self.tests = choose_reruns(self._repeated_alike(failing), log.suite)
        # A test that is explained may have a second culprit: the same runs find it.
        more = self._repeated_alike(open_tests(log, changes))
        self.probe = choose_reruns({*self.tests, *more}, log.suite)
        # Where runs are expensive and hardly one culprit is expected, bisecting prefixes finds it
        # in log2 n runs, one after the other; and such a run costs about the same if its tests run
        # twice in it.
        expected_bad = sum(log.candidates[each].risk for each in changes)
        self.is_frugal = expected_bad < FEW_CULPRITS and is_expensive(log.suite, self.probe)
        twice = self.is_frugal or is_repeat_cheap(log.suite, self.probe)
        self.repeat_alone = 2 if twice and self.repeat == 1 else self.repeat
        self.max_runs = 1 if self.is_frugal else max_runs

    def _repeated_alike(self, tests: Iterable[str]) -> set[str]:
        """Return those tests that must be repeated within a run as often as the batch's tests."""
        return {each for each in tests if self.log.required_repeats(each) == self.repeat}

    def ordered(self, changes: Iterable[str]) -> tuple[str, ...]:
        """Return these changes in the order of the batch."""
        return tuple(sorted(changes, key=lambda each: self.log.candidates[each].order))

    def with_needs(self, changes: Iterable[str]) -> tuple[str, ...]:
        """Return these changes and all that they need to apply, in order."""
        chosen = frozenset(changes)
        return self.ordered(chosen.union(*(self.log.candidates[each].needs for each in chosen)))

    def plan(self, changes: tuple[str, ...]) -> RunPlan:
        """Return the plan of a run of the tests in question with a part of the batch."""
        return RunPlan(changes, self.probe, 0, self.repeat)

    def plan_alone(self, changes: tuple[str, ...]) -> RunPlan:
        """Return the plan of a run of the tests in question with one change and what it needs."""
        return RunPlan(changes, self.probe, 0, self.repeat_alone)

    def hold_back(self, change: str, tests: Sequence[str]) -> HeldBack:
        """Return the batch without a change and without all that needs it."""
        return self.hold_back_all({change: tuple(tests)})

    def hold_back_all(self, held: Mapping[str, tuple[str, ...]]) -> HeldBack:
        """Return the batch without these changes and without all that needs them."""
        out = frozenset(held)
        known = self.log.candidates
        left = [each for each in self.changes if out.isdisjoint({each, *known[each].needs})]
        return HeldBack(held, tuple(left))


def name_tests(tests: Sequence[str]) -> str:
    """Name the first test, and say how many more there are."""
    return tests[0] if len(tests) == 1 else f"{tests[0]} (and {len(tests) - 1} more)"
