"""A test runner that does what `python -m unittest` does, and reports each result.

It is called as `python -m groundswell_in_target.by_unittest …` with unittest's own arguments. Its
report lines, selection of tests and keys are those of `by_pytest`. Python's own runner reports
only by its exit code.
"""

from __future__ import annotations

import sys
import time
import unittest
from collections.abc import Iterator
from typing import Any

from .reach import ReachedCode, ReachRecorder, start_recording, write_record
from .signing import MAX_DETAIL_CHARACTERS, ReportWriter, repeat, selected, take_key

# Before anything of the target is imported.
KEY = take_key()
SELECTED = selected()
RECORDER = start_recording()


class UnittestReach:
    """Records what each test reaches.

    What runs between two tests, the fixtures of modules and classes, counts for all tests of both
    tests' modules.
    """

    def __init__(self, recorder: ReachRecorder) -> None:
        self.recorder = recorder
        self.tests: list[tuple[Any, ReachedCode]] = []
        self.between: dict[str, ReachedCode] = {}
        self.module = ""
        recorder.enter()

    def start(self, test: Any) -> None:
        """Begin the record of a test."""
        self._end_pause(type(test).__module__)
        self.recorder.enter()

    def stop(self, test: Any) -> None:
        """End the record of a test, and begin that of the pause after it."""
        self.tests.append((test, self.recorder.leave()))
        self.module = type(test).__module__
        self.recorder.enter()

    def finish(self) -> None:
        """Write the record of all tests to the file that was asked for."""
        self._end_pause(self.module)
        for test, reached in self.tests:
            module = type(test).__module__
            reached.merge(self.between.get(module, ReachedCode()))
            path = getattr(sys.modules.get(module), "__file__", None) or ""
            self.recorder.add_test(test.id(), self.recorder.path_in_tree(path), reached)
        write_record(self.recorder.finish())

    def _end_pause(self, next_module: str) -> None:
        """Count what was reached since the last test for the modules before and after."""
        pause = self.recorder.leave()
        for each in {self.module, next_module}:
            self.between.setdefault(each, ReachedCode()).merge(pause)


class ReportedResults(unittest.TestResult):
    """What makes a result of unittest also write each result to the report."""

    writer: ReportWriter | None = None
    reach: UnittestReach | None = None

    def startTest(self, test: Any) -> None:  # noqa: N802 - the names are unittest's
        """Begin a test: take its time, and record what it reaches."""
        super().startTest(test)
        if self.reach is not None:
            self.reach.start(test)
        self.began = time.perf_counter()

    def stopTest(self, test: Any) -> None:  # noqa: N802
        """End a test and the record of what it reaches."""
        super().stopTest(test)
        if self.reach is not None:
            self.reach.stop(test)

    def report(self, test: Any, outcome: str, when: str = "call", **more: Any) -> None:
        """Write one result, if a report is wanted; a subtest has the time of its test so far."""
        if self.writer is not None:
            began = getattr(self, "began", None)
            seconds = round(time.perf_counter() - began, 6) if began else 0.0
            line = {"event": "test", "id": test.id(), "when": when, "outcome": outcome}
            self.writer.write({**line, "seconds": seconds, **more})

    def addSuccess(self, test: Any) -> None:  # noqa: N802
        """Report a passed test."""
        super().addSuccess(test)
        self.report(test, "passed")

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        """Report a failed test with the end of its traceback."""
        super().addFailure(test, err)
        self.report(test, "failed", detail=self.failures[-1][1][-MAX_DETAIL_CHARACTERS:])

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802
        """Report a test that raised an error as failed in its set-up."""
        super().addError(test, err)
        self.report(test, "failed", "setup", detail=self.errors[-1][1][-MAX_DETAIL_CHARACTERS:])

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802
        """Report a skipped test with its reason."""
        super().addSkip(test, reason)
        self.report(test, "skipped", detail=str(reason)[-MAX_DETAIL_CHARACTERS:])

    def addExpectedFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        """Report a test that failed as expected as skipped, marked as an expected failure."""
        super().addExpectedFailure(test, err)
        self.report(test, "skipped", xfail="expected failure")

    def addUnexpectedSuccess(self, test: Any) -> None:  # noqa: N802
        """Report a test that passed against expectation as failed."""
        super().addUnexpectedSuccess(test)
        self.report(test, "failed", detail="Unexpected success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802
        """Report a failed subtest as a failure of its test."""
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.report(
                test,
                "failed",
                event="subtest",
                detail=f"{subtest}\n{err[1]!r}"[-MAX_DETAIL_CHARACTERS:],
            )


class ReportingResult(ReportedResults, unittest.TextTestResult):
    """unittest's own result, which also writes each result to the report."""


class ReportingRunner(unittest.TextTestRunner):
    """unittest's own runner, which never stops at a failure and runs only the selected tests."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "failfast": False, "resultclass": ReportingResult})

    def run(self, test: Any) -> Any:
        """Run the selected tests between the first and the last line of the report, if wanted."""
        writer = ReportedResults.writer = ReportWriter(KEY) if KEY is not None else None
        suite = _RepeatedSuite([chosen_tests(test)])
        if RECORDER is not None:
            ReportedResults.reach = UnittestReach(RECORDER)
        if writer is not None:
            writer.write({"event": "start", "unittest": sys.version.split()[0]})
        result = super().run(suite)
        if ReportedResults.reach is not None:
            ReportedResults.reach.finish()
        if writer is not None:
            stopped = "it was told to stop" if result.shouldStop else ""
            writer.write({"event": "finish", "stopped": stopped, "collected": result.testsRun})
        return result


class _RepeatedSuite(unittest.TestSuite):
    """Runs its tests `repeat()` times, and tears down all fixtures after each pass."""

    def run(self, result: Any, debug: bool = False) -> Any:
        """Run all tests as often as `repeat()` says, into one result."""
        for _ in range(repeat()):
            # Else a class that ends one pass and begins the next would not be set up again.
            result._previousTestClass = None  # noqa: SLF001
            super().run(result, debug)
        return result


if repeat() > 1:
    # Else a suite drops each test that it has run, to save memory.
    unittest.BaseTestSuite._cleanup = False  # type: ignore[attr-defined]  # noqa: SLF001


def chosen_tests(test: Any) -> Any:
    """Return a suite, or those of its tests that were selected.

    A full run keeps the suites: they order the fixtures of classes and modules.
    """
    if SELECTED is None:
        return test
    return unittest.TestSuite(each for each in _tests(test) if _is_selected(each))


def _tests(suite: Any) -> Iterator[Any]:
    """Yield the tests of a suite and of the suites in it."""
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from _tests(each)
        else:
            yield each


def _is_selected(test: Any) -> bool:
    """Return true if a test is selected by its id, or if all tests are."""
    return SELECTED is None or test.id() in SELECTED


if __name__ == "__main__":
    unittest.main(
        module=None, argv=["python -m unittest", *sys.argv[1:]], testRunner=ReportingRunner
    )
