"""The report of a backtest: for a terminal, and as Markdown."""

from collections.abc import Iterator
from pathlib import Path
from string import Template

from rich.console import Console
from rich.markup import escape

from cli.text import count, seconds
from shared.contracts.documents.backtests import (
    Backtest,
    BacktestSummary,
    CorrectiveCommit,
    ReplayResult,
)

TEMPLATE = Path(__file__).parent / "templates" / "backtest.md"
NOTABLE = ("caught", "missed", "false_alarm")
LISTED = 3


def show_backtest(backtest: Backtest, console: Console) -> None:
    """The figures, and each commit worth a look."""
    assert backtest.summary is not None
    console.print()
    console.rule(f"[bold]{escape(backtest.name)}[/]: backtest", align="left")
    for name, value in _figures(backtest.summary):
        console.print(f"{name:<19}{escape(value)}")
    for each in backtest.replayed:
        if each.outcome in NOTABLE:
            what = each.outcome.replace("_", " ")
            console.print(f"  {each.commit[:10]} [bold]{what}[/] {escape(each.title)}")
            console.print(f"             [dim]{escape('; '.join(_reasons(each)))}[/]")
    for line in _cost(backtest.summary):
        console.print(f"[dim]{escape(line)}[/]")


def markdown(backtest: Backtest) -> str:
    """The whole report as a page."""
    assert backtest.summary is not None
    notable = [each for each in backtest.replayed if each.outcome in NOTABLE]
    lines = [
        f"- `{each.commit[:10]}` **{each.outcome.replace('_', ' ')}** {_plain(each.title)}: {_plain('; '.join(_reasons(each)))}"
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
    yield "caught", str(summary.caught)
    yield "missed", str(summary.missed)
    yield "false alarms", str(summary.false_alarms)
    yield "fine", str(summary.fine)
    asked = (
        f"{summary.asked}, of which {summary.needs_approval_bad} bad; of {summary.needs_approval_rejected} the rest alone "
        f"was refused ({summary.needs_approval_bad_rejected} of them bad)"
    )
    yield "asked a person", asked
    yield (
        "refused by a rule",
        f"{summary.rejected_by_rule}, of which {summary.rejected_by_rule_bad} bad",
    )
    yield "not measurable", str(summary.unknown)


def _cost(summary: BacktestSummary) -> Iterator[str]:
    per = summary.full / summary.commits
    yield (
        f"The gate alone, commit by commit: {count(summary.full, 'full run')} and "
        f"{count(summary.targeted, 'run')} of single tests, {seconds(summary.seconds)} in all; "
        f"{per:.2f} full runs for each commit. The suite last took {seconds(summary.suite_seconds)}."
    )
    yield (
        f"For the truth, {count(summary.truth_runs, 'run')} more of commits under their own tests: "
        f"{seconds(summary.truth_seconds)}."
    )
    yield (
        f"{count(summary.environments, 'environment')} built: {seconds(summary.environment_seconds)}. "
        f"{count(summary.reused_runs, 'run')} had been made before and were not made again."
    )
    batch = summary.batch
    if batch is not None:
        yield (
            f"In batches of {batch.size}, reckoned from what each commit was found to be and not run: "
            f"{count(batch.changes, 'change')} in {count(batch.batches, 'batch', 'batches')} would take {count(batch.full, 'full run')} "
            f"and {count(batch.targeted, 'run')} of single tests, in all {batch.suites:.1f} suite runs: "
            f"{batch.suites / batch.changes:.2f} for each change."
        )


def _reasons(each: ReplayResult) -> list[str]:
    said = []
    if each.tests:
        more = len(each.tests) - LISTED
        said.append(
            "refused by "
            + ", ".join(each.tests[:LISTED])
            + (f" and {more} more" if more > 0 else "")
        )
    said += [_later(later) for later in each.later[:LISTED]]
    if each.broken_tests:
        said.append(
            f"broke {each.broken_tests[0]}"
            + (f" and {len(each.broken_tests) - 1} more" if len(each.broken_tests) > 1 else "")
        )
    return said or [each.why]


def _later(later: CorrectiveCommit) -> str:
    how = {"named": "", "title": " (by its title)", "blame": " (by blame)"}[later.detected_by]
    return f"{later.kind} by {later.commit[:10]} {later.title}{how}"


def _row(each: ReplayResult) -> str:
    gate: str = each.verdict
    if each.verdict == "ask":
        gate = f"ask; the rest alone: {each.code}" if each.code else "ask"
    if each.rule:
        gate += f" ({each.rule})"
    elif each.verdict == "unknown":
        gate += f" ({each.why})"
    spoken = [_later(later) for later in each.later[:LISTED]]
    if each.broken_tests:
        spoken.append(f"broke {count(len(each.broken_tests), 'test')} of its own")
    if each.unmeasured_reason and each.verdict != "unknown":
        spoken.append(f"not measured: {each.unmeasured_reason}")
    cells = (
        f"`{each.commit[:10]}`",
        f"{each.at:%Y-%m-%d}",
        each.title,
        gate,
        each.outcome.replace("_", " "),
        "; ".join(spoken),
    )
    return "| " + " | ".join(_plain(cell) for cell in cells) + " |"


def _plain(text: str) -> str:
    """Of a title nothing is markup."""
    line = " ".join(text.split())
    for each in "\\|<>*_[]":
        line = line.replace(each, f"\\{each}")
    return line
