"""Which functions each test reaches: real test sessions on a small package, in the real sandbox.

One recording of it serves most tests here; each asks for another thing in it.
"""

import asyncio
import tempfile
from pathlib import Path

import pytest

from services.validator.suite.domain.recording import ImpactMap
from services.validator.suite.domain.reports import Infrastructure, Outcome
from services.validator.suite.domain.sources import read_source
from tests.support.suites import PYTEST, UNITTEST, a_run, reported

MODULE = """
import functools
import threading

def registered(function):
    @functools.wraps(function)
    def inner(*arguments):
        return function(*arguments)
    return inner

@registered
def one():
    return 1

def two():
    return [each for each in range(3)]

def in_thread(out):
    out.append(helper())

def helper():
    return 1

class Thing:
    def __init__(self):
        self.x = 1
    async def waits(self):
        return two()
    def many(self):
        yield helper()
        yield 1

class Worker(threading.Thread):
    def run(self):
        self.result = one()
"""
LATE = """
from m import two

def computed():
    return two()

VALUE = computed()

def late():
    return VALUE
"""
CONFTEST = """
import subprocess
import sys
import pytest
import m

@pytest.fixture(scope="session")
def wide():
    return m.two()

@pytest.fixture(scope="module")
def wider(wide):
    return m.Thing()

@pytest.fixture(scope="session")
def dynamic(request):
    return request.getfixturevalue("wide")

@pytest.fixture(scope="session")
def server():
    return subprocess.run([sys.executable, "-c", "pass"])
"""
TESTS = """
import asyncio
import cProfile
import multiprocessing
import os
import subprocess
import sys
import threading
import unittest
import pytest
import m

@pytest.mark.parametrize("n", [1, 2])
def test_parameter(n):
    m.one() if n == 1 else m.two()

def test_wide(wide): pass
def test_wide_again(wide): pass
def test_wider(wider): pass
def test_wider_again(wider): pass
def test_dynamic(dynamic): pass
def test_dynamic_again(dynamic): pass
def test_server(server): pass
def test_server_again(server): pass

def test_target_of_a_thread():
    out = []
    thread = threading.Thread(target=m.in_thread, args=(out,))
    thread.start()
    thread.join()
    assert out == [1]

def test_thread_of_a_class():
    worker = m.Worker()
    worker.start()
    worker.join()
    assert worker.result == 1

def test_process():
    subprocess.run([sys.executable, "-c", "import m; m.one()"], check=True)

def test_fork():
    pid = os.fork()
    if not pid:
        os._exit(0)
    os.waitpid(pid, 0)

def test_process_that_nobody_waits_for():
    global nobody
    nobody = subprocess.Popen([sys.executable, "-c", "pass"])

def test_process_of_multiprocessing():
    process = multiprocessing.get_context("spawn").Process(target=print)
    process.start()
    process.join()

def test_profiling():
    profile = cProfile.Profile()
    profile.enable()
    m.one()
    profile.disable()
    m.two()

def test_after_profiling(): m.one()

def test_coroutine(): asyncio.run(m.Thing().waits())
def test_generator(): assert list(m.Thing().many()) == [1, 1]

def test_first_to_import():
    import late
    assert late.late()

def test_second_to_import():
    import late
    assert late.late()

def test_leaves_a_thread():
    global going
    going = threading.Event()
    threading.Thread(target=going.wait).start()

def test_beside_that_thread():
    m.one()
    going.set()
    for each in threading.enumerate():
        if each is not threading.current_thread():
            each.join()

def test_after_that_thread(): m.one()

class TestClass(unittest.TestCase):
    @classmethod
    def setUpClass(cls): m.two()
    def setUp(self): m.one()
    def tearDown(self): m.helper()
    def test_a(self): pass
    def test_b(self): pass
"""
FILES = {"m.py": MODULE, "late.py": LATE, "conftest.py": CONFTEST, "test_x.py": TESTS}
ONE, TWO = {"one", "registered"}, {"two"}


def record(files, **how) -> ImpactMap:
    with tempfile.TemporaryDirectory() as folder:
        return ImpactMap.from_json(asyncio.run(_text(Path(folder), files, **how)))


async def _text(home: Path, files, **how) -> str:
    outcome = reported(await a_run(home, files, record=True, **how))
    assert not outcome.report.failing
    assert outcome.impact is not None
    return outcome.impact


@pytest.fixture(scope="module")
def recorded() -> ImpactMap:
    return record(FILES)


def reach(recorded: ImpactMap, test: str, *paths: str) -> set[str]:
    """The functions of these files that a test reaches, by their names."""
    return {
        function.name
        for path in paths or ("m.py",)
        for function in read_source(FILES[path]).functions.values()
        if test in recorded.named(recorded.reaching(path, function))
    }


def known(recorded: ImpactMap, test: str) -> set[str]:
    assert f"test_x.py::{test}" not in recorded.unknown
    return reach(recorded, f"test_x.py::{test}")


def test_each_parameter_is_a_test_with_a_reach_of_its_own(recorded):
    assert known(recorded, "test_parameter[1]") == ONE
    assert known(recorded, "test_parameter[2]") == TWO


@pytest.mark.parametrize("test", ["wide", "wide_again", "dynamic", "dynamic_again"])
def test_what_a_wide_fixture_reaches_belongs_to_all_that_use_it(recorded, test):
    assert known(recorded, f"test_{test}") == TWO


def test_and_so_does_what_the_fixtures_under_it_reach(recorded):
    for test in ("test_wider", "test_wider_again"):
        assert known(recorded, test) == {"two", "Thing.__init__"}


def test_threads_are_seen(recorded):
    assert known(recorded, "test_target_of_a_thread") == {"in_thread", "helper"}
    assert known(recorded, "test_thread_of_a_class") == {"Worker.run", *ONE}


def test_coroutines_and_generators_are_seen(recorded):
    assert known(recorded, "test_coroutine") == {"Thing.__init__", "Thing.waits", "two"}
    assert known(recorded, "test_generator") == {"Thing.__init__", "Thing.many", "helper"}


def test_set_up_and_tear_down_of_a_class_belong_to_its_tests(recorded):
    for test in ("test_a", "test_b"):
        assert known(recorded, f"TestClass::{test}") == {*ONE, "two", "helper"}


@pytest.mark.parametrize(
    "test",
    [
        *("process", "process_that_nobody_waits_for", "process_of_multiprocessing", "fork"),
        *("server", "server_again", "leaves_a_thread", "beside_that_thread"),
    ],
)
def test_where_something_runs_that_is_not_seen_the_reach_is_unknown(recorded, test):
    assert f"test_x.py::test_{test}" in recorded.unknown


def test_a_test_that_profiles_is_either_seen_or_unknown_and_the_next_one_is_seen(recorded):
    test = "test_x.py::test_profiling"
    assert test in recorded.unknown or reach(recorded, test) == {*ONE, "two"}
    assert known(recorded, "test_after_profiling") == ONE
    assert known(recorded, "test_after_that_thread") == ONE


def test_what_runs_at_import_belongs_to_no_test_whoever_imports_first(recorded):
    names = {path: {name for _, name in codes} for path, codes in recorded.at_import.items()}
    assert {"<module>", "computed"} <= names["late.py"]
    assert {"<module>", "registered", "two"} <= names["m.py"]
    for test in ("first", "second"):
        assert reach(recorded, f"test_x.py::test_{test}_to_import", "m.py", "late.py") == {"late"}


def test_every_test_has_its_file_and_every_file_what_it_imports(recorded):
    assert set(recorded.files) == {"test_x.py"}
    assert recorded.imports["test_x.py"] == ("conftest.py", "late.py", "m.py")
    assert recorded.imports["late.py"] == ("conftest.py", "m.py")
    assert set(recorded.reached) == {"m.py", "late.py", "conftest.py", "test_x.py"}


def test_workers_of_xdist_record_the_same(recorded):
    files = {**FILES, "test_x.py": TESTS.replace("def test_leaves", "def no_test_leaves")}
    files["test_x.py"] = files["test_x.py"].replace("def test_beside", "def no_test_beside")
    shared = record(files, command=(*PYTEST, "-n", "2"))
    assert len(shared.tests) == len(recorded.tests) - 2
    for test in shared.tests:
        assert reach(shared, test) == reach(recorded, test)


def test_where_the_system_does_not_list_processes_python_is_asked():
    """`sitecustomize` is what Python imports before anything else."""
    hidden = """
import os
listed = os.listdir
def listdir(path="."):
    if str(path).startswith("/proc/self/task"):
        raise OSError
    return listed(path)
os.listdir = listdir
"""
    tests = """
import subprocess, sys
def test_before(): pass
def test_process(): subprocess.Popen([sys.executable, "-c", "pass"])
def test_after(): pass
"""
    found = record({"sitecustomize.py": hidden, "test_x.py": tests})
    assert found.unknown == {"test_x.py::test_process"}


def test_unittests_are_recorded_too():
    tests = """
        import unittest, subprocess, sys
        import m

        def setUpModule(): m.Thing()
        class TestIt(unittest.TestCase):
            @classmethod
            def setUpClass(cls): m.two()
            def setUp(self): m.helper()
            def test_a(self): m.one()
            def test_b(self): pass
        class TestOther(unittest.TestCase):
            def test_c(self): subprocess.run([sys.executable, "-c", ""])
    """
    dedented = "\n".join(line[8:] for line in tests.splitlines())
    files = {"m.py": MODULE, "test_x.py": dedented}
    found = record(files, command=UNITTEST, framework="unittest")
    assert set(found.files) == {"test_x.py"}
    both = {"Thing.__init__", "two", "helper"}
    assert reach(found, "test_x.TestIt.test_a") == {*both, *ONE}
    assert reach(found, "test_x.TestIt.test_b") == both
    assert found.unknown == {"test_x.TestOther.test_c"}


async def test_a_run_that_is_not_to_be_recorded_is_not(tmp_path):
    outcome = await a_run(tmp_path, {"test_x.py": "def test_a(): pass"})
    assert reported(outcome).impact is None


async def test_a_recording_that_a_test_has_overwritten_is_none_and_the_report_stands(tmp_path):
    forged = """
import atexit, os, pathlib
def forge(): pathlib.Path(os.environ["GROUNDSWELL_RECORD"]).write_text('{"tests": [3]}')
atexit.register(forge)
def test_a(): pass
"""
    outcome = reported(await a_run(tmp_path, {"test_x.py": forged}, record=True))
    assert outcome.impact is None
    assert outcome.report.counts.passed == 1


REPEATED = """
import pathlib
import pytest

count = {"session": 0, "module": 0, "function": 0}

@pytest.fixture(scope="session")
def of_session(): count["session"] += 1; return count["session"]
@pytest.fixture(scope="module")
def of_module(): count["module"] += 1; return count["module"]
@pytest.fixture
def of_function(): count["function"] += 1; return count["function"]

runs = []

def test_fourth_fails(of_session, of_module, of_function):
    runs.append((of_session, of_module, of_function))
    assert len(runs) != 4, runs

def test_other(of_session): pass
"""


async def test_repeated_tests_are_set_up_anew_each_time_and_the_worst_outcome_counts(tmp_path):
    for command, alone in ((PYTEST, True), ((*PYTEST, "-n", "2"), False)):
        asked = ("test_x.py::test_fourth_fails",) if alone else ()
        files = {"test_x.py": REPEATED}
        run = await a_run(tmp_path, files, *asked, command=command, repeat=6)
        report = reported(run).report
        result = report.results["test_x.py::test_fourth_fails"]
        assert result.outcome is Outcome.FAILED
        assert "(1, 1, 1), (2, 2, 2), (3, 3, 3), (4, 4, 4)" in result.detail
        assert ("test_x.py::test_other" in report.results) is not alone
        thrice = reported(await a_run(tmp_path, files, *asked, command=command, repeat=3)).report
        assert not thrice.failing


async def test_repeated_unittests_are_set_up_anew_each_time(tmp_path):
    tests = """
import unittest
runs = []
class TestIt(unittest.TestCase):
    @classmethod
    def setUpClass(cls): cls.set_up = len(runs)
    def test_a(self):
        self.assertEqual(self.set_up, len(runs))
        runs.append(1)
        self.assertLess(len(runs), 4)
"""
    for repeat, bad in ((3, False), (4, True)):
        for asked in ((), ("test_x.TestIt.test_a",)):
            run = await a_run(
                *(tmp_path, {"test_x.py": tests}, *asked),
                command=UNITTEST,
                framework="unittest",
                repeat=repeat,
            )
            assert bool(reported(run).report.failing) is bad


async def test_any_other_command_is_run_so_often_and_its_worst_end_counts(tmp_path):
    async def run(script: str):
        command = ("sh", "-c", script)
        return await a_run(tmp_path, {"a": ""}, command=command, framework="custom", repeat=2)

    assert not reported(await run("exit 0")).report.failing
    assert reported(await run("exit 3")).report.failing
    assert isinstance(await run("kill -9 $$"), Infrastructure)
