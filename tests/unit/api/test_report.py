"""The report: what was measured, in an order that means something, and what may be typed next."""

import subprocess
from datetime import timedelta

import pytest

from services.api.domain.measures import sum_coordination
from services.api.domain.report import WaveRecords, make_report
from shared.contracts.documents.base import Failure
from shared.contracts.documents.conflicts import ConflictResolution
from shared.contracts.documents.enhancements import Rollback
from shared.contracts.documents.findings import RELATIVE_RUN_TIME, Prediction
from shared.contracts.documents.gain import FunctionGain, Gain
from shared.contracts.documents.runs import TestCounts
from shared.contracts.health import ProtectionSummary
from shared.contracts.report import NextCommands
from shared.contracts.states import RunState
from shared.kernel.ids import short_id, uuid7
from shared.targets.location import is_url
from shared.targets.repository import inspect_repository
from tests.support.builders import (
    COMMIT,
    NOW,
    a_health,
    a_protection_health,
    a_target,
    a_task,
    a_test_run,
    a_wave,
    an_enhancement,
)
from tests.support.repositories import a_repository, commit, git

LATER = "d" * 40
OTHER = "e" * 40


def a_change(state="applied", minutes=0, **fields):
    fields = {"finished_at": NOW + timedelta(minutes=minutes), "commit": LATER, **fields}
    return an_enhancement(state=state, **fields)


def report(*changes, wave=None, target=None, runs=(), before=(), after=(), protection=()):
    wave, target = wave or a_wave(), target or a_target()
    return make_report(
        WaveRecords(
            wave,
            target,
            changes,
            runs,
            before,
            after,
            protection=protection,
            target_is_remote=is_url(target.location),
        )
    )


def lists(made):
    return {
        name: [each.id for each in getattr(made, name)]
        for name in ("landed", "rejected", "expired", "not_tried")
    }


@pytest.mark.parametrize(
    ("state", "name"),
    [
        ("applied", "landed"),
        ("rolled_back", "landed"),
        ("rejected", "rejected"),
        ("expired", "expired"),
    ],
)
def test_each_change_is_in_the_list_of_its_state_and_in_no_other(state, name):
    change = a_change(state)
    shown = lists(report(change))
    assert shown.pop(name) == [change.id]
    assert not any(shown.values())


@pytest.mark.parametrize("state", ["proposed", "cleared", "validating", "validated", "superseded"])
def test_what_is_not_over_is_in_no_list(state):
    assert not any(lists(report(a_change(state))).values())


def test_a_dry_run_tried_nothing():
    change = a_change("expired")
    shown = lists(report(change, wave=a_wave(dry_run=True)))
    assert (shown["expired"], shown["not_tried"]) == ([], [change.id])


def test_what_landed_is_told_in_the_order_in_which_it_landed():
    task = a_task()
    late, early = a_change(minutes=2), a_change(minutes=1)
    second, first = (a_change(task=task, order=n) for n in (1, 0))
    assert lists(report(late, second, early, first))["landed"] == [
        first.id,
        second.id,
        early.id,
        late.id,
    ]


def test_a_rolled_back_change_names_its_revert():
    rollback = Rollback(commit=OTHER, reason="r", at=NOW)
    [shown] = report(a_change("rolled_back", rollback=rollback)).landed
    assert (shown.commit, shown.rolled_back) == (LATER, OTHER)


def test_a_refusal_names_the_tests_that_caught_it():
    [shown] = report(a_change("rejected", reason="worse", tests=("t::a", "t::b"))).rejected
    assert (shown.reason, shown.tests, shown.state) == ("worse", ("t::a", "t::b"), "rejected")


class TestMeasured:
    PREDICTION = Prediction(metric="findings.F401", direction="down", size=3, confidence=0.9)

    def measured(self, before=(), after=(), prediction=PREDICTION):
        [shown] = report(a_change(prediction=prediction), before=before, after=after).landed
        return shown.measured

    def test_a_prediction_is_held_against_both_ends(self):
        wave = a_wave()
        before = [a_health(wave, metrics={"findings.F401": 3.0})]
        after = [a_health(wave, metrics={"findings.F401": 1.0})]
        assert self.measured(before, after) == (3.0, 1.0)

    def test_a_rule_that_finds_nothing_any_more_is_nought(self):
        wave = a_wave()
        assert self.measured(
            [a_health(wave, metrics={"findings.F401": 3.0})], [a_health(wave)]
        ) == (3.0, 0.0)

    def test_a_component_that_was_not_measured_has_no_figure(self):
        wave = a_wave()
        there = [a_health(wave)]
        elsewhere = [a_health(wave, "other")]
        assert self.measured(there, ()) is None
        assert self.measured((), there) is None
        assert self.measured(there, elsewhere) is None

    def test_without_a_prediction_there_is_nothing_to_hold_it_against(self):
        there = [a_health(a_wave())]
        assert self.measured(there, there, prediction=None) is None

    def test_promised_speed_is_held_against_the_measured_gain(self):
        promise = Prediction(metric=RELATIVE_RUN_TIME, direction="down", size=0.1, confidence=0.9)
        found = FunctionGain(name="f", answer="better", inputs=1, runs=11, ratio=0.25)
        gain = Gain(state="measured", summary="measured gain", functions=(found,))
        [shown] = report(a_change(prediction=promise, gain=gain)).landed
        assert shown.measured == (1.0, 0.25)
        unknown = Gain(state="unknown", summary="no test reaches it")
        for each in (unknown, None):
            [shown] = report(a_change(prediction=promise, gain=each)).landed
            assert shown.measured is None


class TestHealth:
    def test_the_score_is_weighted_by_lines(self):
        wave = a_wave()
        before = [
            a_health(wave, "big", score=100.0, metrics={"lines": 300.0}),
            a_health(wave, "small", score=50.0, metrics={"lines": 100.0, "findings": 4.0}),
        ]
        shown = report(wave=wave, before=before).health
        assert (shown.score_before, shown.findings_before) == (87.5, 4)
        assert (shown.score_after, shown.findings_after) == (None, None)

    def test_every_component_of_either_end_is_listed_by_name(self):
        wave = a_wave()
        shown = report(
            wave=wave,
            before=[a_health(wave, "gone", score=40.0, metrics={"findings": 2.0}), a_health(wave)],
            after=[a_health(wave, "new"), a_health(wave)],
        ).health.components
        assert [each.component for each in shown] == ["gone", "m", "new"]
        assert (shown[0].score_before, shown[0].findings_before) == (40.0, 2)
        assert (shown[0].score_after, shown[0].findings_after) == (None, None)
        assert shown[2].score_before is None

    def test_the_protection_of_what_landed_is_summed_by_component(self):
        wave = a_wave()
        landed = [
            a_protection_health(wave, commit=LATER, of=4, protected=3),
            a_protection_health(wave, commit=OTHER, of=2, protected=2),
            a_protection_health(wave, "new", commit=OTHER, of=1, protected=0),
        ]
        ends = [a_health(wave), a_health(wave, "other")]
        shown = report(wave=wave, before=ends, after=ends, protection=landed).health
        assert {each.component: each.protection for each in shown.components} == {
            "m": ProtectionSummary(mutants=6, killed=5, lines=6, protected_lines=5),
            "new": ProtectionSummary(mutants=1, killed=0, lines=1, protected_lines=0),
            "other": None,
        }
        assert shown.protection == ProtectionSummary(
            mutants=7, killed=5, lines=7, protected_lines=5
        )
        assert (shown.score_after, shown.findings_after) == (100.0, 0), (
            "which it changes nothing of"
        )

    def test_without_mutants_there_is_no_figure_of_protection(self):
        wave = a_wave()
        shown = report(wave=wave, before=[a_health(wave)]).health
        assert (shown.protection, shown.components[0].protection) == (None, None)

    def test_a_target_without_a_line_has_no_score(self):
        wave = a_wave()
        shown = report(wave=wave, before=[a_health(wave, metrics={"lines": 0.0})]).health
        assert (shown.score_before, shown.findings_before) == (None, 0)

    def test_nothing_measured_is_none_and_not_nought(self):
        shown = report().health
        assert shown.model_dump(exclude={"dimensions"}) == {
            "score_before": None,
            "score_after": None,
            "findings_before": None,
            "findings_after": None,
            "components": (),
            "protection": None,
        }


class TestRuns:
    COUNTS = TestCounts(tests=10, passed=7, failed=1, skipped=2)

    def test_only_finished_runs_are_told(self):
        wave = a_wave()
        done = a_test_run(
            wave,
            state=RunState.FINISHED,
            outcome="reported",
            counts=self.COUNTS,
            changes=(wave.id, wave.id),
            seconds=1.5,
        )
        [shown] = report(wave=wave, runs=[a_test_run(wave), done]).runs
        assert (shown.id, shown.tests, shown.failing, shown.changes) == (done.id, 10, 1, 2)

    def test_a_run_without_a_report_is_told_as_that(self):
        wave = a_wave()
        broken = a_test_run(wave, state=RunState.FINISHED, outcome="infrastructure")
        [shown] = report(wave=wave, runs=[broken]).runs
        assert (shown.tests, shown.outcome) == (0, "infrastructure")

    def test_the_baseline_is_the_run_on_the_commit_the_wave_began_on(self):
        wave = a_wave()
        common = {"purpose": "baseline", "counts": self.COUNTS, "failing": ("t::a",)}
        elsewhere = a_test_run(wave, **{**common, "head": OTHER, "failing": ("t::b",)})
        shown = report(wave=wave, runs=[elsewhere, a_test_run(wave, **common)]).baseline
        assert shown is not None
        assert (shown.tests, shown.passed, shown.skipped, shown.failing) == (10, 7, 2, ("t::a",))

    def test_a_baseline_that_was_not_counted_is_none(self):
        wave = a_wave()
        assert report(wave=wave, runs=[a_test_run(wave, purpose="baseline")]).baseline is None
        assert report(wave=wave, runs=[a_test_run(wave, counts=self.COUNTS)]).baseline is None


def test_time_is_told_once_the_wave_is_over():
    assert report().wall_seconds is None
    over = a_wave(finished_at=NOW + timedelta(seconds=90))
    assert report(wave=over).wall_seconds == 90


def test_a_failure_and_its_notes_are_told_as_they_are():
    failure = Failure(code="c", message="m", hint="h", output="o")
    made = report(wave=a_wave(state="failed", failure=failure, notes=("one", "two")))
    assert (made.failure, made.notes, made.state) == (failure, ("one", "two"), "failed")


class TestCommands:
    def test_where_nothing_landed_there_is_nothing_to_type(self):
        assert report(a_change("rejected"), a_change("rolled_back")).commands == NextCommands()

    def test_what_landed_on_a_branch_is_looked_at_and_merged_there(self):
        made = report(a_change(), target=a_target(location="/somewhere")).commands
        assert made.merge == ("git -C /somewhere merge groundswell/main",)
        assert made.inspect[0] == f"git -C /somewhere log --stat {COMMIT[:10]}..groundswell/main"

    @pytest.mark.parametrize("landing", [None, OTHER])
    @pytest.mark.parametrize("location", ["/somewhere", "https://example.org/o/r.git"])
    def test_a_wave_is_undone_without_what_others_put_on_the_branch(self, landing, location):
        wave = a_wave(landing_commit=landing)
        made = report(a_change(), wave=wave, target=a_target(location=location)).commands
        assert made.undo_all == (f"groundswell wave rollback {short_id(wave.id)}",)

    def test_what_landed_on_the_base_itself_needs_no_merge(self):
        made = report(a_change(), target=a_target(landing_branch="main")).commands
        assert made.merge == ()
        assert len(made.inspect) == 1

    def test_one_change_is_undone_by_its_short_id(self):
        change = a_change()
        made = report(change, a_change("rolled_back")).commands
        assert made.undo_one == (f"groundswell enhancement rollback {short_id(change.id)}",)

    def test_a_place_with_spaces_stays_one_word(self):
        made = report(a_change(), target=a_target(location="/some where/it's")).commands
        assert made.merge[0].startswith("git -C '/some where/it'\"'\"'s' merge")

    def test_a_remote_is_fetched_and_pulled(self):
        url = "https://example.org/o/r.git"
        made = report(a_change(), target=a_target(location=url)).commands
        assert made.inspect[0].startswith(f"git fetch {url} groundswell/main && ")
        assert made.merge == (f"git pull {url} groundswell/main",)

    def test_the_base_of_a_bare_repository_is_moved_without_a_work_tree(self, tmp_path):
        place = a_repository(tmp_path / "target", m_py="x = 1\n")
        git(place, "switch", "--quiet", "--create", "groundswell/main")
        landed = commit(place, {"m.py": "x = 2\n"})
        git(place, "switch", "--quiet", "main")
        bare = tmp_path / "it's bare.git"
        git(place, "clone", "--quiet", "--bare", str(place), str(bare))
        facts = inspect_repository(str(bare))
        target = facts.as_target(uuid7(), NOW)
        [merge] = report(a_change(), target=target).commands.merge
        subprocess.run(merge, shell=True, check=True, capture_output=True)
        assert git(bare, "rev-parse", "main") == landed
        [pull] = report(
            a_change(), target=target.model_copy(update={"detached": True})
        ).commands.merge
        assert pull.startswith("git pull ")
        assert pull.endswith("# in a clone, on the branch you choose")

    def test_what_began_on_no_branch_is_merged_where_a_person_chooses(self):
        [merge] = report(a_change(), target=a_target(detached=True)).commands.merge
        assert merge.endswith("# on the branch you choose")

    def test_a_remote_in_the_short_form_is_a_remote(self):
        url = "git@example.org:o/r.git"
        made = report(a_change(), target=a_target(location=url)).commands
        assert made.merge == (f"git pull {url} groundswell/main",)

    def test_a_branch_cannot_smuggle_a_command_into_what_is_typed(self):
        target = a_target(base_branch="a$(id)", landing_branch="groundswell/a$(id)")
        assert report(a_change(), target=target).commands.merge == (
            "git -C /nowhere merge 'groundswell/a$(id)'",
        )


def an_overlap(outcome, **fields):
    kind, strategy = fields.get("kind", "textual"), fields.get("strategy", "remake")
    one, other = (
        {
            "enhancement_id": uuid7(),
            "task_id": uuid7(),
            "wave_id": uuid7(),
            "agent_type": "security",
            "title": title,
        }
        for title in ("first", "second")
    )
    return ConflictResolution(
        id=uuid7(),
        target_id=uuid7(),
        waves=(),
        first=one,
        second=other,
        kind=kind,
        strategy=strategy,
        outcome=outcome,
        reason="both rewrite the same lines of m.py",
        files=("m.py",),
        found_at=NOW,
    )


def test_without_overlaps_coordination_is_not_measured():
    assert report().coordination is None
    assert sum_coordination([an_overlap("withdrawn")]) is None


def test_of_the_overlaps_those_count_as_settled_that_took_no_person_and_are_over():
    outcomes = ["both stand", "remade", "second stands", "left to a person", None, "withdrawn"]
    overlaps = [an_overlap(each) for each in outcomes]
    made = make_report(WaveRecords(a_wave(), a_target(), (), (), (), (), conflicts=overlaps))
    assert (made.coordination.overlaps, made.coordination.settled) == (5, 3)
    assert [each.outcome for each in made.conflicts] == outcomes
    assert made.conflicts[0].second_title == "second"
