"""The JSON of jest 29.7 and vitest 2.1, recorded from both on the same tests; and what is none."""

import json
from pathlib import Path

import pytest

from services.validator.suite.adapters.jest import read_jest
from services.validator.suite.domain.reports import Infrastructure, Outcome, Reported

TREE = Path("/room/tree")
RECORDED = Path(__file__).parent / "recorded"


def recorded(name):
    return json.loads((RECORDED / f"{name}.json").read_text())


def read(report, exit_code=1):
    return read_jest(json.dumps(report).encode(), TREE, exit_code=exit_code, seconds=1.0)


@pytest.mark.parametrize("name", ["jest", "vitest"])
def test_each_test_has_a_result(name):
    found = read(recorded(name))
    assert isinstance(found, Reported)
    assert {each.id: each.outcome for each in found.report.results.values()} == {
        "test/sum.test.js > sum > adds": Outcome.PASSED,
        "test/sum.test.js > sum > fails": Outcome.FAILED,
        "test/sum.test.js > sum > later": Outcome.SKIPPED,
        "test/sum.test.js > sum > never": Outcome.SKIPPED,
        "test/sum.test.js > sum > each 1": Outcome.PASSED,
        "test/sum.test.js > sum > each 2": Outcome.PASSED,
        "test/broken.test.js": Outcome.ERROR,
    }
    assert "rror: expect" in found.report.results["test/sum.test.js > sum > fails"].detail


@pytest.mark.parametrize("name", ["jest", "vitest"])
@pytest.mark.parametrize("exit_code", [0, -9])
def test_an_exit_code_that_says_otherwise_is_no_report(name, exit_code):
    assert isinstance(read(recorded(name), exit_code), Infrastructure)


def test_fewer_tests_than_it_speaks_of_are_no_report():
    report = recorded("jest")
    report["testResults"][0]["assertionResults"].pop()
    assert isinstance(read(report), Infrastructure)


@pytest.mark.parametrize(
    "content",
    [
        None,
        b"",
        b"null",
        b"[]",
        b"{}",
        b'{"numTotalTests": 0, "testResults": 3}',
        b'{"numTotalTests": "x", "testResults": []}',
        b'{"numTotalTests": 1, "testResults": [{"name": 3, "assertionResults": []}]}',
        (
            b'{"numTotalTests": 1, "testResults": '
            b'[{"name": "a", "status": "x", "assertionResults": [{}]}]}'
        ),
        b'{"numTotalTests": 1e999, "testResults": []}',
        b"[" * 100_000,
        b" " * ((32 << 20) + 1),
    ],
)
def test_what_is_damaged_is_no_report(content):
    assert isinstance(read_jest(content, TREE, exit_code=0, seconds=1.0), Infrastructure)


def test_no_test_at_all_is_said():
    found = read({"numTotalTests": 0, "testResults": []}, exit_code=0)
    assert isinstance(found, Reported)
    assert found.report.problem
