"""The figures at the end of a report: only what was measured."""

from rich.console import Console

from cli.console import shown
from cli.text import count, duration
from shared.contracts.documents.conflicts import ConflictOutcome
from shared.contracts.documents.protection import ProtectionShare
from shared.contracts.documents.runs import BenchmarkResult
from shared.contracts.report import Coordination, ImpactRecall, OverlapSummary, WaveReport

MAX_LISTED_BENCHMARKS = 5
MAX_LISTED_OVERLAPS = 5


def show_figures(report: WaveReport, console: Console) -> None:
    """Show proofs, protection, benchmarks, impact analysis and overlaps, as far as measured."""
    lines = []
    if report.proven:
        share = f"{report.proven} of {count(_changes(report), 'change')}"
        lines.append(("Proven", f"{share}: the compiled program is the same"))
    if report.protection is not None:
        lines.append(("Protection", _protection(report.protection)))
    if gains := _gains(report):
        lines.append(("Speed", gains))
    if report.benchmarks:
        lines.append(("Benchmarks", _answers(report.benchmarks)))
    if report.recall is not None:
        lines.append(("Impact analysis", _recall(report.recall)))
    if report.coordination is not None:
        lines.append(("Coordination", _coordination(report.coordination, report.conflicts)))
    if lines:
        console.print()
    for name, text in lines:
        console.print(f"[bold]{name}[/] {text}")
        if name == "Benchmarks":
            _show_notable(report.benchmarks, console)
    _show_overlaps(report.conflicts, console)


def _changes(report: WaveReport) -> int:
    """Return how many changes the report lists, whatever became of them; advice is not counted."""
    groups = (report.landed, report.rejected, report.needs_approval, report.expired)
    return sum(map(len, (*groups, report.not_tried, report.returned)))


def _gains(report: WaveReport) -> str:
    """Return the measured gains of what landed for its speed, the largest first; empty for none."""
    found = [each.gain.best for each in report.landed if each.gain and not each.rolled_back]
    best = sorted((each for each in found if each is not None), key=lambda each: each.ratio)
    if not best:
        return ""
    shown_ones = ", ".join(f"{each.name} takes {each.ratio:.2f} times as long" for each in best)
    return f"{count(len(best), 'landed change')} measured to be faster: {shown_ones}"


def _protection(share: ProtectionShare) -> str:
    """Return, in words, how many mutants were killed and how much of the changes is protected."""
    return (
        f"{share.killed} of {count(share.mutants, 'mutant')} killed; protected: "
        f"{share.protected_changes} of {count(share.changes, 'change')} with mutants, "
        f"{share.protected_lines} of {count(share.lines, 'line')}"
    )


def _answers(measured: tuple[BenchmarkResult, ...]) -> str:
    """Return how many benchmarks had each answer: `3 same, 1 worse`."""
    answers = [each.answer for each in measured]
    return ", ".join(f"{answers.count(each)} {each}" for each in dict.fromkeys(answers))


def _show_notable(measured: tuple[BenchmarkResult, ...], console: Console) -> None:
    """Show the first benchmarks that are slower, or may be."""
    notable = [each for each in measured if each.answer in {"worse", "inconclusive"}]
    for each in notable[:MAX_LISTED_BENCHMARKS]:
        console.print(f"  {shown(each.name)} {each.answer}: {each.cost}")
    if len(notable) > MAX_LISTED_BENCHMARKS:
        console.print(f"  [dim]and {len(notable) - MAX_LISTED_BENCHMARKS} more[/]")


def _coordination(share: Coordination, overlaps: tuple[OverlapSummary, ...]) -> str:
    """Return, in words, how many overlaps of proposals there were, and how they were settled."""
    outcomes = [str(each.outcome or "still waiting") for each in overlaps]
    how = ", ".join(f"{outcomes.count(each)} {each}" for each in dict.fromkeys(outcomes))
    found = count(share.overlaps, "overlap")
    return f"{found} of proposals, {share.settled} settled without a person: {how}"


def _show_overlaps(overlaps: tuple[OverlapSummary, ...], console: Console) -> None:
    """Show the first overlaps in which something had to be done about a proposal."""
    notable = [each for each in overlaps if each.outcome is not ConflictOutcome.BOTH_STAND]
    for each in notable[:MAX_LISTED_OVERLAPS]:
        outcome = each.outcome or "still waiting"
        console.print(f"  {shown(each.second_title)}: {outcome}, after {shown(each.first_title)}")
        console.print(f"           [dim]{shown(each.reason)}[/]")
    if len(notable) > MAX_LISTED_OVERLAPS:
        console.print(f"  [dim]and {len(notable) - MAX_LISTED_OVERLAPS} more[/]")


def _recall(recall: ImpactRecall) -> str:
    """Return how many tests that caught a change were selected, and how many had to run."""
    caught = recall.caught + recall.missed
    parts = []
    if caught:
        parts.append(f"selected {recall.caught} of {count(caught, 'test')} that caught a change")
    if recall.total:
        parts.append(f"{recall.selected} of {recall.total} tests had to run")
    return "; ".join(parts) + " (all waves on this target)"


def test_time(report: WaveReport) -> str:
    """Return the time of all test runs, also as a multiple of one full run."""
    time = report.test_time
    if time is None:
        return "no test run"
    text = f"{count(time.runs, 'test run')} took {duration(time.seconds)}"
    if time.suites is None:
        return text
    return f"{text}, as long as {time.suites:.1f} full runs ({duration(time.suite_seconds)} each)"
