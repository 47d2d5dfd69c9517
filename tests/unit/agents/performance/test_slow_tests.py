"""The slowest tests are found by the durations that the last baseline reported."""

import hashlib
import zlib
from pathlib import Path

import pytest

from services.agents.adapters.durations import StoredDurations
from services.agents.types.performance.slow_tests import RULE, SlowTestsDetector, slow_tests
from services.agents.types.performance.spec import SPEC, measure_health
from services.validator.suite.domain.reports import Outcome, TestReport, TestResult
from shared.contracts.base import RunPurpose, Severity
from shared.contracts.documents.storage import StoredReport
from shared.contracts.states import RunState, WaveState
from shared.detectors.ports import DetectorResources, Source
from shared.targets.profile import profile_target
from tests.support.builders import NOW, a_finding, a_target, a_test_run, a_wave
from tests.support.memory import a_store
from tests.support.trees import FakeTree

FILES = {
    "shop/__init__.py": "",
    "shop/m.py": "x = 1\n",
    "tests/test_m.py": """from shop import m


def test_one():
    assert m


class TestMany:
    def test_one(self):
        assert m
""",
}
ONE, MANY = "tests/test_m.py::test_one", "tests/test_m.py::TestMany::test_one"


class FakeDurations:
    def __init__(self, seconds):
        self.seconds = seconds

    async def seconds_by_test(self, target_id):
        return self.seconds


def a_detector(seconds):
    return SlowTestsDetector(DetectorResources(Path(), durations=FakeDurations(seconds)))


async def found(seconds, files=(), config=""):
    tree = FakeTree({**FILES, "groundswell.toml": config, **dict(files)})
    source = Source(tree, profile_target(tree), "t")
    return (await a_detector(seconds).measure(source)).findings


async def test_a_slow_test_is_found_at_its_place_with_seconds_and_share():
    [made] = await found({MANY: 3.0, ONE: 0.9, "tests/test_m.py::test_two": 0.1})
    assert (made.rule, made.path, made.line) == ("durations:PRF902", "tests/test_m.py", 9)
    assert made.message == f"`{MANY}` takes 3.0 s, 75% of the time of all tests."
    assert (made.severity, made.fixable, made.component) == (Severity.NOTE, "no", "shop")


async def test_the_cases_of_a_test_are_one():
    [made] = await found({f"{ONE}[a-1]": 0.6, f"{ONE}[b]": 0.6, MANY: 0.1})
    assert made.message == f"`{ONE}` takes 1.2 s in 2 cases, 92% of the time of all tests."
    assert made.line == 4


@pytest.mark.parametrize(
    ("seconds", "count"),
    [
        ({}, 0),
        ({"a": 0.99}, 0),
        ({"a": 1.0}, 1),
        ({"a": 1.0, "b": 9.0}, 2),
        ({"a": 1.0, "b": 9.1}, 1),
        (dict.fromkeys("abcdefgh", 2.0), 5),
    ],
)
def test_a_test_is_slow_from_a_second_and_a_tenth_on_and_at_most_five_are(seconds, count):
    assert len(slow_tests(seconds)) == count


@pytest.mark.parametrize(
    ("test", "place"),
    [
        ("tests.test_m.TestMany.test_one", ("tests/test_m.py", 9)),
        ("tests/test_m.py::TestMany::test_inherited", ("tests/test_m.py", 8)),
        ("tests/a.test.js > cart > adds [1] up", ("tests/a.test.js", 1)),
        ("tests/broken.py::test_one", ("tests/broken.py", 1)),
    ],
)
async def test_places_are_found_by_ids_of_pytest_unittest_and_jest(test, place):
    files = {"tests/a.test.js": "", "tests/broken.py": "def ("}
    assert [(each.path, each.line) for each in await found({test: 2.0}, files)] == [place]


async def test_a_test_whose_file_is_not_known_is_left_out():
    assert await found({"(command)": 2.0, "gone.py::test": 2.0, "elsewhere.Test.test": 2.0}) == ()


async def test_a_test_belongs_to_the_component_that_it_imports_most_of():
    tests = "from shop import m\nfrom till import a, b\n\n\ndef test_one():\n    pass\n"
    files = {"till/__init__.py": "", "till/a.py": "", "till/b.py": "", "tests/test_m.py": tests}
    files |= {"tests/test_none.py": "def test_one():\n    pass\n"}
    [one, none] = await found({ONE: 2.0, "tests/test_none.py::test_one": 1.0}, files)
    assert (one.component, none.component) == ("till", "")


@pytest.mark.parametrize("config", ["advice = false", 'select = ["PRF1"]', 'ignore = ["PRF9"]'])
async def test_nothing_is_found_where_nobody_wants_it(config):
    assert await found({ONE: 2.0}, config=f"[agents.performance]\n{config}\n") == ()


async def test_where_no_baseline_was_measured_nothing_is_found():
    assert await found({}) == ()
    assert await a_detector({}).edition("t") == ""
    detector = SlowTestsDetector(DetectorResources(Path()))
    assert await detector.edition("t") == ""


async def test_other_slow_tests_are_another_edition_and_other_seconds_are_not():
    first = await a_detector({ONE: 2.0, MANY: 0.1}).edition("t")
    assert first == await a_detector({ONE: 3.0, MANY: 0.2}).edition("t")
    assert first not in {"", await a_detector({ONE: 2.0, MANY: 2.0}).edition("t")}
    assert await a_detector({ONE: 0.5}).edition("t") == ""


def test_health_is_that_of_the_code_without_slow_tests():
    slow, other = a_finding(RULE), a_finding("performance:PRF101")
    assert measure_health([slow, other], 100) == measure_health([other], 100)
    assert [each.measure for each in SPEC.dimensions] == [measure_health]


async def a_baseline(store, target, seconds, state=WaveState.COMPLETED, **fields):
    """Store a run of a wave in this state, with the report that the validator makes of it."""
    rows = {test: TestResult(test, Outcome.PASSED, each) for test, each in seconds.items()}
    data = TestReport(rows, 9.0).to_json().encode()
    digest = hashlib.sha256(data).hexdigest()
    await store.reports.insert(
        StoredReport(id=digest, kind="tests", data=zlib.compress(data), created_at=NOW)
    )
    wave = a_wave(target_id=target.id, state=state)
    await store.waves.insert(wave)
    known = {
        "purpose": RunPurpose.BASELINE,
        "state": RunState.FINISHED,
        "outcome": "reported",
        "report": digest,
    }
    await store.runs.insert(a_test_run(wave, **{**known, **fields}))


async def test_durations_are_those_of_the_last_baseline_whose_wave_is_over():
    store, target = a_store(), a_target()
    durations = StoredDurations(store)
    assert await durations.seconds_by_test(target.id) == {}
    await a_baseline(store, target, {"a": 1.0})
    await a_baseline(store, target, {"a": 2.0, "none": 0.0, "endless": float("inf")})
    await a_baseline(store, target, {"a": 3.0}, WaveState.FINISHING)
    await a_baseline(store, target, {"a": 4.0}, purpose=RunPurpose.FULL_RUN)
    await a_baseline(store, target, {"a": 5.0}, outcome="infrastructure", report=None)
    await a_baseline(store, a_target(), {"a": 6.0})
    assert await durations.seconds_by_test(target.id) == {"a": 2.0}


async def test_a_report_that_is_no_longer_stored_is_no_measurement():
    store, target = a_store(), a_target()
    await a_baseline(store, target, {"a": 1.0}, report="0" * 64)
    assert await StoredDurations(store).seconds_by_test(target.id) == {}
