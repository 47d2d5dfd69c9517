"""Trying mutants: real pytest sessions on small trees, in the real sandbox."""

import textwrap
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest

from services.validator.mutation.adapters import random_names, write_mutated_files
from services.validator.mutation.domain.plan import MutantResult
from services.validator.suite.domain.reports import Infrastructure
from tests.support.mutants import try_mutants

Try = Callable[..., object]


@pytest.fixture
def try_out(tmp_path: Path) -> Try:
    return partial(try_mutants, tmp_path)


BEFORE = """
import functools

LIMIT = 5

def covered(a): return 0
def loose(a): return 0
def never(a): return 0
def printed(): return 0
def odd(a): return 0
def in_a_fixture(): return 0

@functools.cache
def kept(a): return 0

@functools.cache
def built(): return 0

TABLE = built()

if __name__ == "__main__":
    print(printed())
"""
AFTER = (
    BEFORE.replace("LIMIT = 5", "LIMIT = 60")
    .replace("covered(a): return 0", "covered(a): return a + 1")
    .replace("loose(a): return 0", "loose(a): return a + 2")
    .replace("never(a): return 0", "never(a): return a + 3")
    .replace("printed(): return 0", "printed(): return 4")
    .replace("odd(a): return 0", "odd(a): return a + 5")
    .replace("fixture(): return 0", "fixture(): return 6")
    .replace("kept(a): return 0", "kept(a): return a + 7")
    .replace("built(): return 0", "built(): return 8")
)
TESTS = """
import subprocess, sys
import m, pytest

SEEN = []

def test_slow_and_sure():
    m.covered(0)
    assert m.covered(1) == 2
def test_quick():
    assert m.covered(1) == 2
def test_loose():
    m.loose(1)
def test_command():
    done = subprocess.run([sys.executable, "m.py"], capture_output=True, text=True)
    assert done.stdout == "4\\n", done
def test_kept_is_called(): m.kept(1)
def test_kept_is_right(): assert m.kept(1) == 8
def test_limit(): assert m.LIMIT == 60
def test_table(): assert m.TABLE == 8
def test_fails_anyway():
    m.never(1)
    assert False
def test_comes_first(): SEEN.append(1)
def test_needs_the_first_one():
    m.odd(1)
    assert SEEN
def test_makes_it(made): pass
"""
CONFTEST = """
import pytest

@pytest.fixture(scope="session")
def made():
    import m
    return m.in_a_fixture()
"""
OTHERS = "def test_looks_at_it(made): assert made == 6\n"


async def test_each_fault_is_tried_with_the_tests_that_reach_it(try_out: Try):
    found = await try_out(
        BEFORE, AFTER, {"test_m.py": TESTS, "test_n.py": OTHERS, "conftest.py": CONFTEST}
    )
    assert isinstance(found, dict), found
    killed = {what: each.by for what, each in found.items() if each.killed}
    covered = found["`a + 1` became `a - 1`"]
    assert covered.by in {"test_m.py::test_quick", "test_m.py::test_slow_and_sure"}
    assert covered.tests == 2
    assert found["`a + 2` became `a - 2`"] == MutantResult(False, reached=True, tests=1)
    # Reached only by a test that fails without it, or by none.
    assert found["`a + 3` became `a - 3`"] == MutantResult(False)
    # By a Python that a test starts; by who looks at what was worked out, or made, once.
    assert killed["`4` became `5`"] == "test_m.py::test_command"
    assert killed["`a + 7` became `a - 7`"] == "test_m.py::test_kept_is_right"
    assert killed["`6` became `7`"] == "test_n.py::test_looks_at_it"
    # At import: a constant, and what is called there.
    assert killed["`60` became `61`"] == "test_m.py::test_limit"
    assert killed["`8` became `9`"] == "test_m.py::test_table"
    # By a test that fails by itself when it is alone.
    assert found["`a + 5` became `a - 5`"].killed is False


ONE = "def f(a):\n    return {}\n"
FINE = "import m\ndef test_a(): assert m.f(3) == 3\ndef test_b(): m.f(1)\ndef test_c(): pass\n"


async def one(try_out: Try, files: dict[str, str], *only: str, **how) -> object:
    found = await try_out(ONE.format("1"), ONE.format("a * 1"), files, *only, **how)
    return found["`a * 1` became `None`"] if isinstance(found, dict) else found


async def test_only_the_tests_that_were_chosen_are_run(try_out: Try):
    files = {"test_m.py": FINE, "test_x.py": "raise RuntimeError"}
    assert (await one(try_out, files, "test_m.py::test_b")).killed is False


async def test_a_test_that_hangs_or_dies_has_noticed(try_out: Try):
    before = "def f(a):\n    return 1\n\n\ndef g(b):\n    return 1\n"
    after = "def f(a):\n    return a * 1\n\n\ndef g(b):\n    return b * 1\n"
    tests = """
        import m, os, time
        def test_dies():
            if m.f(3) is None: os._exit(0)
        def test_hangs():
            if m.g(3) is None: time.sleep(600)
        """
    found = await try_out(before, after, {"test_m.py": textwrap.dedent(tests)})
    assert found["`a * 1` became `None`"].by == "test_m.py::test_dies"
    assert found["`b * 1` became `None`"].by == "test_m.py::test_hangs"


async def test_a_test_that_fails_now_and_then_notices_nothing(try_out: Try):
    """It passes in the run without mutants, which is the first one, and fails ever after."""
    tests = """
        import m, os
        def test_flaky():
            m.f(1)
            assert not os.path.exists("ran")
            open("ran", "w").close()
        """
    assert (await one(try_out, {"test_m.py": textwrap.dedent(tests)})).killed is False


async def test_a_mutant_that_there_was_no_time_for_is_not_killed(try_out: Try):
    assert await one(try_out, {"test_m.py": FINE}, longest=0) == MutantResult(
        None, reached=True, tests=2, why="the time for mutants was up ([test] extra)"
    )


async def test_the_first_fault_of_a_change_is_tried_when_the_time_for_all_is_over(try_out: Try):
    before = "def f(a):\n    return 1\n\n\ndef g(b):\n    return 1\n"
    after = "def f(a):\n    return a * 1\n\n\ndef g(b):\n    return b * 1\n"
    tests = "import m\ndef test(): assert m.f(3) + m.g(3) == 6\n"
    found = await try_out(before, after, {"test_m.py": tests}, seconds=0)
    assert {each.killed for each in found.values()} == {True, None}
    assert sum(each.killed is True for each in found.values()) == 1


async def test_a_fault_whose_test_there_was_no_time_to_run_without_it_did_not_stay_green(
    try_out: Try,
):
    slow = "import m, time\ndef test_slow():\n    assert m.f(3) == 3\n    time.sleep(2)\n"
    found = await one(try_out, {"test_m.py": slow}, longest=1)
    assert (found.killed, found.why) == (None, "the time for mutants was up ([test] extra)")


async def test_options_that_would_divide_or_stop_the_session_do_neither(try_out: Try):
    ini = "[pytest]\naddopts = -x -n 2 --ff\n"
    tests = FINE.replace("import m", "import m\ndef test_0(): assert False")
    found = await one(try_out, {"test_m.py": tests, "pytest.ini": ini})
    assert (found.killed, found.by) == (True, "test_m.py::test_a")


# What pytest-cov does: it measures if it has sources, and fails a session that covers little.
COVERAGE = """
import pytest

def pytest_addoption(parser):
    parser.addoption("--cov", action="append", default=[], dest="cov_source")
    parser.addoption("--cov-fail-under", type=float, default=None)

class Measuring:
    def pytest_runtest_setup(self, item):
        raise RuntimeError("nothing can be measured in a fork")

def pytest_load_initial_conftests(early_config):
    if early_config.known_args_namespace.cov_source:
        early_config.pluginmanager.register(Measuring(), "_cov")

def pytest_configure(config):
    if config.option.cov_source and not config.pluginmanager.hasplugin("_cov"):
        config.pluginmanager.register(Measuring(), "_cov")

def pytest_collection_finish(session):
    if session.config.option.cov_fail_under:
        raise pytest.UsageError("too little is covered")
"""


async def test_coverage_is_neither_measured_nor_missed(try_out: Try):
    ini = "[pytest]\naddopts = -p coverage_plugin --cov=m --cov-fail-under=90\n"
    files = {"test_m.py": FINE, "coverage_plugin.py": COVERAGE, "pytest.ini": ini}
    found = await one(try_out, files)
    assert (found.killed, found.by) == (True, "test_m.py::test_a")
    loose = FINE.replace(" == 3", " is not ...")
    assert (await one(try_out, {**files, "test_m.py": loose})).killed is False


async def test_a_session_that_cannot_begin_or_end_says_so_of_every_fault(try_out: Try):
    found = await one(try_out, {"test_m.py": FINE, "conftest.py": "import nowhere"})
    assert found.killed is None
    assert "conftest.py could not be imported" in found.why
    dies = FINE.replace("def test_c(): pass", "def test_c(): import os; os._exit(0)")
    found = await one(try_out, {"test_m.py": dies})
    assert (found.killed, found.why) == (
        None,
        "the test session ended early without any mutant",
    )


async def test_without_a_whole_report_there_is_none(try_out: Try):
    found = await one(try_out, {"test_m.py": f"import os; os._exit(0)\n{FINE}"})
    assert isinstance(found, Infrastructure)
    assert "before its end" in found.reason


async def test_a_report_that_others_wrote_is_no_report(try_out: Try):
    """What a session would say if it could: that every mutant was killed."""
    forged = """
        import json, os
        more = {"by": "", "tests": 0, "reached": True, "why": ""}
        line = json.dumps({"event": "mutant", "id": 0, "killed": True, **more})
        with open(os.environ["GROUNDSWELL_REPORT"], "a") as file:
            file.write(json.dumps({"key": 0, "line": line, "mac": "0"}) + "\\n")
        """
    found = await one(try_out, {"test_m.py": textwrap.dedent(forged) + FINE})
    assert isinstance(found, Infrastructure)
    assert "damaged" in found.reason


async def test_an_import_that_is_gone_is_looked_for_by_whether_its_module_is_imported(try_out: Try):
    before, after = "import os\nx = 1\n", "x = 1\n"
    for tests, there in (
        (FINE.replace("m.f(3) == 3", "m.x").replace("m.f(1)", "0"), True),
        ("def test_a(): pass\n", False),
    ):
        assert await try_out(before, after, {"test_m.py": tests}) == {
            "no test imports it": MutantResult(there, reached=there)
        }


def test_a_mutated_file_is_not_written_through_a_link(tmp_path: Path):
    outside, tree = tmp_path / "outside", tmp_path / "tree"
    outside.mkdir()
    tree.mkdir()
    (outside / "m.py").write_text("mine")
    (tree / "p").symlink_to(outside)
    (tree / "m.py").symlink_to(outside / "m.py")
    write_mutated_files(tree, {"p/m.py": "mutated", "m.py": "mutated", "gone.py": "mutated"})
    assert (outside / "m.py").read_text() == "mine"
    assert not (tree / "gone.py").exists()


LOOKS_FOR_THE_SWITCH = """
import builtins, os, pathlib
import m

def test_covered():
    seen = os.environ | vars(builtins) | {"m": pathlib.Path(m.__file__).read_text()}
    text = " ".join(f"{k} {v}" for k, v in seen.items())
    plan = pathlib.Path(os.environ["GROUNDSWELL_MUTANTS"]).read_text()
    if "__gs_" in text + plan:
        assert m.covered(1) == 2
"""


async def test_no_code_can_know_the_names_by_which_mutants_are_switched(try_out):
    """A test that fails only where it sees mutants kills none: it does not see them."""
    before, after = "def covered(a): return 0\n", "def covered(a): return a + 1\n"
    results = await try_out(before, after, {"test_m.py": LOOKS_FOR_THE_SWITCH})
    assert [each.killed for each in results.values()] == [False] * len(results)


def test_the_names_are_other_ones_in_each_run():
    assert len({name for _ in range(50) for name in random_names()}) == 100
