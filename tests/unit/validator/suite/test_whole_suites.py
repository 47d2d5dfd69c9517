"""Suites that fail as a whole, and scripts that run unittest's tests in their own way."""

from pathlib import Path

import pytest

from services.validator.suite.domain.reports import COMMAND_RESULT_ID, Outcome
from tests.support.suites import a_run, reported

# pytest-cov is not among our own requirements; this is what it does where little is covered.
THRESHOLD = """
class Options:
    cov_fail_under = 90

class Plugin:
    options = Options()

    def pytest_sessionfinish(self, session):
        if self.options.cov_fail_under:
            session.exitstatus = 1

    def pytest_terminal_summary(self, terminalreporter):
        terminalreporter.write_line("FAIL Required test coverage of 90% not reached")

def pytest_configure(config):
    pass

def pytest_load_initial_conftests(early_config):
    early_config.pluginmanager.register(Plugin(), "_cov")
"""
# Older releases read the threshold among pytest's own options.
OPTION = """
def pytest_addoption(parser):
    parser.addoption("--cov-fail-under", type=float, default=0)

def pytest_sessionfinish(session):
    if session.config.option.cov_fail_under:
        session.exitstatus = 1

def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line("FAIL Required test coverage of 90% not reached")
"""
# Coverage's own configuration has one, too, which is read if no option is given.
CONFIGURATION = THRESHOLD.replace("cov_fail_under = 90", "cov_fail_under = None").replace(
    "    def pytest_sessionfinish",
    """    def pytest_sessionstart(self):
        if self.options.cov_fail_under is None:
            self.options.cov_fail_under = 90

    def pytest_sessionfinish""",
)
FILES = {
    "coverage_plugin.py": THRESHOLD,
    "test_a.py": "def test_a(): pass\n",
    "test_b.py": "def test_b(): pass\n",
}
WITH_THRESHOLD = ("python", "-m", "pytest", "-p", "coverage_plugin", "-p", "no:asyncio")
SCRIPT = """
import sys, unittest

class Chosen(unittest.TextTestResult):
    pass

class Tests(unittest.TestCase):
    def test_good(self): pass
    def test_bad(self): self.fail("bad")

if __name__ == "__main__":
    suite = unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])
    result = unittest.TextTestRunner(resultclass=Chosen, failfast=True).run(suite)
    assert isinstance(result, Chosen) and sys.argv[1:] == ["-q"]
    sys.exit(not result.wasSuccessful())
"""


def outcomes(outcome: object) -> dict[str, Outcome]:
    return {each.id: each.outcome for each in reported(outcome).report.results.values()}


@pytest.mark.parametrize(
    ("plugin", "options"),
    [(THRESHOLD, ()), (OPTION, ("--cov-fail-under=90",)), (CONFIGURATION, ())],
    ids=["option of the plugin", "option of pytest", "configuration of coverage"],
)
async def test_a_full_run_tells_of_a_coverage_threshold_and_a_part_of_it_does_not(
    tmp_path: Path, plugin: str, options: tuple[str, ...]
):
    files, command = {**FILES, "coverage_plugin.py": plugin}, (*WITH_THRESHOLD, *options)
    whole = reported(await a_run(tmp_path / "a", files, command=command)).report
    assert whole.outcomes == {
        "test_a.py::test_a": Outcome.PASSED,
        "test_b.py::test_b": Outcome.PASSED,
        COMMAND_RESULT_ID: Outcome.FAILED,
    }
    assert "coverage of 90% not reached" in whole.results[COMMAND_RESULT_ID].detail
    part = reported(await a_run(tmp_path / "b", files, "test_a.py::test_a", command=command)).report
    assert part.outcomes == {"test_a.py::test_a": Outcome.PASSED}
    assert part.exit_code == 0, "the threshold counts for the whole only"


async def test_a_script_that_runs_unittest_reports_each_test_and_can_run_some(tmp_path: Path):
    how = {"command": ("python", "runtests.py", "-q"), "framework": "custom"}
    full = outcomes(await a_run(tmp_path / "a", {"runtests.py": SCRIPT}, **how))
    assert full == {
        "__main__.Tests.test_good": Outcome.PASSED,
        "__main__.Tests.test_bad": Outcome.FAILED,
        COMMAND_RESULT_ID: Outcome.PASSED,
    }
    part = await a_run(tmp_path / "b", {"runtests.py": SCRIPT}, "__main__.Tests.test_good", **how)
    assert outcomes(part) == {
        "__main__.Tests.test_good": Outcome.PASSED,
        COMMAND_RESULT_ID: Outcome.PASSED,
    }


async def test_a_script_that_runs_no_test_has_only_its_exit_code(tmp_path: Path):
    found = await a_run(
        tmp_path, {"check.py": "raise SystemExit(3)"}, command=("python", "check.py"),
        framework="custom",
    )  # fmt: skip
    assert outcomes(found) == {COMMAND_RESULT_ID: Outcome.FAILED}
