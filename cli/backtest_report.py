"""The report of a backtest, for a terminal and as a Markdown page."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from string import Template

from rich.console import Console

from cli.console import shown
from cli.text import count, duration
from shared.contracts.documents.backtests import (
    BacktestSummary,
    CorrectiveCommit,
    ReplayResult,
)
from shared.contracts.views import BacktestDetails

TEMPLATE = Path(__file__).parent / "templates" / "backtest.md"
NOTABLE_OUTCOMES = ("caught", "missed", "false_alarm")
MAX_LISTED = 3
OUTCOMES = {"asked": "needs approval", "rule": "rejected by a rule"}
VERDICTS = {"land": "land", "refuse": "reject", "ask": "ask", "unknown": "unknown"}


def show_backtest(backtest: BacktestDetails, console: Console) -> None:
    """Show the figures, and each commit that was caught, missed or a false alarm."""
    assert backtest.summary is not None
    console.print()
    console.rule(f"[bold]{shown(backtest.name)}[/]: backtest", align="left")
    for name, value in _figures(backtest.summary):
        console.print(f"{name:<19}{shown(value)}")
    for each in backtest.replayed:
        if each.outcome in NOTABLE_OUTCOMES:
            outcome = each.outcome.replace("_", " ")
            console.print(f"  {each.commit[:10]} [bold]{outcome}[/] {shown(each.title)}")
            console.print(f"             [dim]{shown('; '.join(_reasons(each)))}[/]")
    for line in _cost(backtest.summary):
        console.print(f"[dim]{shown(line)}[/]")


def render_markdown(backtest: BacktestDetails) -> str:
    """Return the whole report as a Markdown page."""
    assert backtest.summary is not None
    notable = [each for each in backtest.replayed if each.outcome in NOTABLE_OUTCOMES]
    lines = [
        f"- `{each.commit[:10]}` **{each.outcome.replace('_', ' ')}** "
        f"{_escape(each.title)}: {_escape('; '.join(_reasons(each)))}"
        for each in notable
    ]
    return Template(TEMPLATE.read_text()).substitute(
        name=backtest.name,
        commits=backtest.summary.commits,
        base=backtest.base_branch,
        since_commit=(backtest.since_commit or "")[:10],
        head=(backtest.head or "")[:10],
        date=f"{backtest.created_at:%Y-%m-%d}",
        figures="\n".join(f"| {name} | {value} |" for name, value in _figures(backtest.summary)),
        cost="\n".join(f"- {line}" for line in _cost(backtest.summary)),
        notable="\n".join(lines) or "Nothing.",
        rows="\n".join(_row(each) for each in backtest.replayed),
    )


def _figures(summary: BacktestSummary) -> Iterator[tuple[str, str]]:
    """Yield the counts of commits by outcome, as pairs of name and text."""
    yield "caught", str(summary.caught)
    yield "missed", str(summary.missed)
    yield "false alarms", str(summary.false_alarms)
    yield "fine", str(summary.fine)
    asked = (
        f"{summary.asked}, of which {summary.needs_approval_bad} bad; without the protected files "
        f"{summary.needs_approval_rejected} would be rejected "
        f"({summary.needs_approval_bad_rejected} of them bad)"
    )
    yield "needs approval", asked
    yield (
        "rejected by a rule",
        f"{summary.rejected_by_rule}, of which {summary.rejected_by_rule_bad} bad",
    )
    yield "not measurable", str(summary.unknown)


def _cost(summary: BacktestSummary) -> Iterator[str]:
    """Yield sentences on the runs, environments and time that the backtest took."""
    per_commit = summary.full / summary.commits
    yield (
        f"The gate, commit by commit: {count(summary.full, 'full run')} and "
        f"{count(summary.targeted, 'targeted run')}, {duration(summary.seconds)} in all; "
        f"{per_commit:.2f} full runs per commit. "
        f"The last full run took {duration(summary.suite_seconds)}."
    )
    yield (
        f"To establish the truth: {count(summary.truth_runs, 'more run')} of commits under their "
        f"own tests, {duration(summary.truth_seconds)}."
    )
    yield (
        f"{count(summary.environments, 'environment')} built in "
        f"{duration(summary.environment_seconds)}. "
        f"{count(summary.reused_runs, 'run')} reused from earlier."
    )
    batch = summary.batch
    if batch is not None:
        yield (
            f"In batches of {batch.size}, computed from the result of each commit and not run: "
            f"{count(batch.changes, 'change')} in {count(batch.batches, 'batch', 'batches')} would "
            f"take {count(batch.full, 'full run')} and {count(batch.targeted, 'targeted run')}, "
            f"in all {batch.suites:.1f} times the whole suite: "
            f"{batch.suites / batch.changes:.2f} times per change."
        )


def _reasons(each: ReplayResult) -> list[str]:
    """Return why a commit was rejected and what shows that it is bad, else why it was not."""
    reasons = []
    if each.tests:
        reasons.append(f"rejected by {_first(each.tests, MAX_LISTED)}")
    reasons += [_later(later) for later in each.later[:MAX_LISTED]]
    if each.broken_tests:
        reasons.append(f"broke {_first(each.broken_tests, 1)}")
    return reasons or [each.why]


def _first(tests: Sequence[str], number: int) -> str:
    """Return the first `number` tests, and how many more there are."""
    more = len(tests) - number
    return ", ".join(tests[:number]) + (f" and {more} more" if more > 0 else "")


def _later(later: CorrectiveCommit) -> str:
    """Return, in words, how a later commit corrected this one, and how that was found out."""
    how = {"named": "", "title": " (by its title)", "blame": " (by blame)"}[later.detected_by]
    return f"{later.kind} by {later.commit[:10]} {later.title}{how}"


def _row(each: ReplayResult) -> str:
    """Return the row of the Markdown table about a commit."""
    cells = (
        f"`{each.commit[:10]}`",
        f"{each.at:%Y-%m-%d}",
        each.title,
        _verdict(each),
        OUTCOMES.get(each.outcome, each.outcome.replace("_", " ")),
        "; ".join(_history(each)),
    )
    return "| " + " | ".join(_escape(cell) for cell in cells) + " |"


def _verdict(each: ReplayResult) -> str:
    """Return the gate's verdict on a commit in words, with its rule or reason."""
    verdict = VERDICTS[each.verdict]
    if each.verdict == "ask" and each.code:
        verdict += f"; without the protected files: {VERDICTS[each.code]}"
    if each.rule:
        verdict += f" ({each.rule})"
    elif each.verdict == "unknown":
        verdict += f" ({each.why})"
    return verdict


def _history(each: ReplayResult) -> list[str]:
    """Return what the later history and the commit's own tests say about it."""
    history = [_later(later) for later in each.later[:MAX_LISTED]]
    if each.broken_tests:
        history.append(f"broke {count(len(each.broken_tests), 'test')} of its own")
    if each.unmeasured_reason and each.verdict != "unknown":
        history.append(f"not measured: {each.unmeasured_reason}")
    return history


def _escape(text: str) -> str:
    """Return `text` on one line, with nothing in it taken for Markdown or HTML."""
    line = " ".join(text.split())
    for each in "\\|<>*_[]":
        line = line.replace(each, f"\\{each}")
    return line
