"""Modules of the tree with the names of Python's: ours are imported before the tree is searched."""

import pytest

from tests.support.mutants import try_mutants
from tests.support.suites import PYTEST, UNITTEST, a_run, reported

# Whoever imports it in place of Python's own runs this; the test wants it so, our code does not.
SHADOW = "MINE = True\n"
TEST = """
import os, subprocess, sys, unittest

class T(unittest.TestCase):
    def test_the_tree_has_its_own(self):
        import hmac
        assert hmac.MINE

    def test_a_process_that_is_started_has_the_tree_on_its_path(self):
        code = "import hmac; assert hmac.MINE"
        assert subprocess.run([sys.executable, "-c", code]).returncode == 0
"""


SCRIPT = "import unittest\nunittest.main('test_x')\n"


@pytest.mark.parametrize(
    ("command", "framework"),
    [
        (PYTEST, "pytest"),
        ((*UNITTEST, "test_x"), "unittest"),
        (("python", "run_tests.py"), "custom"),
        (("python", "-m", "run_tests"), "custom"),
    ],
)
async def test_a_report_is_signed_by_pythons_own_modules(tmp_path, command, framework):
    files = {"hmac.py": SHADOW, "test_x.py": TEST, "run_tests.py": SCRIPT}
    outcome = await a_run(tmp_path, files, command=command, framework=framework)
    assert {each.outcome for each in reported(outcome).report.results.values()} == {"passed"}


async def test_what_mutants_do_is_signed_by_pythons_own_modules(tmp_path):
    """In the session that forks, and in the one that imports everything again."""
    before, after = "A = 1\n\n\ndef f():\n    return 1\n", "A = 5\n\n\ndef f():\n    return 7\n"
    test = (
        "import hmac\nimport m\n\ndef test_it(): assert (m.A, m.f(), hmac.MINE) == (5, 7, True)\n"
    )
    files = {"hmac.py": SHADOW, "test_m.py": test}
    results = await try_mutants(tmp_path, before, after, files)
    killers = {what: each.by for what, each in results.items()}
    assert killers == {
        "`5` became `6`": "test_m.py::test_it",
        "`7` became `8`": "test_m.py::test_it",
    }


async def test_a_package_of_the_tree_does_not_take_the_place_of_ours(tmp_path):
    forged = "import os\nos._exit(0)\n"
    files = {
        "groundswell_in_target/__init__.py": "",
        "groundswell_in_target/by_pytest.py": forged,
        "test_x.py": "def test_fails():\n    assert False\n",
    }
    outcome = await a_run(tmp_path, files)
    assert {each.outcome for each in reported(outcome).report.results.values()} == {"failed"}


async def test_the_sitecustomize_of_the_tree_still_runs(tmp_path):
    files = {
        "sitecustomize.py": "import builtins\nbuiltins.MARK = 1\n",
        "test_x.py": "import sys\ndef test_it():\n    assert MARK\n    import sitecustomize\n"
        "    assert 'tree' in sitecustomize.__file__\n",
    }
    outcome = await a_run(tmp_path, files)
    assert {each.outcome for each in reported(outcome).report.results.values()} == {"passed"}
