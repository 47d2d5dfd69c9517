"""The words of the gate: what it is asked about, what it sees, and what it answers."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from services.validator.decision.rates import Rate
from services.validator.suite.domain.reports import TestReport

# A benchmark is a test of this name; it fails where it is measured to be slower than on the head, which needs no
# confirmation. Asked for alone the prefix means all of them; a full run of the suite asks for none.
MEASURED = "bench::"


@dataclass(frozen=True)
class Candidate:
    """A change. `risk` is the probability that it is bad.

    `needs` are the candidates without which its patch does not apply, and what those need.
    `impacted` are the tests that reach what it changes; None where nobody knows. `waited` is how
    many epochs have returned it.
    """

    id: str
    order: int
    risk: float = 0.1
    needs: frozenset[str] = frozenset()
    impacted: frozenset[str] | None = None
    waited: int = 0


@dataclass(frozen=True)
class Run:
    """A run of the head with `changes`; none is the head itself. `tests` empty is the full suite.

    Each test runs `repeat` times within it, and its worst outcome counts.
    """

    changes: tuple[str, ...]
    tests: tuple[str, ...] = ()
    repetition: int = 0
    repeat: int = 1


@dataclass(frozen=True)
class Seen:
    """The tests that were worse than on the head, and those that the head does not have.

    `failures` says how many of the run's repetitions of a test failed; one that is not counted there failed each time.
    """

    worse: frozenset[str]
    new: frozenset[str] = frozenset()
    failures: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Broken:
    """No report that can be trusted: never a pass, never blame."""

    reason: str


@dataclass(frozen=True)
class Unbuildable:
    """These changes do not compose without others."""


Evidence = Seen | Broken | Unbuildable


@dataclass(frozen=True)
class Knowledge:
    """What is known about the suite of the head.

    `durations` are seconds per test, `startup` what any run takes besides. `flaky` are the rates of
    tests that failed and passed on one tree before. All of it only saves time or prevents blame.
    `benchmarks` says whether the target has any: then they are compared before a batch lands.
    """

    durations: Mapping[str, float] = field(default_factory=dict)
    startup: float = 0.0
    flaky: Mapping[str, Rate] = field(default_factory=dict)
    benchmarks: bool = False

    def share(self, tests: Iterable[str]) -> float:
        """What running these tests costs, as a share of a full run; 1 where that is not known."""
        whole = self.startup + sum(self.durations.values())
        if not whole:
            return 1.0
        return (self.startup + sum(self.durations.get(each, 0.0) for each in tests)) / whole


NOTHING = Knowledge()


def known_from(report: TestReport) -> Knowledge:
    """What a full run of the head says its suite takes, test by test and besides."""
    durations = {test: result.seconds for test, result in report.results.items()}
    return Knowledge(durations, startup=max(report.seconds - sum(durations.values()), 0.0))


@dataclass(frozen=True)
class Wanted:
    """A run that the log lacks, and why it is wanted."""

    run: Run
    purpose: str
    why: str


@dataclass(frozen=True)
class NeedRuns:
    """The log has no answer yet. These do not depend on each other; the most valuable comes first."""

    runs: tuple[Wanted, ...]


@dataclass(frozen=True)
class Land:
    """These changes may land; `run` is the full run that says so.

    `held` are those that wait for the next head, and what they are suspected to break there.
    """

    changes: tuple[str, ...]
    run: Run
    held: tuple[tuple[str, tuple[str, ...]], ...] = ()


@dataclass(frozen=True)
class Reject:
    """This change alone makes these tests worse; `run` is the last one that said so."""

    change: str
    tests: tuple[str, ...]
    run: Run
    reason: str


@dataclass(frozen=True)
class Undecided:
    """No run of this change gave a report; nobody knows."""

    change: str
    reason: str


@dataclass(frozen=True)
class Finished:
    """There is nothing left to decide on this head."""


Step = NeedRuns | Land | Reject | Undecided | Finished
