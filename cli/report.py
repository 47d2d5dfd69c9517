"""The report of a wave, for a terminal."""

from collections.abc import Sequence

from rich.console import Console

from cli.agents import show_agents
from cli.approvals import show_approvals
from cli.console import shown, shown_lines
from cli.figures import show_figures, test_time
from cli.health import show_health
from cli.landed import show_advice, show_landed
from cli.text import ERROR_INDENT, as_typed_here, count, duration
from shared.contracts.report import ChangeNotLanded, WaveReport
from shared.kernel.ids import short_id

MAX_LISTED_TESTS = 3
HEADLINES = {
    "completed": "done",
    "stopped": "stopped",
    "failed": "FAILED",
    "planned": "still being planned",
    "running": "still running",
    "finishing": "still finishing",
}


def show_report(report: WaveReport, console: Console) -> None:
    """Show everything a person needs to judge a wave and to decide what to do next."""
    console.print()
    console.rule(f"[bold]{shown(report.target)}[/]: wave {HEADLINES[report.state]}", align="left")
    console.print(_summary(report))
    _show_failure(report, console)
    show_landed(report.landed, console)
    _show_pull_requests(report, console)
    _show_rejected(report.rejected, console)
    show_approvals(report, console)
    _show_returned(report.returned, console)
    _show_expired(report.expired, console)
    _show_not_tried(report.not_tried, console)
    show_advice(report.advisory, console)
    show_agents(report, console)
    show_health(report.health, console)
    _show_baseline(report, console)
    show_figures(report, console)
    _show_notes(report, console)
    _show_cost(report, console)
    _show_commands(report, console)


def _summary(report: WaveReport) -> str:
    """Return one sentence on how many changes landed, were rejected, wait or were not tried."""
    landed = [each for each in report.landed if not each.rolled_back]
    parts = [f"[bold green]{len(landed)} landed[/]" if landed else "[bold]nothing landed[/]"]
    if landed:
        branch, head = shown(report.landing_branch), (report.final_commit or "")[:10]
        parts[0] += f" on branch [bold]{branch}[/], now at [bold]{head}[/]"
    if report.rejected:
        parts.append(f"[red]{len(report.rejected)} rejected[/]")
    if report.needs_approval:
        number = len(report.needs_approval)
        parts.append(f"[yellow]{number} {'needs' if number == 1 else 'need'} approval[/]")
    if report.returned:
        parts.append(f"{len(report.returned)} sent back")
    if report.expired:
        parts.append(f"{len(report.expired)} expired")
    if report.not_tried:
        parts.append(f"{count(len(report.not_tried), 'proposal')} not tried (dry run)")
    if report.advisory:
        parts.append(f"advice: {len(report.advisory)}")
    if report.landing_branch != report.base_branch:
        parts.append(f"{shown(report.base_branch)} is untouched")
    return "; ".join(parts) + "."


def _show_failure(report: WaveReport, console: Console) -> None:
    """Show why the wave failed and what to do about it, if it failed."""
    if report.failure is None:
        return
    console.print(f"\n[bold red]{shown_lines(report.failure.message, ERROR_INDENT)}[/]")
    if report.failure.hint:
        console.print(
            f"[dim]hint:[/] {shown_lines(as_typed_here(report.failure.hint), ERROR_INDENT)}"
        )


def _show_pull_requests(report: WaveReport, console: Console) -> None:
    """Show the pull requests, or why they are not open."""
    if not report.pull_requests:
        return
    console.print("\n[bold]Pull requests[/]")
    for each in report.pull_requests:
        branches = f"{each.branch} into {each.onto}"
        if each.url:
            console.print(f"  [green]{shown(each.url)}[/]  [dim]{shown(branches)}[/]")
        else:
            console.print(f"  [yellow]not open[/]  {shown(branches)}")
        if each.reason:
            console.print(f"           [dim]{shown(each.reason)}[/]")


def _show_rejected(changes: Sequence[ChangeNotLanded], console: Console) -> None:
    """Show rejected changes with the first tests that caught them."""
    _show_headline("Rejected", changes, console)
    for each in changes:
        _show_change(each, "red", console)
        _show_tests("caught by", each.tests, console)


def _show_returned(changes: Sequence[ChangeNotLanded], console: Console) -> None:
    """Show changes that were sent back to be judged on another head."""
    _show_headline("Sent back, to be tried again on another head", changes, console)
    for each in changes:
        _show_change(each, "yellow", console)
        _show_tests("suspected of breaking", each.tests, console)


def _show_expired(changes: Sequence[ChangeNotLanded], console: Console) -> None:
    """Show changes that expired."""
    _show_headline("Expired (nothing is wrong with them)", changes, console)
    for each in changes:
        _show_change(each, "yellow", console)


def _show_not_tried(changes: Sequence[ChangeNotLanded], console: Console) -> None:
    """Show what a dry run proposed."""
    _show_headline("Proposed, not tried", changes, console)
    for each in changes:
        _show_change(each.model_copy(update={"reason": ""}), "cyan", console)


def _show_headline(headline: str, changes: Sequence[ChangeNotLanded], console: Console) -> None:
    """Show the headline of a list of changes, unless it is empty."""
    if changes:
        console.print(f"\n[bold]{headline}[/]")


def _show_change(change: ChangeNotLanded, style: str, console: Console) -> None:
    """Show one change that did not land, and why; its id has the style."""
    console.print(f"  [{style}]{short_id(change.id)}[/] {shown(change.title)}")
    if change.reason:
        console.print(f"           [dim]{shown(change.reason)}[/]")


def _show_tests(relation: str, tests: Sequence[str], console: Console) -> None:
    """Show the first tests, each after how it is related to a change, such as `caught by`."""
    for test in tests[:MAX_LISTED_TESTS]:
        console.print(f"           {relation} {shown(test)}")
    if len(tests) > MAX_LISTED_TESTS:
        console.print(f"           and {len(tests) - MAX_LISTED_TESTS} more")


def _show_baseline(report: WaveReport, console: Console) -> None:
    """Show the figures of the baseline and the first tests that fail in it."""
    base = report.baseline
    if base is None:
        return
    console.print(
        f"\n[bold]Baseline[/] {count(base.tests, 'test')} on {report.commit[:10]}: "
        f"{base.passed} passed, {len(base.failing)} failing, {base.skipped} skipped"
    )
    if base.failing:
        console.print("  These tests already fail without any change, and no change is blamed:")
        for test in base.failing[:MAX_LISTED_TESTS]:
            console.print(f"  [dim]{shown(test)}[/]")
        if len(base.failing) > MAX_LISTED_TESTS:
            console.print(f"  [dim]and {len(base.failing) - MAX_LISTED_TESTS} more[/]")


def _show_notes(report: WaveReport, console: Console) -> None:
    """Show the notes of the wave, and the sandbox tier of its tests if that is stored."""
    if report.notes:
        console.print("\n[bold]Notes[/]")
        for note in report.notes:
            console.print(f"  {shown(note)}")
    if report.sandbox:
        console.print(f"\n[bold yellow]Sandbox[/] {shown(report.sandbox)}")


def _show_cost(report: WaveReport, console: Console) -> None:
    """Show the time that the wave took, and how many calls of a model it made."""
    engines = ", ".join(report.cost.engines) or "none"
    console.print(
        f"\n[bold]Time[/] {duration(report.wall_seconds)} in all; {test_time(report)}; "
        f"environment {duration(report.environment_seconds)}"
    )
    console.print(
        f"[bold]Cost[/] {count(report.cost.model_calls, 'model call')} (engine: {engines})"
    )


def _show_commands(report: WaveReport, console: Console) -> None:
    """Show the commands with which to inspect, merge or undo what landed."""
    groups = (
        ("inspect", report.commands.inspect),
        ("merge", report.commands.merge),
        ("undo one", report.commands.undo_one),
        ("undo all", report.commands.undo_all),
    )
    if not any(commands for _, commands in groups):
        return
    console.print("\n[bold]Next[/]")
    for name, commands in groups:
        for command in commands:
            console.print(f"  {name:<9} {shown(as_typed_here(command))}")
