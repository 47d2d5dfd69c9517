"""The story of a change in a terminal: a line per step, one per series, none too wide."""

import io
from datetime import timedelta

from rich.console import Console

from cli.enhancements import show_change
from cli.story import WIDTH_COLUMNS, group_series, show_story
from services.api.domain.views import enhancement_details
from shared.contracts.story import Story, StoryStep
from shared.kernel.ids import uuid7
from tests.support.builders import NOW, a_finding, an_enhancement

TESTS = tuple(f"tests/test_m.py::test_{n}" for n in range(5))


def a_step(kind="run", when=0, **fields):
    known = {"sentence": "s", "at": NOW + timedelta(seconds=when)}
    return StoryStep(kind=kind, **{**known, **fields})


def a_run(when, worse, *, changes=5, purpose="bisection", **fields):
    known = {"run": uuid7(), "tests": 5, "asked": "who it is", "seconds": 1.5, "sentence": "one"}
    known |= {"against": TESTS[:worse], "changes": changes, "worse": worse, "purpose": purpose}
    return a_step("run", when, **{**known, **fields})


def shown(*steps):
    console = Console(width=300, file=io.StringIO(), highlight=False)
    show_story(Story(id=uuid7(), title="t", state="applied", steps=steps), console)
    return console.file.getvalue().splitlines()


def test_runs_that_say_the_same_one_after_the_other_are_one_line():
    steps = [
        a_run(1, 5, changes=20, purpose="full run"),
        *(a_run(2 + n, 2, changes=10 - n) for n in range(3)),
        a_run(6, 0),
        a_run(7, 0),
        a_run(8, 2, changes=1),
    ]
    assert [len(each) for each in group_series(steps)] == [1, 3, 2, 1]
    text = "\n".join(shown(*steps))
    assert "3 runs of 10, 9, 8 changes: 2 worse: a suspect (4.5 s)" in text
    assert "2 runs of 5, 5 changes: none worse: cleared (3.0 s)" in text


def test_what_it_did_alone_and_what_no_run_gave_stands_for_itself():
    steps = [a_run(1, 2, changes=1), a_run(2, 2, changes=2), a_run(3, None, against=())]
    assert [len(each) for each in group_series(steps)] == [1, 1, 1]
    alone = [a_run(1, 2, changes=1), a_run(2, 2, changes=1)]
    assert [len(each) for each in group_series(alone)] == [1, 1]
    held = [a_step("held_back"), a_step("held_back", 1), a_step("returned", 2)]
    assert [len(each) for each in group_series(held)] == [1, 1, 1]


def test_each_line_has_its_time_and_the_day_is_said_once():
    lines = shown(a_step("proposed"), a_step("cleared", 1), a_step("landed", 86_400))
    assert [line.strip() for line in lines if line.startswith("  20")] == [
        "2026-01-02",
        "2026-01-03",
    ]
    assert lines[3] == "  03:04:05  proposed         s"
    assert shown(a_step("rollback_refused", at=None))[-1].split() == ["not", "rolled", "back", "s"]


def test_the_tests_against_it_are_listed_once_and_a_few_of_them():
    lines = shown(a_run(1, 5), a_run(2, 5, changes=1), a_step("rejected", 3, against=TESTS))
    assert sum(TESTS[0] in line for line in lines) == 1
    assert sum("and 2 more" in line for line in lines) == 1
    assert not any(TESTS[3] in line for line in lines)


def test_nothing_is_wider_than_a_terminal_and_nothing_is_markup():
    sentence = "with [bold]others[/] " * 20
    lines = shown(a_run(1, 5, sentence=sentence, asked="why " * 60), a_step("needs_approval", 2))
    assert max(len(line) for line in lines) <= WIDTH_COLUMNS
    assert "[bold]others[/]" in "\n".join(lines)


def test_a_change_is_told_in_a_few_facts():
    console = Console(width=200, file=io.StringIO(), highlight=False)
    change = an_enhancement(findings=(a_finding(),), state="needs_approval", title="[b]x[/]")
    show_change(enhancement_details(change), console)
    text = console.file.getvalue()
    assert "[b]x[/]" in text
    assert "1 finding of OWN" in text
    assert "needs approval" in text
    assert "commit" not in text
    assert len(text.splitlines()) < 12
