"""docs/health.md is what is declared, and its formulas give the scores that are computed."""

from pathlib import Path

import pytest

from services.api.domain.suite_health import suite_score
from services.api.health_page import render
from shared.agent_types import agent_specs
from shared.contracts.base import Severity
from shared.contracts.documents.runs import TestCounts
from tests.support.builders import a_finding

PAGE = Path(__file__).parent.parent.parent / "docs" / "health.md"
DIMENSIONS = [each for spec in agent_specs().values() for each in spec.dimensions]
# As the page says it, for people to compute by hand.
WEIGHTS = {Severity.ERROR: 5, Severity.WARNING: 2, Severity.NOTE: 1}


def test_the_page_is_generated():
    assert PAGE.read_text() == render(), "python -m services.api.health_page"


def test_the_page_has_every_dimension_and_metric_with_its_unit():
    text = PAGE.read_text()
    for each in DIMENSIONS:
        assert f"| `{each.name}` |" in text
        for metric in each.metrics:
            assert f"| `{metric.name}` | {metric.unit} | {metric.better} |" in text
    assert "error 5, warning 2, note 1" in text


@pytest.mark.parametrize("each", DIMENSIONS, ids=lambda each: each.name)
@pytest.mark.parametrize(
    ("severities", "lines"),
    [((), 10), (("error",), 100), (("warning", "note", "note"), 400), (("error",) * 30, 50)],
)
def test_the_published_formula_gives_the_score(each, severities, lines):
    findings = [a_finding(severity=Severity(severity)) for severity in severities]
    reading = each.measure(findings, lines)
    weight = sum(WEIGHTS[Severity(severity)] for severity in severities)
    density = 1000 * weight / lines
    assert reading.metrics["density"] == pytest.approx(density)
    assert reading.score == round(eval(each.formula, {"density": density}), 1)
    assert {metric.name for metric in each.metrics} <= reading.metrics.keys()


@pytest.mark.parametrize(("passed", "failed", "score"), [(9, 1, 90.0), (2, 1, 66.7), (0, 0, None)])
def test_the_score_of_a_suite_is_the_share_of_tests_that_pass(passed, failed, score):
    counts = TestCounts(tests=passed + failed + 5, passed=passed, failed=failed, skipped=5)
    assert suite_score(counts) == score
