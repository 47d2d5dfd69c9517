"""Each dimension of health is compared by itself, and only with what was measured of it."""

from services.api.domain.dimensions import compare_dimensions
from services.api.domain.report import WaveRecords, make_report
from services.api.domain.suite_health import compare_suite
from shared.agent_types import health_dimensions
from shared.contracts.documents.runs import TestCounts
from tests.support.builders import a_health, a_target, a_test_run, a_wave, an_enhancement

WAVE = a_wave()
LANDED, OTHER = "d" * 40, "e" * 40


def health(component="m", dimension="security", score=100.0, **metrics):
    return a_health(
        WAVE, component, dimension=dimension, score=score, metrics=metrics, source="s-1"
    )


def compared(before=(), after=()):
    found = compare_dimensions(health_dimensions(), before, after)
    return {each.dimension: each for each in found}


def metrics(dimension):
    return {each.name: (each.before, each.after) for each in dimension.metrics}


def test_a_score_is_weighted_by_lines_and_one_dimension_does_not_hide_another():
    before = [
        health("big", score=90.0, lines=300.0, findings=3.0, density=4.0),
        health("small", score=50.0, lines=100.0, findings=4.0, density=80.0),
        health("big", "performance", score=10.0, lines=300.0, findings=1.0),
    ]
    found = compared(before, [health("big", lines=300.0)])
    security = found["security"]
    assert (security.score_before, security.score_after) == (80.0, 100.0)
    assert metrics(security) == {"findings": (7.0, 0.0), "density": (23.0, 0.0)}
    assert (security.sample_before, security.sample_after, security.sample_unit) == (
        *(400, 300),
        "lines",
    )
    assert security.source == "s-1"
    assert found["performance"].score_before == 10.0


def test_every_declared_dimension_is_there_and_what_was_not_measured_is_none():
    found = compared()
    assert set(found) == set(health_dimensions())
    assert {each.score_before for each in found.values()} == {None}
    assert {
        value for each in found.values() for pair in metrics(each).values() for value in pair
    } == {None}


def test_what_was_measured_once_is_not_hidden_though_sums_leave_it_out():
    records = WaveRecords(
        WAVE,
        a_target(),
        (),
        (),
        [health(findings=2.0), health(dimension="code_quality", findings=1.0)],
        [health(dimension="code_quality")],
        dimensions=health_dimensions(),
    )
    shown = make_report(records).health
    assert (shown.findings_before, shown.findings_after) == (1, 0)
    [security] = [each for each in shown.dimensions if each.dimension == "security"]
    assert metrics(security)["findings"] == (2.0, None)


def test_a_metric_that_one_component_lacks_is_not_summed_up():
    found = compared([health("one", "workflow", broken=1.0), health("two", "workflow")])
    assert metrics(found["workflow"])["broken"] == (None, None)


def counted(passed, failed=0, **fields):
    counts = TestCounts(tests=passed + failed + 1, passed=passed, failed=failed, skipped=1)
    return a_test_run(WAVE, state="finished", outcome="reported", counts=counts, **fields)


class TestSuite:
    BASE = counted(8, 2, purpose="baseline", head=WAVE.commit)

    def compared(self, *runs, landed=(), final=WAVE.commit):
        return compare_suite([self.BASE, *runs], WAVE.commit, landed, final, None)

    def test_before_is_the_baseline_and_after_the_run_that_let_the_last_change_land(self):
        last = counted(10, changes=(WAVE.id,))
        part = counted(1, tests=("t::a",), changes=(WAVE.id,))
        landed = [
            an_enhancement(state="applied", commit=OTHER, run=counted(1).id),
            an_enhancement(state="applied", commit=LANDED, run=last.id),
        ]
        found = self.compared(part, last, counted(3), landed=landed, final=LANDED)
        assert (found.score_before, found.score_after) == (80.0, 100.0)
        assert metrics(found)["failing"] == (2, 0)
        assert (found.sample_before, found.sample_after, found.sample_unit) == (11, 11, "tests")
        assert found.source.startswith("full runs ")

    def test_where_nothing_landed_the_tree_is_the_same(self):
        found = self.compared()
        assert (found.score_before, found.score_after) == (80.0, 80.0)

    def test_without_a_full_run_on_what_landed_there_is_no_score_of_it(self):
        part = counted(1, tests=("t::a",))
        landed = [an_enhancement(state="applied", commit=LANDED, run=part.id)]
        found = self.compared(part, landed=landed, final=LANDED)
        assert (found.score_after, found.sample_after) == (None, None)
