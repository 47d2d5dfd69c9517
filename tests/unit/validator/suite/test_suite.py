"""Running a target's tests: real pytest on small trees, in the real sandbox."""

import sys
import textwrap
from collections.abc import AsyncIterator, Callable, Mapping
from pathlib import Path

import pytest

from services.validator.suite.adapters.suite import SandboxedSuite
from services.validator.suite.adapters.suite_run import SuiteRun, export_tree
from services.validator.suite.domain.reports import (
    COMMAND_RESULT_ID,
    Infrastructure,
    Outcome,
    Reported,
    TestReport,
)
from shared.environments.interpreters import running_interpreter
from shared.environments.ports import Environment
from shared.kernel.ids import uuid7
from shared.sandbox.scratch import Scratch
from tests.support.profiles import a_profile
from tests.support.sandboxes import a_sandbox, the_best
from tests.support.trees import FakeTree

BIN = Path(sys.executable).parent
PYTEST = ("python", "-m", "pytest", "-p", "no:hypothesispytest", "-p", "no:asyncio")
ODD = """
import pytest

@pytest.mark.parametrize("x", ["a::b", "[q]", "é\\n", "a b", "@x", "/", "-k", ""])
def test_odd(x):
    assert x != "@x"
"""
CLASSES = """
import unittest

class Outer:
    class TestInner:
        def test_a(self): assert True

class TestCase(unittest.TestCase):
    def test_subtests(self):
        for i in range(5):
            with self.subTest("even", i=i):
                self.assertNotEqual(i, 3)
    def test_fine(self):
        for i in range(5):
            with self.subTest(i=i):
                pass
    @unittest.expectedFailure
    def test_known(self): self.fail("known")
    @unittest.expectedFailure
    def test_unexpected(self): pass
"""
OUTCOMES = """
import pytest

@pytest.fixture
def broken(): raise RuntimeError("no set-up")

@pytest.fixture
def leaky():
    yield
    raise RuntimeError("no tear-down")

def test_passes(): pass
def test_fails(): assert "left" == "right"
def test_error(broken): pass
def test_teardown(leaky): pass
@pytest.mark.skip(reason="not here")
def test_skipped(): pass
@pytest.mark.xfail(reason="known")
def test_xfailed(): assert False
@pytest.mark.xfail
def test_xpassed(): pass
@pytest.mark.xfail(strict=True)
def test_strict(): pass
"""

Run = Callable[..., object]


@pytest.fixture
async def run(tmp_path: Path) -> AsyncIterator[Run]:
    async def run(
        files: Mapping[str, str],
        *tests: str,
        command: tuple[str, ...] = PYTEST,
        framework: str = "pytest",
        timeout: float = 60,
    ) -> object:
        work = tmp_path / "work"
        scratch = Scratch(work, uuid7)
        profile = a_profile(*command, framework=framework, timeout=timeout)
        environment = Environment(
            "key", BIN, (BIN.parent, *running_interpreter().required_directories), 0, True
        )
        suite = SandboxedSuite(sandbox, scratch, lambda *_: FakeTree(files))
        outcome = await suite.run("tree", profile, environment, tests, target_id="target")
        scratch.close()
        assert [each.name for each in work.iterdir()] == [".lock"], "something was left behind"
        return outcome

    async with a_sandbox(the_best()) as sandbox:
        yield run


def reported(outcome: object) -> TestReport:
    assert isinstance(outcome, Reported), outcome
    return outcome.report


def outcomes(outcome: object) -> dict[str, Outcome]:
    return {each.id: each.outcome for each in reported(outcome).results.values()}


async def test_every_kind_of_outcome_is_told_apart(run: Run):
    found = outcomes(await run({"test_x.py": OUTCOMES}))
    assert found == {
        "test_x.py::test_passes": Outcome.PASSED,
        "test_x.py::test_fails": Outcome.FAILED,
        "test_x.py::test_error": Outcome.ERROR,
        "test_x.py::test_teardown": Outcome.ERROR,
        "test_x.py::test_skipped": Outcome.SKIPPED,
        "test_x.py::test_xfailed": Outcome.XFAILED,
        "test_x.py::test_xpassed": Outcome.XPASSED,
        "test_x.py::test_strict": Outcome.FAILED,
    }


async def test_a_failure_says_what_happened(run: Run):
    report = reported(await run({"test_x.py": OUTCOMES}))
    assert "assert 'left' == 'right'" in report.results["test_x.py::test_fails"].detail


async def test_any_reported_id_can_be_run_again_alone(run: Run):
    files = {"tests/test_odd.py": ODD, "tests/test_classes.py": CLASSES}
    full = outcomes(await run(files))
    assert len(full) == 12
    assert full["tests/test_odd.py::test_odd[@x]"] is Outcome.FAILED
    alone = {}
    for test in list(full)[::3]:
        part = outcomes(await run(files, test))
        assert list(part) == [test]
        alone |= part
    assert alone == {test: full[test] for test in alone}
    assert outcomes(await run(files, *full)) == full


async def test_a_failing_subtest_fails_its_test_and_the_others_do_not_swell_the_report(run: Run):
    report = reported(await run({"test_x.py": CLASSES}))
    assert len(report.results) == 4
    failed = report.results["test_x.py::TestCase::test_subtests"]
    assert failed.outcome is Outcome.FAILED
    assert "3" in failed.detail.splitlines()[0]
    assert report.results["test_x.py::TestCase::test_known"].outcome is Outcome.XFAILED
    assert report.results["test_x.py::TestCase::test_unexpected"].outcome is Outcome.FAILED


async def test_a_subset_does_not_even_import_the_other_modules(run: Run):
    files = {
        "a/test_a.py": "def test_a(): pass",
        "a/test_b.py": "raise RuntimeError",
        "b/test_c.py": "raise RuntimeError",
        "test_d.py": "raise RuntimeError",
    }
    assert outcomes(await run(files, "a/test_a.py::test_a")) == {
        "a/test_a.py::test_a": Outcome.PASSED
    }


async def test_tests_that_are_not_there_any_more_are_not_in_the_report(run: Run):
    files = {"test_x.py": "def test_a(): pass"}
    both = await run(files, "test_x.py::test_a", "test_x.py::test_b", "test_gone.py::test_c")
    assert list(reported(both).results) == ["test_x.py::test_a"]
    none = reported(await run(files, "test_gone.py::test_c"))
    assert not none.results
    assert none.problem == "No test was collected."


async def test_a_module_that_cannot_be_imported_is_an_error_and_the_others_still_run(run: Run):
    files = {"test_a.py": "import nowhere", "test_b.py": "def test_b(): pass"}
    assert outcomes(await run(files)) == {
        "test_a.py": Outcome.ERROR,
        "test_b.py::test_b": Outcome.PASSED,
    }


async def test_a_module_that_is_whole_again_passes_when_it_is_asked_for(run: Run):
    files = {"test_a.py": "def test_a(): pass", "test_b.py": "def test_b(): pass"}
    assert outcomes(await run(files, "test_a.py")) == {
        "test_a.py": Outcome.PASSED,
        "test_a.py::test_a": Outcome.PASSED,
    }


@pytest.mark.parametrize("conftest", ["conftest.py", "tests/conftest.py"])
async def test_a_conftest_that_cannot_be_imported_is_a_failure_and_not_the_machines(
    run: Run, conftest: str
):
    files = {conftest: "import nowhere", "tests/test_b.py": "def test_b(): pass"}
    report = reported(await run(files))
    assert report.failing
    assert "tests/test_b.py::test_b" not in report.results


async def test_a_tree_without_tests_gives_an_empty_report_that_says_so(run: Run):
    report = reported(await run({"module.py": ""}))
    assert report.counts.tests == 0
    assert report.problem == "No test was collected."


async def test_doctests_have_ids_that_can_be_run_again(run: Run):
    files = {
        "m.py": 'def f():\n    """\n    >>> 1 + 1\n    2\n    """\n',
        "notes.rst": ">>> 1\n1\n",
    }
    command = (*PYTEST, "--doctest-modules", "--doctest-glob=*.rst")
    full = outcomes(await run(files, command=command))
    assert full == {"m.py::m.f": Outcome.PASSED, "notes.rst::notes.rst": Outcome.PASSED}
    assert outcomes(await run(files, "m.py::m.f", command=command)) == {"m.py::m.f": Outcome.PASSED}


async def test_a_run_never_stops_at_the_first_failure(run: Run):
    files = {
        "test_x.py": "def test_a(): assert 0\ndef test_b(): assert 0\n",
        "pytest.ini": "[pytest]\naddopts = -x --ff\n",
    }
    assert len(reported(await run(files, command=(*PYTEST, "--maxfail=1"))).failing) == 2


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("import os; os._exit(0)", "ended before the test session"),
        ("import os; os.kill(os.getpid(), 9)", "ended before the test session"),
        ("import pytest; pytest.exit('enough')", "interrupted"),
        ("raise KeyboardInterrupt", "interrupted"),
        ("import time; time.sleep(600)", "longer than the 3 seconds"),
    ],
)
async def test_a_run_that_did_not_reach_its_end_is_infrastructure(run: Run, code: str, reason: str):
    files = {"test_x.py": f"def test_a(): pass\ndef test_b():\n    {code}\n"}
    outcome = await run(files, timeout=3 if "sleep" in code else 60)
    assert isinstance(outcome, Infrastructure)
    assert reason in outcome.reason


async def test_a_wrong_option_is_infrastructure_with_what_pytest_said(run: Run):
    outcome = await run({"test_x.py": "def test_a(): pass"}, command=(*PYTEST, "--nonsense"))
    assert isinstance(outcome, Infrastructure)
    assert "--nonsense" in outcome.output_tail


async def test_success_at_the_end_does_not_hide_a_failure(run: Run):
    files = {
        "test_x.py": "def test_a(): assert 0",
        "conftest.py": "def pytest_sessionfinish(session): session.exitstatus = 0",
    }
    outcome = await run(files)
    assert isinstance(outcome, Infrastructure)
    assert "ended with success" in outcome.reason


async def test_a_pytest_that_a_test_starts_does_not_disturb_the_report(run: Run):
    nested = """
        import os, subprocess, sys
        def test_nested(tmp_path):
            (tmp_path / "test_y.py").write_text("def test_y(): assert 0")
            env = {**os.environ, "PYTHONPATH": ""}
            argv = [sys.executable, "-m", "pytest", str(tmp_path)]
            assert subprocess.run(argv, env=env).returncode == 1
        def test_fork():
            pid = os.fork()
            if pid == 0:
                raise SystemExit(0)
            os.waitpid(pid, 0)
    """
    assert outcomes(await run({"test_x.py": textwrap.dedent(nested)})) == {
        "test_x.py::test_nested": Outcome.PASSED,
        "test_x.py::test_fork": Outcome.PASSED,
    }


async def test_workers_of_xdist_report_once_and_select_too(run: Run):
    files = {"test_x.py": "def test_a(): pass\ndef test_b(): assert 0\ndef test_c(): pass\n"}
    command = (*PYTEST, "-n", "2")
    assert len(reported(await run(files, command=command)).results) == 3
    part = await run(files, "test_x.py::test_b", command=command)
    assert outcomes(part) == {"test_x.py::test_b": Outcome.FAILED}


async def test_a_script_that_calls_pytest_is_reported_by_test_and_as_a_whole(run: Run):
    files = {"test_x.py": "def test_a(): pass"}
    script = ("sh", "-c", "python -m pytest && exit 7")
    found = reported(await run(files, command=script, framework="custom"))
    assert found.results["test_x.py::test_a"].outcome is Outcome.PASSED
    assert found.results[COMMAND_RESULT_ID].outcome is Outcome.FAILED
    assert "7" in found.results[COMMAND_RESULT_ID].detail


async def test_of_a_command_without_a_report_only_the_exit_code_is_known(run: Run):
    for code, expected in ((0, Outcome.PASSED), (1, Outcome.FAILED)):
        command = ("sh", "-c", f"exit {code}")
        report = reported(await run({"a": ""}, command=command, framework="custom"))
        assert report.problem == "Only the exit code is known."
        assert report.results[COMMAND_RESULT_ID].outcome is expected


async def test_a_command_may_write_a_junit_report(run: Run):
    xml = '<testsuite tests="1"><testcase classname="a" name="b"/></testsuite>'
    command = ("sh", "-c", f"echo '{xml}' > $GROUNDSWELL_JUNIT")
    found = outcomes(await run({"a": ""}, command=command, framework="custom"))
    assert found == {"a::b": Outcome.PASSED, COMMAND_RESULT_ID: Outcome.PASSED}


async def test_a_runner_that_fails_where_no_test_did_has_failed_as_a_whole(run: Run):
    """As by a threshold of coverage, or an error outside all tests."""
    xml = "<testsuite tests='1'><testcase classname='a' name='b'/></testsuite>"
    for code, whole in ((3, {COMMAND_RESULT_ID: Outcome.FAILED}), (0, {})):
        script = f'echo "{xml}" > "$GROUNDSWELL_JUNIT"; exit {code}'
        found = outcomes(await run({"a": ""}, command=("sh", "-c", script), framework="junit"))
        assert found == {"a::b": Outcome.PASSED, **whole}


async def test_read_only_directories_of_a_test_are_removed(run: Run):
    files = {
        "test_x.py": "import os\ndef test_a():\n    os.makedirs('d/e'); os.chmod('d', 0o500)\n"
    }
    assert reported(await run(files)).counts.passed == 1


UNITTEST = ("python", "-m", "unittest")
UNIT_OUTCOMES = """
import unittest

class TestIt(unittest.TestCase):
    def test_passes(self): pass
    def test_fails(self): self.assertEqual("left", "right")
    def test_error(self): raise RuntimeError("broken")
    @unittest.skip("not here")
    def test_skipped(self): pass
    @unittest.expectedFailure
    def test_known(self): self.fail("known")
    @unittest.expectedFailure
    def test_unexpected(self): pass
    def test_subtests(self):
        for i in range(5):
            with self.subTest("even", i=i):
                self.assertNotEqual(i, 3)
    def test_fine(self):
        with self.subTest(i=1):
            pass

class TestTeardown(unittest.TestCase):
    def tearDown(self): raise RuntimeError("no tear-down")
    def test_it(self): pass

class TestSetup(unittest.TestCase):
    @classmethod
    def setUpClass(cls): raise RuntimeError("no set-up")
    def test_never(self): pass
"""


async def unittests(run: Run, files: Mapping[str, str], *tests: str, options: tuple[str, ...] = ()):
    command = (*UNITTEST, *options)
    return await run(files, *tests, command=command, framework="unittest")


async def test_unittest_tells_every_kind_of_outcome_apart(run: Run):
    found = outcomes(await unittests(run, {"test_x.py": UNIT_OUTCOMES, "test_y.py": "import nope"}))
    assert found == {
        "test_x.TestIt.test_passes": Outcome.PASSED,
        "test_x.TestIt.test_fails": Outcome.FAILED,
        "test_x.TestIt.test_error": Outcome.ERROR,
        "test_x.TestIt.test_skipped": Outcome.SKIPPED,
        "test_x.TestIt.test_known": Outcome.XFAILED,
        "test_x.TestIt.test_unexpected": Outcome.FAILED,
        "test_x.TestIt.test_subtests": Outcome.FAILED,
        "test_x.TestIt.test_fine": Outcome.PASSED,
        "test_x.TestTeardown.test_it": Outcome.ERROR,
        "setUpClass (test_x.TestSetup)": Outcome.ERROR,
        "unittest.loader._FailedTest.test_y": Outcome.ERROR,
    }


async def test_unittest_says_what_happened_and_how_long_it_took(run: Run):
    code = UNIT_OUTCOMES.replace(
        "def test_passes(self): pass", "def test_passes(self): time.sleep(.05)"
    )
    report = reported(await unittests(run, {"test_x.py": f"import time\n{code}"}))
    assert "'left' != 'right'" in report.results["test_x.TestIt.test_fails"].detail
    assert report.results["test_x.TestIt.test_skipped"].detail == "not here"
    assert report.results["test_x.TestIt.test_passes"].seconds >= 0.05


async def test_of_unittests_only_the_selected_ones_run_and_never_stop_early(run: Run):
    chosen = ("test_x.TestIt.test_fails", "test_x.TestIt.test_passes")
    found = outcomes(
        await unittests(run, {"test_x.py": UNIT_OUTCOMES}, *chosen, options=("-f", "-v"))
    )
    assert found == {chosen[0]: Outcome.FAILED, chosen[1]: Outcome.PASSED}


async def test_unittests_in_a_directory_are_found_as_by_the_command_itself(run: Run):
    files = {"checks/__init__.py": "", "checks/check_x.py": UNIT_OUTCOMES}
    options = ("discover", "-s", "checks", "-t", ".", "-p", "check_*.py")
    found = outcomes(await unittests(run, files, options=options))
    assert found["checks.check_x.TestIt.test_passes"] is Outcome.PASSED


@pytest.mark.parametrize("exit_", ["os._exit(0)", "os.kill(os.getpid(), 9)"])
async def test_a_unittest_that_ends_its_runner_is_no_report(run: Run, exit_: str):
    files = {"test_x.py": f"import os\n{exit_}\n{UNIT_OUTCOMES}"}
    assert isinstance(await unittests(run, files), Infrastructure)


async def test_a_unittest_module_that_leaves_with_success_is_a_failure(run: Run):
    found = await unittests(run, {"test_x.py": f"import sys\nsys.exit(0)\n{UNIT_OUTCOMES}"})
    assert outcomes(found) == {"unittest.loader._FailedTest.test_x": Outcome.ERROR}


async def test_unittests_that_are_none_are_said_to_be_none(run: Run):
    assert reported(await unittests(run, {"m.py": ""})).problem == "No test was collected."


def test_what_reports_only_when_told_so_is_told_so(tmp_path: Path):
    def argv(framework: str, *command: str) -> tuple[str, ...]:
        plan = a_profile(*command, framework=framework).test
        environment = Environment("key", BIN, (), 0, True)
        return SuiteRun(tmp_path, plan, environment, (), ()).command().argv

    file = f"{tmp_path}/run/reports/tests.json"
    npm = ("npm", "test", "--silent")
    assert argv("jest", *npm) == (*npm, "--json", f"--outputFile={file}")
    assert argv("vitest", *npm)[3:] == (
        *("--reporter=default", "--reporter=json"),
        f"--outputFile.json={file}",
    )
    assert argv("custom", *npm) == npm


@pytest.mark.parametrize("approved", [(), ("tests/test_a.py", "tests/test_gone.py")])
def test_protected_files_are_the_bases_unless_their_edits_are_approved(tmp_path, approved):
    base = {"m.py": "1", "tests/test_a.py": "1", "tests/test_gone.py": "1", "conftest.py": "1"}
    edited = {"m.py": "2", "tests/test_a.py": "2", "conftest.py": "2", "tests/test_new.py": "2"}
    trees = {"base": FakeTree(base, "base"), "edited": FakeTree(edited, "edited")}
    environment = Environment("key", BIN, (), 0, True)
    profile = a_profile()
    run = SuiteRun(tmp_path, profile.test, environment, (), (), approved=approved)
    export_tree(run, profile, lambda _, oid: trees[oid], "target", ("edited", "base"))
    files = (each for each in run.tree.rglob("*") if each.is_file())
    found = {str(each.relative_to(run.tree)): each.read_text() for each in files}
    ours = (
        {"tests/test_a.py": "2"}
        if approved
        else {"tests/test_a.py": "1", "tests/test_gone.py": "1"}
    )
    assert found == {"m.py": "2", "conftest.py": "1", "tests/test_new.py": "2"} | ours
