"""A test runner for a script or a module that runs tests by unittest; it reports each result.

It is called as `python -m groundswell_in_target.by_script`, followed by what follows `python` in
the target's own command: `runtests.py …`, `manage.py test` or `-m package.tests`. Whatever the
script does, each of unittest's runners in it reports as `by_unittest` does; a script without one
reports nothing, and its exit code counts.
"""

from __future__ import annotations

import os
import runpy
import sys
import unittest
from typing import Any

from .by_unittest import KEY, ReportedResults, chosen_tests
from .signing import ReportWriter

RUN = unittest.TextTestRunner.run


def run_reporting(self: Any, test: Any) -> Any:
    """Run the selected tests, never stopping early, and report each; without a key as usual."""
    if KEY is None:
        return RUN(self, test)
    if ReportedResults.writer is None:
        ReportedResults.writer = ReportWriter(KEY)
    writer = ReportedResults.writer
    self.failfast = False
    self.resultclass = _reporting(self.resultclass or unittest.TextTestResult)
    writer.write({"event": "start", "unittest": sys.version.split()[0]})
    result = RUN(self, chosen_tests(test))
    stopped = "it was told to stop" if result.shouldStop else ""
    writer.write({"event": "finish", "stopped": stopped, "collected": result.testsRun})
    return result


def _reporting(result_class: Any) -> Any:
    """Return a subclass of a result class that also reports each result.

    A class that reports already is returned as it is. So is a callable that is not a class, and its
    results are not reported.
    """
    if not isinstance(result_class, type) or issubclass(result_class, ReportedResults):
        return result_class
    return type(result_class.__name__, (ReportedResults, result_class), {})


def main(arguments: list[str]) -> None:
    """Run the script or module as Python itself would, with unittest's runner replaced."""
    unittest.TextTestRunner.run = run_reporting  # type: ignore[method-assign]
    if arguments[0] == "-m":
        sys.argv = arguments[1:]
        runpy.run_module(arguments[1], run_name="__main__", alter_sys=True)
    else:
        sys.argv = list(arguments)
        sys.path[0] = os.path.dirname(os.path.abspath(arguments[0]))  # noqa: PTH100, PTH120
        runpy.run_path(arguments[0], run_name="__main__")


if __name__ == "__main__":
    main(sys.argv[1:])
