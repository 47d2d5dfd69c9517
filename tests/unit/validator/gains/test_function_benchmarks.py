"""Inputs recorded in real tests and replayed on two trees, in the real sandbox."""

import random
import sys
from pathlib import Path

import pytest

from services.validator.benchmarks.domain.benchmarks import FUTILITY_RUNS
from services.validator.benchmarks.domain.reports import BenchmarkReport
from services.validator.gains.adapters import NOTHING_RECORDED, SandboxedFunctionBenchmarks
from services.validator.gains.domain.functions import functions_to_measure
from services.validator.gains.domain.judging import judge_gain
from services.validator.gains.domain.plan import GainPlan
from services.validator.gains.domain.timed_calls import NOTHING_TIMED
from shared.environments.interpreters import running_interpreter
from shared.environments.ports import Environment
from shared.kernel.ids import uuid7
from shared.sandbox.scratch import Scratch
from tests.support.profiles import a_profile
from tests.support.sandboxes import a_sandbox, the_best
from tests.support.suites import PYTEST, UNITTEST
from tests.support.trees import FakeTree

BIN = Path(sys.executable).parent
READABLE = (BIN.parent, *running_interpreter().required_directories)
ENVIRONMENT = Environment("key", BIN, READABLE, 0, True)
# A list that is searched, of texts that are long enough to be compared.
SLOW = """
NAMES = [f"a-rather-long-name-{n}" for n in range(300)]


class Shop:
    def __init__(self, names):
        self.names = names

    def count(self, *wanted, extra=()):
        return sum(each in NAMES for each in (*self.names, *wanted, *extra))
"""
FAST = SLOW.replace("= [f", "= {f").replace("(300)]", "(300)}")
TESTS = """
from shop import Shop


def test_names_are_counted():
    assert Shop(["a-rather-long-name-299"]).count("x", extra=["y"]) == 1
"""


@pytest.fixture
async def compare(tmp_path):
    async with a_sandbox(the_best()) as sandbox:

        async def run(before, after, tests=TESTS, *, command=PYTEST, framework="pytest", **files):
            trees = {
                oid: FakeTree({"shop.py": text, "test_shop.py": tests, **files}, oid)
                for oid, text in (("before", before), ("after", after))
            }
            scratch = Scratch(tmp_path / "work", uuid7)
            chance = random.Random(1)
            adapter = SandboxedFunctionBenchmarks(
                sandbox, scratch, lambda _, oid: trees[oid], lambda: chance.random() < 0.5
            )
            found = await adapter.compare(
                "after",
                GainPlan("before", functions_to_measure({"shop.py": (before, after)})),
                a_profile(*command, framework=framework),
                ENVIRONMENT,
                target_id="target",
                base_oid="before",
            )
            scratch.close()
            assert [e.name for e in (tmp_path / "work").iterdir()] == [".lock"]
            return found

        yield run


def judged(found):
    assert isinstance(found, BenchmarkReport), found
    return judge_gain(found, uuid7())


async def test_a_method_is_replayed_with_its_object_and_its_keywords(compare):
    gain = judged(await compare(SLOW, FAST))
    assert gain.state == "measured", gain
    [method] = gain.functions
    assert method.name == "shop.py::Shop.count"
    assert (method.inputs, method.answer) == (1, "better")
    assert method.ratio < 0.5
    assert method.low <= method.ratio <= method.high < 0.98
    assert method.runs >= 11


async def test_what_is_slower_shows_no_gain(compare):
    gain = judged(await compare(FAST, SLOW))
    assert gain.state == "none"
    assert gain.summary.startswith("no gain: shop.py::Shop.count takes ")
    assert gain.functions[0].runs == FUTILITY_RUNS


async def test_unittest_records_too(compare):
    tests = """
import unittest

from shop import Shop


class NamesAreCounted(unittest.TestCase):
    def test_count(self):
        self.assertEqual(Shop(["a-rather-long-name-299"]).count(), 1)
"""
    found = await compare(SLOW, FAST, tests, command=UNITTEST, framework="unittest")
    assert judged(found).state == "measured"


async def test_values_that_do_not_pickle_are_measured_in_the_tests(compare):
    tests = TESTS.replace('"y"]', '"y", lambda: 0]') + "    assert Shop([]).count() == 0\n"
    gain = judged(await compare(SLOW, FAST, tests))
    assert gain.state == "measured", gain
    [method] = gain.functions
    assert (method.name, method.inputs, method.in_tests) == ("shop.py::Shop.count", 2, True)
    assert "on 2 calls by tests" in gain.summary
    assert method.ratio < 0.5


async def test_a_call_that_works_only_in_its_test_is_measured_there_by_unittest_too(compare):
    tests = """
import unittest

from shop import Shop


class NamesAreCounted(unittest.TestCase):
    def test_count(self):
        open("made-by-the-test", "w").close()
        self.assertEqual(Shop(["x"]).count(), 0)
"""
    before = SLOW.replace("return sum", "open('made-by-the-test').close()\n        return sum")
    before = before.replace("(300)", "(9000)")
    after = before.replace("= [f", "= {f").replace("(9000)]", "(9000)}")
    found = await compare(before, after, tests, command=UNITTEST, framework="unittest")
    gain = judged(found)
    assert gain.state == "measured", gain
    assert gain.functions[0].in_tests


async def test_a_call_that_works_only_once_is_not_measured(compare):
    code = SLOW.replace("return sum", "open('made', 'x')\n        return sum")
    gain = judged(await compare(code, code.replace("= [f", "= {f").replace("(300)]", "(300)}")))
    assert gain.state == "unknown"
    assert gain.summary == NOTHING_TIMED


async def test_a_call_that_only_works_without_the_change_is_no_gain(compare):
    after = FAST.replace("return sum", "assert not extra\n        return sum")
    tests = f"{TESTS}    assert Shop(['x']).count() == 0\n"
    gain = judged(await compare(SLOW, after, tests))
    assert gain.state == "unknown"
    assert "not all recorded calls work of shop.py::Shop.count" in gain.summary


async def test_a_session_that_dies_records_nothing(compare):
    found = await compare(SLOW, FAST, "import os\nos.kill(os.getpid(), 9)\n")
    assert judged(found).summary == NOTHING_RECORDED
