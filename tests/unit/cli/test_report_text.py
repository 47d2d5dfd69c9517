"""The report as a person reads it: what was not measured says so."""

import io
from dataclasses import replace
from datetime import timedelta

from rich.console import Console

from cli.report import show_report
from cli.text import as_typed_here, duration
from services.api.domain.report import WaveRecords, make_report
from shared.agent_types import health_dimensions
from shared.contracts.documents.advice import Advice
from shared.contracts.documents.base import Failure
from shared.contracts.documents.conflicts import ConflictResolution
from shared.contracts.documents.enhancements import Rollback
from shared.contracts.documents.findings import Health, Prediction
from shared.contracts.documents.gain import FunctionGain, Gain
from shared.contracts.documents.protection import Protection, SurvivingMutant
from shared.contracts.documents.runs import BenchmarkResult, Recall, TestCounts
from shared.contracts.documents.workflows import WorkflowRelease
from shared.kernel.ids import uuid7
from tests.support.builders import (
    COMMIT,
    NOW,
    a_protection_health,
    a_pull_request,
    a_stint,
    a_target,
    a_task,
    a_test_run,
    a_wave,
    an_agent,
    an_enhancement,
)

LANDED = "d" * 40


def a_health(
    component="m",
    *,
    commit=COMMIT,
    dimension="code_quality",
    findings=2.0,
    score=50.0,
    lines=100.0,
    **metrics,
):
    return Health(
        id=f"{commit}:{component}",
        target_id=uuid7(),
        commit=commit,
        component=component,
        dimension=dimension,
        metrics={"findings": findings, "lines": lines, **metrics},
        score=score,
        measured_at=NOW,
    )


def stored(changes=(), runs=(), before=(), after=(), target=None, **wave):
    known = {"state": "completed", "finished_at": NOW + timedelta(seconds=9), **wave}
    return WaveRecords(
        wave=a_wave(**known),
        target=target or a_target(location="/some where"),
        changes=changes,
        runs=runs,
        health_before=before,
        health_after=after,
    )


def landed(**fields):
    prediction = Prediction(metric="findings.F401", direction="down", size=2, confidence=0.95)
    known = {
        "state": "applied",
        "commit": LANDED,
        "prediction": prediction,
        "evidence": ("31 ran",),
    }
    return an_enhancement(**{**known, **fields})


def shown(report):
    console = Console(width=200, file=io.StringIO(), highlight=False)
    show_report(report, console)
    return console.file.getvalue()


def test_what_landed_says_what_was_predicted_and_what_was_measured():
    before = [a_health(**{"findings.F401": 2.0})]
    after = [a_health(findings=0.0, score=100.0)]
    report = make_report(stored([landed()], before=before, after=after))
    [change] = report.landed
    assert change.measured == (2.0, 0.0)
    assert change.commit == LANDED
    assert "findings.F401 in m: 2 -> 0" in shown(report)
    assert "1 landed on branch groundswell/main" in shown(report)


def test_the_report_says_which_agent_did_what():
    task, idle, never = (a_task(component=each) for each in "mno")
    idle = idle.model_copy(update={"note": "nothing to change was found"})
    agents = [
        an_agent(task, name="agent-security-1", stint=a_stint(task), seconds=65),
        an_agent(idle, name="agent-security-2", stint=a_stint(idle), seconds=1),
        an_agent(never, name="agent-security-3"),
    ]
    changes = [
        an_enhancement(task, key="1", state="applied", commit=LANDED),
        an_enhancement(task, key="2", state="rejected"),
    ]
    records = replace(stored(changes), agents=agents, tasks=[task, idle, never])
    lines = shown(make_report(records)).split("Agents (who did what)\n")[1].splitlines()[:3]
    assert [" ".join(each.split()) for each in lines] == [
        "agent-security-1 m 1 task 2 proposals, 1 landed 1 min 5 s",
        "agent-security-2 n 1 task nothing to change was found 1.0 s",
        "agent-security-3 o 1 task nothing proposed not begun",
    ]


def test_what_was_not_measured_says_so():
    report = make_report(stored([landed()], before=[a_health()]))
    assert report.landed[0].measured is None
    assert report.health.score_after is None
    assert report.environment_seconds is None
    assert report.baseline is None
    text = shown(report)
    assert "its effect was not measured" in text
    assert "50.0 -> not measured" in text
    assert "environment not measured" in text


def test_a_refusal_names_the_tests_that_caught_it():
    refused = an_enhancement(state="rejected", reason="5 tests", tests=tuple("abcde"))
    report = make_report(stored([refused]))
    assert report.rejected[0].tests == tuple("abcde")
    text = shown(report)
    assert "caught by a" in text
    assert "and 2 more" in text
    assert "nothing landed" in text


def test_the_baseline_is_the_full_run_on_the_first_commit():
    wave = a_wave()
    counts = TestCounts(tests=3, passed=2, failed=1, skipped=0)
    runs = [
        a_test_run(wave, purpose="full run", state="finished", counts=counts),
        a_test_run(
            wave, purpose="baseline", state="finished", counts=counts, failing=("t::x",), seconds=2
        ),
        a_test_run(wave, purpose="bisection"),
    ]
    report = make_report(stored(runs=runs))
    assert report.baseline.failing == ("t::x",)
    assert [each.purpose for each in report.runs] == ["full run", "baseline"]
    assert "These tests already fail without any change" in shown(report)


def test_what_was_rolled_back_is_not_counted_as_landed():
    back = Rollback(commit="f" * 40, reason="r", at=NOW)
    report = make_report(stored([landed(state="rolled_back", rollback=back)]))
    assert report.landed[0].rolled_back == "f" * 40
    text = shown(report)
    assert "nothing landed" in text
    assert "rolled back by ffffffffff" in text


def test_a_dry_run_shows_what_it_would_have_tried():
    change = an_enhancement(state="expired", reason="dry run: nothing was tried")
    report = make_report(stored([change], dry_run=True))
    assert [each.id for each in report.not_tried] == [change.id]
    assert report.expired == ()
    assert "1 proposal not tried (dry run)" in shown(report)


def test_a_failure_and_the_sandbox_are_said():
    failure = Failure(code="x", message="It broke.", hint="Mend it.")
    report = make_report(stored(state="failed", failure=failure, sandbox="D (rlimits): little."))
    text = shown(report)
    for part in ("FAILED", "It broke.", "Mend it.", "D (rlimits): little."):
        assert part in text


def test_text_of_a_target_is_never_taken_for_markup():
    report = make_report(
        stored([an_enhancement(state="rejected", title="[bold]x[/] [link=evil]y")])
    )
    assert "[bold]x[/] [link=evil]y" in shown(report)


def test_times_for_people():
    assert [duration(each) for each in (None, 0.04, 61.0)] == ["not measured", "0.0 s", "1 min 1 s"]


def test_commands_are_spelled_as_they_have_to_be_typed_here(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/opt/x/bin/groundswell", "run"])
    monkeypatch.setattr("shutil.which", lambda name: None)
    said = "stop it: groundswell wave stop 1; groundswell/main stays, groundswell too"
    assert as_typed_here(said) == said.replace("groundswell wave", "/opt/x/bin/groundswell wave")
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/groundswell")
    assert as_typed_here(said) == said


def test_pull_requests_are_named_or_say_why_there_are_none():
    opened = a_pull_request(url="https://forge.example/1", state="open")
    closed = a_pull_request(
        branch="groundswell/main-2", state="refused", reason="No [bold]token[/]."
    )
    text = shown(make_report(replace(stored([landed()]), pull_requests=(opened, closed))))
    assert "https://forge.example/1  groundswell/main-1 into main" in text
    assert "not open  groundswell/main-2 into main" in text
    assert "No [bold]token[/]." in text


def unprotected(title, line, *, more=0, **fields):
    survived = tuple(
        SurvivingMutant(path="m.py", line=line + n, description="`x` became `None`", reached=False)
        for n in range(more + 1)
    )
    sentence = f"{more + 1} of 4 mutants survived: m.py:{line}"
    found = Protection(
        state="unprotected", mutants=4, killed=3 - more, survived=survived, summary=sentence
    )
    known = {
        "state": "needs_approval",
        "approval_reason": f"it is unprotected: {sentence}",
        "title": title,
    }
    return an_enhancement(protection=found, **{**known, **fields})


def test_what_waits_is_grouped_by_reason_and_each_has_a_short_one_of_its_own():
    reach = "passes the tests that reach it; the full run follows when you approve"
    policy = an_enhancement(
        state="needs_approval",
        approval_reason="the policy asks",
        title="change c",
        run=uuid7(),
        evidence=("31 ran", "its edits are tested later"),
    )
    changes = [
        unprotected("change a", 7, more=2, evidence=(reach,)),
        policy,
        unprotected("change b", 40, run=uuid7()),
    ]
    lines = shown(make_report(stored(changes))).splitlines()
    start = lines.index("Needs approval (these land only if you approve them)")
    ids = [each.id[-8:] for each in changes]
    assert [line.strip() for line in lines[start + 1 : start + 12]] == [
        (
            "it is unprotected: a mutant (a deliberate fault) in the code it touches "
            "survived every test"
        ),
        f"{ids[0]} change a",
        "m.py:7, which no test reaches: `x` became `None`, … and 2 more",
        f"{ids[2]} change b",
        "m.py:40, which no test reaches: `x` became `None`",
        f"1 of them: {reach}",
        "1 of them: every test passed with it",
        "the policy asks",
        f"{ids[1]} change c",
        "every test passed with it",
        "its edits are tested later",
    ]
    rest = "\n".join(lines[start + 11 :])
    assert f'enhancement approve {ids[0]} --reason "…"' in rest
    assert f'enhancement approve {ids[0]} {ids[1]} {ids[2]} --reason "…"' in rest
    assert 'unprotected = "allow" under [policy]' in rest


def test_who_waits_alone_for_another_reason_is_told_nothing_of_faults():
    policy = an_enhancement(state="needs_approval", approval_reason="the policy asks", run=uuid7())
    text = shown(make_report(stored([policy])))
    assert "approve all" not in text
    assert "[policy]" not in text
    assert f"approve {policy.id[-8:]} --reason" in text


def test_protected_lines_stand_beside_the_findings_of_each_component_where_any_landed():
    wave = a_wave()
    before = [a_health(), a_health("n"), a_health("kept")]
    after = [a_health(findings=0.0, score=100.0), a_health("n", findings=1.0), a_health("kept")]
    known = stored([landed()], before=before, after=after)
    text = shown(make_report(known))
    assert "Health (from 0 to 100, the best; measured before and after" in text
    assert "protected" not in text
    protection = [
        a_protection_health(wave, of=4, protected=3, commit=LANDED),
        a_protection_health(wave, "new", commit=LANDED),
    ]
    lines = shown(make_report(replace(known, protection=protection))).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("  by component"))
    assert "protected: changed lines whose mutants were all killed" in lines[start]
    assert [" ".join(line.split()) for line in lines[start + 1 : start + 5]] == [
        "all findings 6 -> 3 protected 6 of 8 lines",
        "m findings 2 -> 0 protected 3 of 4 lines",
        "n findings 2 -> 1 protected –",  # noqa: RUF001
        "new findings not measured -> not measured protected 3 of 4 lines",
    ]


def test_each_dimension_has_its_score_and_what_was_not_measured_says_so():
    before = [a_health(), a_health(dimension="architecture", modules_in_cycles=4.0)]
    after = [a_health(findings=0.0, score=100.0), a_health(dimension="architecture")]
    after[1].metrics["modules_in_cycles"] = 0.0
    known = stored([landed()], before=before, after=after)
    lines = shown(make_report(replace(known, dimensions=health_dimensions()))).splitlines()
    start = next(n for n, line in enumerate(lines) if line.startswith("Health"))
    assert [" ".join(line.split()) for line in lines[start + 1 : start + 8]] == [
        "architecture 50.0 -> 50.0 findings 2 -> 2 100 lines",
        "modules in cycles 4 -> 0",
        "code quality 50.0 -> 100.0 findings 2 -> 0 100 lines",
        "performance not measured",
        "security not measured",
        "workflow not measured",
        "tests not measured",
    ]


def test_a_gain_an_outline_and_advice_are_shown_as_people_read_them():
    found = FunctionGain(name="m.py::f", answer="better", inputs=2, runs=11, ratio=0.25)
    gain = Gain(state="measured", summary=f"measured gain: {found.words}", functions=(found,))
    outline = "w.json, workflow 'Orders':\n  ~ node 'Sort': type changed (a → b)"
    advice = Advice(plan="do it", evidence=("m.py:1: x", "n.py:2: y"), steps=("First.", "Then."))
    changes = [
        landed(gain=gain, evidence=(f"{gain.summary.capitalize()}.", "31 ran")),
        landed(outline=outline),
        an_enhancement(state="needs_approval", approval_reason="it asks", outline=outline),
        an_enhancement(state="advisory", title="split it", advice=advice),
    ]
    report = make_report(stored(changes))
    text = shown(report)
    assert text.count("measured gain: m.py::f takes 0.25 times as long") == 1
    assert "Speed 1 landed change measured to be faster: m.py::f takes 0.25 times as long" in text
    assert text.count("  ~ node 'Sort': type changed (a → b)") == 2
    start = text.index("Advice (for a person to do: there is no patch)")
    assert [line.strip() for line in text[start:].splitlines()[2:6]] == [
        "plan: do it",
        "evidence: m.py:1: x; n.py:2: y",
        "1. First.",
        "2. Then.",
    ]
    assert report.advisory[0].steps == ("First.", "Then.")


def test_what_became_of_a_landed_workflow_in_n8n_is_shown_with_its_change():
    mine, other = landed(title="retry it"), landed(title="another")
    common = {"enhancement_id": mine.id, "target_id": mine.target_id, "base": "a" * 40}
    common |= {"commit": "b" * 40, "created_at": NOW, "changed_at": NOW}
    releases = [
        WorkflowRelease(id="1", path="a.json", workflow="w1", state="published", **common),
        WorkflowRelease(id="2", path="b.json", workflow="", state="refused", reason="no", **common),
    ]
    report = make_report(replace(stored([mine, other]), releases=releases))
    assert [each.releases for each in report.landed if each.id == other.id] == [()]
    lines = [line.strip() for line in shown(report).splitlines()]
    at = next(n for n, line in enumerate(lines) if line.endswith("retry it"))
    assert lines[at + 2 : at + 4] == [
        "a.json (workflow w1) is published in n8n",
        "b.json (workflow without id) was not changed in n8n: no",
    ]


def test_figures_are_shown_where_they_were_measured_and_nowhere_else():
    nothing = shown(make_report(stored()))
    for word in ("Protection", "Benchmarks", "Impact analysis", "full runs", "Sent back"):
        assert word not in nothing
    assert "no test run" in nothing
    wave = a_wave()
    counts = TestCounts(tests=3, passed=3, failed=0, skipped=0)
    said = (
        BenchmarkResult(name="load", answer="inconclusive", ratio=1.02, low=0.97, high=1.09),
        BenchmarkResult(name="save", answer="same", ratio=1.0, low=0.99, high=1.01),
    )
    runs = [
        a_test_run(wave, state="finished", counts=counts, changes=(wave.id,), seconds=2.0),
        a_test_run(wave, state="finished", tests=("t",), counts=counts, seconds=0.8),
        a_test_run(
            wave,
            state="finished",
            kind="benchmarks",
            changes=(wave.id,),
            benchmarks=said,
            seconds=2.0,
        ),
    ]
    counted = Recall(
        id="r", target_id=wave.target_id, component="m", caught=5, missed=1, changed_at=NOW
    )
    found = Protection(
        state="protected", mutants=4, killed=4, lines=3, protected_lines=3, summary="s"
    )
    back = an_enhancement(state="cleared", returned=1, suspected=("t::x",), title="change z")
    known = stored([landed(protection=found), back], runs=runs)
    text = shown(make_report(replace(known, recall=(counted,))))
    for part in (
        "Protection 4 of 4 mutants killed; protected: 1 of 1 change with mutants, 3 of 3 lines",
        "Benchmarks 1 inconclusive, 1 same",
        "load inconclusive: costs 1.02 times as much (0.97 to 1.09)",
        "Impact analysis selected 5 of 6 tests that caught a change",
        "3 test runs took 4.8 s, as long as 2.4 full runs (2.0 s each)",
        "1 sent back",
        "suspected of breaking t::x",
    ):
        assert part in text
    assert "save" not in text
    assert "had to run" not in text
    shared = counted.model_copy(update={"selected": 3, "total": 9})
    assert "caught a change; 3 of 9 tests had to run" in shown(
        make_report(replace(known, recall=(shared,)))
    )


def test_overlaps_are_counted_and_those_shown_in_which_something_was_done():
    def overlap(outcome, second):
        common = {"task_id": uuid7(), "wave_id": uuid7(), "agent_type": "security"}
        return ConflictResolution(
            id=uuid7(),
            target_id=uuid7(),
            waves=(),
            first={"enhancement_id": uuid7(), "title": "remove x", **common},
            second={"enhancement_id": uuid7(), "title": second, **common},
            kind="textual",
            strategy="remake",
            outcome=outcome,
            reason="both rewrite the same lines of m.py",
            files=("m.py",),
            found_at=NOW,
        )

    overlaps = [overlap("both stand", "a"), overlap("remade", "b"), overlap(None, "c")]
    text = shown(make_report(replace(stored(), conflicts=overlaps)))
    assert (
        "Coordination 3 overlaps of proposals, 2 settled without a person: "
        "1 both stand, 1 remade, 1 still waiting" in text
    )
    assert "  b: remade, after remove x\n" in text
    assert "  c: still waiting, after remove x\n" in text
    assert "  a: " not in text
    assert "Coordination" not in shown(make_report(stored()))
