"""Trying planted faults: real pytest sessions on small trees, in the real sandbox."""

import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from services.validator.adapters.faults import SandboxedFaults
from services.validator.domain.faults import ChangedFile, Planting, Trial, Tried, plant
from shared.environments.interpreters import running
from shared.environments.ports import Environment
from shared.kernel.ids import uuid7
from shared.sandbox.scratch import Scratch
from tests.support.profiles import a_profile
from tests.support.sandboxes import a_sandbox, the_best
from tests.support.trees import FakeTree

BIN = Path(sys.executable).parent
QUICK = ("python", "-m", "pytest", "-p", "no:asyncio", "-p", "no:hypothesispytest")
Try = Callable[..., object]


@pytest.fixture
async def try_out(tmp_path: Path) -> AsyncIterator[Try]:
    """Tries every fault that fits in `m.py` as it became; what the tests saw, by what was planted."""

    async def try_out(
        before: str,
        after: str,
        tests: dict[str, str],
        *only: str,
        seconds: float = 60,
        command=QUICK,
    ) -> object:
        planting = plant({"c": [ChangedFile("m.py", (before.encode(), after.encode()))]}, 99)
        outcome = await run(planting, {"m.py": after, **tests}, only, seconds, command)
        if not isinstance(outcome, Tried):
            return outcome
        return {each.mutant.what: outcome.trials[each.id] for each in planting.faults}

    async def run(planting: Planting, files, only, seconds, command) -> object:
        work = tmp_path / "work"
        scratch = Scratch(work, uuid7)
        environment = Environment("key", BIN, (BIN.parent, *running().needs), 0, True)
        faults = SandboxedFaults(sandbox, scratch, lambda *_: FakeTree(files))
        plan, profile = planting.to_json(seconds), a_profile(*command)
        outcome = await faults.try_out("tree", plan, profile, environment, only, target_id="target")
        scratch.close()
        assert [each.name for each in work.iterdir()] == [".lock"], "something was left behind"
        return outcome

    async with a_sandbox(the_best(), tmp_path) as sandbox:
        yield try_out


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
@pytest.fixture(scope="module")
def made(): return m.in_a_fixture()
def test_makes_it(made): pass
def test_looks_at_it(made): assert made == 6
"""


async def test_each_fault_is_tried_with_the_tests_that_reach_it(try_out: Try):
    found = await try_out(BEFORE, AFTER, {"test_m.py": TESTS})
    assert isinstance(found, dict), found
    noticed = {what: each.by for what, each in found.items() if each.noticed}
    covered = found["`a + 1` became `a - 1`"]
    assert covered.by in {"test_m.py::test_quick", "test_m.py::test_slow_and_sure"}
    assert covered.tests == 2
    assert found["`a + 2` became `a - 2`"] == Trial(False, reached=True, tests=1)
    # Reached only by a test that fails without it, or by none.
    assert found["`a + 3` became `a - 3`"] == Trial(False)
    # By a Python that a test starts; by who looks at what was worked out, or made, once.
    assert noticed["`4` became `5`"] == "test_m.py::test_command"
    assert noticed["`a + 7` became `a - 7`"] == "test_m.py::test_kept_is_right"
    assert noticed["`6` became `7`"] == "test_m.py::test_looks_at_it"
    # At import: a constant, and what is called there.
    assert noticed["`60` became `61`"] == "test_m.py::test_limit"
    assert noticed["`8` became `9`"] == "test_m.py::test_table"
    # By a test that fails by itself when it is alone.
    assert found["`a + 5` became `a - 5`"].noticed is False
