"""The figures at the end of a report: what was measured, and nothing else."""

from rich.console import Console
from rich.markup import escape

from cli.text import count, seconds
from shared.contracts.documents.protection import ProtectionShare
from shared.contracts.documents.runs import BenchmarkResult
from shared.contracts.report import ImpactRecall, WaveReport

LISTED = 5


def show_measures(report: WaveReport, console: Console) -> None:
    """How far a green suite can be trusted, what the benchmarks left open, how well tests were chosen."""
    lines = []
    if report.protection is not None:
        lines.append(("Protected", _protected(report.protection)))
    if report.benchmarks:
        lines.append(("Benchmarks", _answers(report.benchmarks)))
    if report.recall is not None:
        lines.append(("Impacted tests", _recall(report.recall)))
    if lines:
        console.print()
    for name, text in lines:
        console.print(f"[bold]{name}[/] {text}")
        if name == "Benchmarks":
            _open(report.benchmarks, console)


def _protected(share: ProtectionShare) -> str:
    return (
        f"{share.protected_changes} of {count(share.changes, 'change')} in which faults were planted, "
        f"{share.protected_lines} of {count(share.lines, 'line')}"
    )


def _answers(found: tuple[BenchmarkResult, ...]) -> str:
    said = [each.answer for each in found]
    return ", ".join(f"{said.count(each)} {each}" for each in dict.fromkeys(said))


def _open(found: tuple[BenchmarkResult, ...], console: Console) -> None:
    """Those that are slower, or may be."""
    told = [each for each in found if each.answer in {"worse", "inconclusive"}]
    for each in told[:LISTED]:
        ends = (each.low, each.high)
        between = "" if None in ends else f" ({each.low:.2f} to {each.high:.2f})"
        console.print(
            f"  {escape(each.name)} {each.answer}: "
            f"costs {each.ratio:.2f} times as much as before{between}"
        )
    if len(told) > LISTED:
        console.print(f"  [dim]and {len(told) - LISTED} more[/]")


def _recall(known: ImpactRecall) -> str:
    caught = known.caught + known.missed
    parts = []
    if caught:
        parts.append(f"{known.caught} of {count(caught, 'test')} that caught a change were chosen")
    if known.total:
        parts.append(f"{known.selected} of {known.total} had to run")
    return "; ".join(parts) + " (so far, on this target)"


def time_of_tests(report: WaveReport) -> str:
    """All runs of its tests, and what that is in runs of the whole suite."""
    made = report.test_time
    if made is None:
        return "no test run"
    text = f"{count(made.runs, 'test run')} {seconds(made.seconds)}"
    if made.suites is None:
        return text
    return f"{text}: {made.suites:.1f} × one full run ({seconds(made.suite_seconds)})"  # noqa: RUF001
