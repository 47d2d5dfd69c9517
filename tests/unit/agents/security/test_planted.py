"""Every planted problem is found and fixed as it should be, and no look-alike is touched.

A problem's file is named after its rule. Beside it is what it has to become; a problem without that
is advice, and stays as it is.
"""

import asyncio
from pathlib import Path

import pytest

from shared.detectors.comparison import FileFindings, compare
from shared.detectors.ruff import RuffSecurityDetector
from tests.unit.agents.security.support import a_source, findings, fixed, proposals

PLANTED = Path(__file__).parents[3] / "data" / "planted" / "security"
PROBLEMS = [
    each for each in sorted((PLANTED / "problems").glob("*.py")) if ".expected" not in each.name
]
LOOK_ALIKES = sorted((PLANTED / "look_alikes").glob("*.py"))


def test_there_are_enough_of_both():
    assert len(PROBLEMS) >= 15
    assert len(LOOK_ALIKES) >= 15


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: each.stem)
def test_a_problem_is_found_and_fixed_as_expected(tmp_path, problem):
    code = problem.stem.partition("_")[0]
    source = a_source(problem.read_text())
    assert {each.code for each in findings(tmp_path, source)} == {code}
    expected = problem.with_suffix(".expected.py")
    after = fixed(tmp_path, source)
    assert after == (expected if expected.exists() else problem).read_text()
    if expected.exists():
        assert findings(tmp_path, a_source(after)) == ()
        assert proposals(tmp_path, a_source(after)) == []


@pytest.mark.parametrize("look_alike", LOOK_ALIKES, ids=lambda each: each.stem)
def test_a_look_alike_is_not_touched(tmp_path, look_alike):
    source = a_source(look_alike.read_text())
    assert findings(tmp_path, source) == ()
    assert proposals(tmp_path, source) == []


@pytest.mark.parametrize("problem", PROBLEMS, ids=lambda each: each.stem)
def test_the_gate_finds_the_claim_true_and_nothing_new(tmp_path, problem):
    """By the detector that agents use, and by that which the gate alone uses."""
    source = a_source(problem.read_text())
    for each in proposals(tmp_path, source):
        before, after = each.changes["m.py"]
        for detector, claims in ((findings, each.findings), (guarded, ())):
            sides = [
                {"m.py": FileFindings(text, detector(tmp_path, a_source(text)))}
                for text in (before, after)
            ]
            assert not compare(claims, *sides).broken


def guarded(scratch, source):
    """What the gate's own detector of security findings says."""
    return asyncio.run(RuffSecurityDetector(scratch).measure(source)).findings
