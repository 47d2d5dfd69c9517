"""The outcome of a test run: one result per test, or no report that can be trusted.

A report is a value and its JSON text is canonical: equal reports have equal text, so a report can
be stored under the digest of its text.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

# The id of the result of a test command as a whole, which may fail although each test passed.
COMMAND_RESULT_ID = "(command)"


class Outcome(StrEnum):
    """How one test ended. A strict xfail that passes has failed."""

    PASSED = "passed"
    FAILED = "failed"
    ERROR = "error"
    SKIPPED = "skipped"
    XFAILED = "xfailed"
    XPASSED = "xpassed"

    @property
    def bad(self) -> bool:
        """True if such a test counts as failing."""
        return self in {Outcome.FAILED, Outcome.ERROR}


# Where one id was reported several times, the worst outcome counts.
WORST_FIRST = (
    Outcome.ERROR,
    Outcome.FAILED,
    Outcome.XPASSED,
    Outcome.XFAILED,
    Outcome.SKIPPED,
    Outcome.PASSED,
)


@dataclass(frozen=True)
class TestResult:
    """How one test ended. `detail` is the end of its message.

    `id` is pytest's node id where there is one. `failures` is the number of failures of a test that
    ran several times, where that is more than one.
    """

    __test__ = False

    id: str
    outcome: Outcome
    seconds: float = 0.0
    detail: str = ""
    failures: int = 0

    @property
    def failed(self) -> int:
        """The number of times that the test failed, 0 if it passed."""
        return max(self.failures, int(self.outcome.bad))


@dataclass(frozen=True)
class OutcomeCounts:
    """A report in figures: `failed` counts errors too, `skipped` expected failures too."""

    tests: int
    passed: int
    failed: int
    skipped: int


@dataclass(frozen=True)
class TestReport:
    """All results of a run by id. `complete` is false where the run was stopped early.

    `problem` is a sentence about the report as a whole, such as "no tests were collected".
    """

    __test__ = False

    results: Mapping[str, TestResult] = field(default_factory=dict)
    seconds: float = 0.0
    exit_code: int = 0
    complete: bool = True
    problem: str = ""

    @property
    def outcomes(self) -> dict[str, Outcome]:
        """The outcome of each test by its id."""
        return {each.id: each.outcome for each in self.results.values()}

    @property
    def failing(self) -> frozenset[str]:
        """The ids of the tests that failed or could not be run."""
        return frozenset(each.id for each in self.results.values() if each.outcome.bad)

    @property
    def counts(self) -> OutcomeCounts:
        """The numbers of tests, and of those that passed, failed and were skipped."""
        outcomes = [each.outcome for each in self.results.values()]
        failed = sum(each.bad for each in outcomes)
        skipped = sum(each in {Outcome.SKIPPED, Outcome.XFAILED} for each in outcomes)
        return OutcomeCounts(len(outcomes), len(outcomes) - failed - skipped, failed, skipped)

    def to_json(self) -> str:
        """Return the report as canonical JSON; `from_json` is its inverse."""
        rows = [
            [each.id, each.outcome.value, each.seconds, each.detail, *_failures_if_any(each)]
            for _, each in sorted(self.results.items())
        ]
        return json.dumps(
            {
                "results": rows,
                "seconds": self.seconds,
                "exit_code": self.exit_code,
                "complete": self.complete,
                "problem": self.problem,
            },
            separators=(",", ":"),
        )

    @classmethod
    def from_json(cls, text: str) -> "TestReport":
        """Read a text of `to_json`; raises ValueError for any other text."""
        try:
            body = json.loads(text)
            rows = [TestResult(row[0], Outcome(row[1]), *row[2:]) for row in body["results"]]
            return cls(
                results={each.id: each for each in rows},
                seconds=body["seconds"],
                exit_code=body["exit_code"],
                complete=body["complete"],
                problem=body["problem"],
            )
        except (KeyError, TypeError, IndexError) as error:
            raise ValueError(f"This is not a stored test report: {error!r}.") from error


@dataclass(frozen=True)
class Reported:
    """The run ended with a report that can be trusted, whatever is in it.

    `impact` is the JSON of an `ImpactMap`, where the run was recorded.
    """

    report: TestReport
    impact: str | None = None


@dataclass(frozen=True)
class Infrastructure:
    """The run gave no report that can be trusted: never a pass, and never blame."""

    reason: str
    output_tail: str = ""


RunOutcome = Reported | Infrastructure


def by_id(results: Iterable[TestResult]) -> dict[str, TestResult]:
    """Return one result per id: of several the worst, with their times added up."""
    found: dict[str, TestResult] = {}
    for each in results:
        known = found.get(each.id)
        found[each.id] = each if known is None else _worse(known, each)
    return found


def _worse(one: TestResult, other: TestResult) -> TestResult:
    """Return the worse of two results of one test, with times and failures added up."""
    worst = min(one, other, key=lambda each: WORST_FIRST.index(each.outcome))
    seconds, failed = one.seconds + other.seconds, one.failed + other.failed
    return TestResult(worst.id, worst.outcome, seconds, worst.detail, failed if failed > 1 else 0)


def _failures_if_any(result: TestResult) -> tuple[int, ...]:
    """Return a column for the JSON row of a test that failed several times, else none."""
    return (result.failures,) if result.failures else ()


def worst(runs: Sequence[RunOutcome]) -> RunOutcome:
    """Return the worst result of each test in several runs, or the first run without a report."""
    reports = []
    for each in runs:
        if isinstance(each, Infrastructure):
            return each
        reports.append(each.report)
    results = by_id(result for each in reports for result in each.results.values())
    seconds = sum(each.seconds for each in reports)
    bad = next((each for each in reports if each.exit_code), reports[-1])
    return Reported(replace(bad, results=results, seconds=seconds))


def replace_failing(report: TestReport, again: TestReport) -> TestReport:
    """Replace the failing tests of a report by their results in another run, `again`.

    A failing test that the other run does not have stays failing. If none is failing any more, the
    exit code is that of the other run.
    """
    repeated = {test: again.results[test] for test in report.failing if test in again.results}
    results = {**report.results, **repeated}
    failing = any(each.outcome.bad for each in results.values())
    code = report.exit_code if failing else again.exit_code
    return replace(report, results=results, exit_code=code)
