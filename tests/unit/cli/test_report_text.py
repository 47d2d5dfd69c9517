"""The report as a person reads it: what was not measured says so."""

import io
from dataclasses import replace
from datetime import timedelta

from rich.console import Console

from cli.report import show_report
from cli.text import seconds, spelled
from services.api.domain.report import Stored, make_report
from shared.contracts.base import AgentType
from shared.contracts.documents import Counts, Failure, Health, Prediction, Rollback
from shared.kernel.ids import uuid7
from tests.support.builders import (
    COMMIT,
    NOW,
    a_pull_request,
    a_target,
    a_verdict,
    a_wave,
    an_enhancement,
)

LANDED = "d" * 40


def a_health(component="m", *, commit=COMMIT, findings=2.0, score=50.0, lines=100.0, **metrics):
    return Health(
        id=f"{commit}:{component}",
        target_id=uuid7(),
        commit=commit,
        component=component,
        dimension=AgentType.CODE_QUALITY,
        metrics={"findings": findings, "lines": lines, **metrics},
        score=score,
        measured_at=NOW,
    )


def stored(changes=(), verdicts=(), before=(), after=(), target=None, **wave):
    known = {"state": "completed", "finished_at": NOW + timedelta(seconds=9), **wave}
    return Stored(
        wave=a_wave(**known),
        target=target or a_target(location="/some where"),
        changes=changes,
        verdicts=verdicts,
        before=before,
        after=after,
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
    assert report.refused[0].tests == tuple("abcde")
    text = shown(report)
    assert "caught by a" in text
    assert "and by 2 more" in text
    assert "nothing landed" in text


def test_the_baseline_is_the_full_run_on_the_first_commit():
    wave = a_wave()
    counts = Counts(tests=3, passed=2, failed=1, skipped=0)
    runs = [
        a_verdict(wave, purpose="full run", state="finished", counts=counts),
        a_verdict(
            wave, purpose="baseline", state="finished", counts=counts, failing=("t::x",), seconds=2
        ),
        a_verdict(wave, purpose="bisection"),
    ]
    report = make_report(stored(verdicts=runs))
    assert report.baseline.failing == ("t::x",)
    assert [each.purpose for each in report.runs] == ["full run", "baseline"]
    assert "These fail without us too" in shown(report)


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
    assert [seconds(each) for each in (None, 0.04, 61.0)] == ["not measured", "0.0 s", "1 min 1 s"]


def test_commands_are_spelled_as_they_have_to_be_typed_here(monkeypatch):
    monkeypatch.setattr("sys.argv", ["/opt/x/bin/groundswell", "run"])
    monkeypatch.setattr("shutil.which", lambda name: None)
    said = "stop it: groundswell wave stop 1; groundswell/main stays, groundswell too"
    assert spelled(said) == said.replace("groundswell wave", "/opt/x/bin/groundswell wave")
    monkeypatch.setattr("shutil.which", lambda name: "/usr/bin/groundswell")
    assert spelled(said) == said


def test_pull_requests_are_named_or_say_why_there_are_none():
    opened = a_pull_request(url="https://forge.example/1", state="open")
    closed = a_pull_request(
        branch="groundswell/main-2", state="refused", reason="No [bold]token[/]."
    )
    text = shown(make_report(replace(stored([landed()]), pull_requests=(opened, closed))))
    assert "https://forge.example/1  groundswell/main-1 into main" in text
    assert "not open  groundswell/main-2 into main" in text
    assert "No [bold]token[/]." in text
