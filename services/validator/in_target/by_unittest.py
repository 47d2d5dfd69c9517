"""`python -m groundswell_inside.by_unittest …`: what `python -m unittest …` does, and a line of JSON for each result.

Lines, selection and keys are as in `by_pytest`. Python's own runner says only by its exit code what the
tests did.
"""

from __future__ import annotations

import sys
import time
import unittest
from collections.abc import Iterator
from typing import Any

from .reach import Part, Recording, begin, write
from .signing import DETAIL, Lines, repeat, selected, take_key

# Before anything of the target is imported.
KEY = take_key()
SELECTED = selected()
RECORDING = begin()


class Reached:
    """What each test reaches. What runs between two tests belongs to the modules of both."""

    def __init__(self, recording: Recording) -> None:
        self.recording = recording
        self.tests: list[tuple[Any, Part]] = []
        self.between: dict[str, Part] = {}
        self.module = ""
        recording.enter()

    def start(self, test: Any) -> None:
        self._end_of_pause(type(test).__module__)
        self.recording.enter()

    def stop(self, test: Any) -> None:
        self.tests.append((test, self.recording.leave()))
        self.module = type(test).__module__
        self.recording.enter()

    def finish(self) -> None:
        self._end_of_pause(self.module)
        for test, part in self.tests:
            module = type(test).__module__
            part.add_part(self.between.get(module, Part()))
            path = getattr(sys.modules.get(module), "__file__", None) or ""
            self.recording.add_test(test.id(), self.recording.home(path), part)
        write(self.recording.finish())

    def _end_of_pause(self, following: str) -> None:
        pause = self.recording.leave()
        for each in {self.module, following}:
            self.between.setdefault(each, Part()).add_part(pause)


class Recorder(unittest.TextTestResult):
    """Python's own result, which also says what it is told."""

    lines: Lines | None = None
    reached: Reached | None = None

    def startTest(self, test: Any) -> None:  # noqa: N802 - the names are unittest's
        super().startTest(test)
        if self.reached is not None:
            self.reached.start(test)
        self.began = time.perf_counter()

    def stopTest(self, test: Any) -> None:  # noqa: N802
        super().stopTest(test)
        if self.reached is not None:
            self.reached.stop(test)

    def say(self, test: Any, outcome: str, when: str = "call", **more: Any) -> None:
        """One line; how long a subtest took is known to nobody."""
        if self.lines is not None:
            began = getattr(self, "began", None)
            seconds = round(time.perf_counter() - began, 6) if began else 0.0
            line = {"event": "test", "id": test.id(), "when": when, "outcome": outcome}
            self.lines.write({**line, "seconds": seconds, **more})

    def addSuccess(self, test: Any) -> None:  # noqa: N802
        super().addSuccess(test)
        self.say(test, "passed")

    def addFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        super().addFailure(test, err)
        self.say(test, "failed", detail=self.failures[-1][1][-DETAIL:])

    def addError(self, test: Any, err: Any) -> None:  # noqa: N802
        super().addError(test, err)
        self.say(test, "failed", "setup", detail=self.errors[-1][1][-DETAIL:])

    def addSkip(self, test: Any, reason: str) -> None:  # noqa: N802
        super().addSkip(test, reason)
        self.say(test, "skipped", detail=str(reason)[-DETAIL:])

    def addExpectedFailure(self, test: Any, err: Any) -> None:  # noqa: N802
        super().addExpectedFailure(test, err)
        self.say(test, "skipped", xfail="expected failure")

    def addUnexpectedSuccess(self, test: Any) -> None:  # noqa: N802
        super().addUnexpectedSuccess(test)
        self.say(test, "failed", detail="Unexpected success")

    def addSubTest(self, test: Any, subtest: Any, err: Any) -> None:  # noqa: N802
        """Of a subtest only its failure, which is its test's."""
        super().addSubTest(test, subtest, err)
        if err is not None:
            self.say(test, "failed", event="subtest", detail=f"{subtest}\n{err[1]!r}"[-DETAIL:])


class Runner(unittest.TextTestRunner):
    """Never stops at a failure, and runs only what was selected."""

    def __init__(self, **options: Any) -> None:
        super().__init__(**{**options, "failfast": False, "resultclass": Recorder})

    def run(self, test: Any) -> Any:
        """Between two lines that say that it is all of it."""
        lines = Recorder.lines = Lines(KEY) if KEY is not None else None
        chosen = unittest.TestSuite(each for each in _tests(test) if _is_selected(each))
        # The suites are kept where everything runs: they hold fixtures of classes and modules in order.
        suite = _Rounds([test if SELECTED is None else chosen])
        if RECORDING is not None:
            Recorder.reached = Reached(RECORDING)
        if lines is not None:
            lines.write({"event": "start", "unittest": sys.version.split()[0]})
        result = super().run(suite)
        if Recorder.reached is not None:
            Recorder.reached.finish()
        if lines is not None:
            stopped = "it was told to stop" if result.shouldStop else ""
            lines.write({"event": "finish", "stopped": stopped, "collected": result.testsRun})
        return result


class _Rounds(unittest.TestSuite):
    """Runs its tests so often as is asked; after each round nothing stays set up."""

    def run(self, result: Any, debug: bool = False) -> Any:
        for _ in range(repeat()):
            # Else the class that was the last of one round is not set up as the first of the next.
            result._previousTestClass = None  # noqa: SLF001
            super().run(result, debug)
        return result


if repeat() > 1:
    # A suite forgets each test that it has run, to save memory.
    unittest.BaseTestSuite._cleanup = False  # type: ignore[attr-defined]  # noqa: SLF001


def _tests(suite: Any) -> Iterator[Any]:
    for each in suite:
        if isinstance(each, unittest.TestSuite):
            yield from _tests(each)
        else:
            yield each


def _is_selected(test: Any) -> bool:
    return SELECTED is None or test.id() in SELECTED


if __name__ == "__main__":
    unittest.main(module=None, argv=["python -m unittest", *sys.argv[1:]], testRunner=Runner)
