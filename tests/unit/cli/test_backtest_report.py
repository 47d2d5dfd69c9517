"""The report of a backtest: its figures, what was notable, and nothing of a title as markup."""

import io

from rich.console import Console

from cli.backtest_report import render_markdown, show_backtest
from services.api.domain.views import backtest_details
from shared.contracts.documents.backtests import (
    BacktestSummary,
    BatchCost,
    CorrectiveCommit,
    ReplayResult,
)
from tests.support.builders import COMMIT, NOW, a_backtest

FIGURES = {
    "commits": 4,
    "caught": 1,
    "missed": 1,
    "false_alarms": 0,
    "fine": 0,
    "asked": 1,
    "needs_approval_bad": 1,
    "needs_approval_rejected": 1,
    "needs_approval_bad_rejected": 1,
    "rejected_by_rule": 0,
    "rejected_by_rule_bad": 0,
    "unknown": 1,
    "full": 3,
    "targeted": 2,
    "seconds": 12.0,
    "truth_runs": 2,
    "truth_seconds": 4.0,
    "environments": 1,
    "environment_seconds": 3.0,
    "reused_runs": 0,
    "suite_seconds": 4.0,
}
BATCH = BatchCost(size=15, batches=1, changes=3, full=2, targeted=4, suites=2.4)


def a_report(**fields):
    def commit(number, title, **more):
        known = {"commit": f"{number}" * 40, "parent": COMMIT, "title": title, "at": NOW}
        return ReplayResult(**known, **more)

    later = CorrectiveCommit(kind="fixed", commit="e" * 40, title="fix | it", detected_by="blame")
    replayed = (
        commit(1, "a <b>bold</b> | title", verdict="refuse", outcome="caught", tests=("t::a",) * 5),
        commit(2, "quiet", verdict="land", outcome="missed", later=(later,)),
        commit(
            3, "both", verdict="ask", outcome="asked", code="refuse", broken_tests=("t::x", "t::y")
        ),
        commit(4, "old", verdict="unknown", outcome="unknown", why="it does not build"),
    )
    summary = BacktestSummary(**FIGURES, batch=BATCH)
    known = {"replayed": replayed, "summary": summary, "since_commit": "a" * 40, "head": "b" * 40}
    return backtest_details(a_backtest(**{**known, **fields}))


def shown(backtest):
    console = Console(file=io.StringIO(), width=200, color_system=None)
    show_backtest(backtest, console)
    return console.file.getvalue()


def test_the_page_has_the_figures_the_cost_and_a_row_for_each_commit():
    page = render_markdown(a_report())
    assert "4 commits of main (aaaaaaaaaa to bbbbbbbbbb), replayed on 2026-01-02" in page
    assert "| caught | 1 |" in page
    assert "3 full runs and 2 targeted runs, 12.0 s in all; 0.75 full runs" in page
    assert "in all 2.4 times the whole suite: 0.80 times per change" in page
    assert sum(line.startswith("| `") for line in page.splitlines()) == 4
    assert (
        "| ask; without the protected files: reject | needs approval | broke 2 tests of its own |"
        in page
    )
    assert "unknown (it does not build)" in page
    assert "Śliwerski" in page
    assert "$" not in page


def test_what_was_notable_stands_apart_with_its_reasons():
    page = render_markdown(a_report())
    notable = page.partition("false alarms\n")[2].partition("## Every")[0]
    assert "rejected by t::a, t::a, t::a and 2 more" in notable
    assert "fixed by eeeeeeeeee fix \\| it (by blame)" in notable
    assert "both" not in notable


def test_a_title_is_no_markup_in_a_page_or_a_terminal():
    assert "a \\<b\\>bold\\</b\\> \\| title" in render_markdown(a_report())
    replayed = a_report().replayed[0].model_copy(update={"title": "[red]x[/] [/nothing]"})
    assert "[red]x[/] [/nothing]" in shown(a_report(replayed=(replayed,)))


def test_without_batches_nothing_is_said_of_them():
    summary = BacktestSummary(**FIGURES)
    assert "batches" not in render_markdown(a_report(summary=summary)).partition("## Cost")[2]


def test_a_terminal_shows_the_figures_and_what_was_notable():
    text = shown(a_report())
    assert "needs approval     1, of which 1 bad" in text
    assert "1111111111 caught" in text
    assert "2222222222 missed quiet" in text
    assert "3333333333" not in text
