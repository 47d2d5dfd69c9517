"""The report of a wave, for a person."""

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape

from cli.measures import show_measures, time_of_tests
from cli.text import count, seconds, short, spelled
from cli.waiting import show_waiting
from shared.contracts.report import (
    ComponentHealth,
    HealthChange,
    Landed,
    NotLanded,
    ProtectionSummary,
    WaveReport,
)

LISTED_TESTS = 3
QUALITY = "code quality; 100 is no finding"
PROTECTED = f"{QUALITY}; protected: changed lines in which every planted fault was killed"
HEADLINES = {
    "completed": "done",
    "stopped": "stopped",
    "failed": "FAILED",
    "planned": "still being planned",
    "running": "still running",
    "finishing": "still finishing",
}


def show_report(report: WaveReport, console: Console) -> None:
    """Everything a person needs to judge and to go on."""
    console.print()
    console.rule(f"[bold]{escape(report.target)}[/]: wave {HEADLINES[report.state]}", align="left")
    console.print(_summary(report))
    if report.failure is not None:
        _failure(report, console)
    _landed(report, console)
    _pull_requests(report, console)
    _not_landed("Refused", "red", report.refused, console)
    show_waiting(report, console)
    _not_landed("Sent back, to be tried on another head", "yellow", report.held, console)
    _not_landed("Let go, without blame", "yellow", report.expired, console)
    _not_landed("Proposed, not tried", "cyan", report.not_tried, console)
    _health(report.health, console)
    _baseline(report, console)
    show_measures(report, console)
    _notes(report, console)
    _time(report, console)
    _commands(report, console)


def _summary(report: WaveReport) -> str:
    landed = [each for each in report.landed if not each.rolled_back]
    parts = [f"[bold green]{len(landed)} landed[/]" if landed else "[bold]nothing landed[/]"]
    if report.refused:
        parts.append(f"[red]{len(report.refused)} refused[/]")
    if report.waiting:
        parts.append(f"[yellow]{len(report.waiting)} waiting for you[/]")
    if report.held:
        parts.append(f"{len(report.held)} sent back")
    if report.expired:
        parts.append(f"{len(report.expired)} let go")
    if report.not_tried:
        parts.append(f"{count(len(report.not_tried), 'proposal')} not tried (dry run)")
    where = ""
    if landed:
        where = (
            f" on branch [bold]{escape(report.landing_branch)}[/], now at "
            f"[bold]{(report.final_commit or '')[:10]}[/]"
        )
    direct = report.landing_branch == report.base_branch
    untouched = "" if direct else f"; {report.base_branch} is untouched"
    return f"{', '.join(parts)}{where}{untouched}."


def _failure(report: WaveReport, console: Console) -> None:
    assert report.failure is not None
    console.print(f"\n[bold red]{escape(report.failure.message)}[/]")
    if report.failure.hint:
        console.print(f"[dim]hint:[/] {escape(report.failure.hint)}")


def _landed(report: WaveReport, console: Console) -> None:
    if not report.landed:
        return
    console.print("\n[bold]Landed[/] (one commit each)")
    for each in report.landed:
        console.print(f"  [green]{short(each.id)}[/] {each.commit[:10]} {escape(each.title)}")
        console.print(f"           [dim]{escape(_where(each))}; {escape(_effect(each))}[/]")
    together = sorted({sentence for each in report.landed for sentence in each.evidence})
    for sentence in together:
        console.print(f"  [dim]evidence: {escape(sentence)}[/]")


def _pull_requests(report: WaveReport, console: Console) -> None:
    if not report.pull_requests:
        return
    console.print("\n[bold]Pull requests[/]")
    for each in report.pull_requests:
        place = f"{each.branch} into {each.onto}"
        if each.url:
            console.print(f"  [green]{escape(each.url)}[/]  [dim]{escape(place)}[/]")
        else:
            console.print(f"  [yellow]not open[/]  {escape(place)}")
        if each.reason:
            console.print(f"           [dim]{escape(each.reason)}[/]")


def _where(change: Landed) -> str:
    files = ", ".join(change.files[:2])
    more = f" and {len(change.files) - 2} more" if len(change.files) > 2 else ""  # noqa: PLR2004
    return f"{files}{more} +{change.lines_added} -{change.lines_removed}"


def _effect(change: Landed) -> str:
    if change.rolled_back:
        return f"rolled back by {change.rolled_back[:10]}"
    if change.measured is None or change.prediction is None:
        return "its effect was not measured"
    before, after = change.measured
    return f"{change.prediction.metric} in {change.component}: {before:g} -> {after:g}"


def _not_landed(headline: str, style: str, changes: Sequence[NotLanded], console: Console) -> None:
    if not changes:
        return
    console.print(f"\n[bold]{headline}[/]")
    by = "caught by" if headline == "Refused" else "suspected to break"
    for each in changes:
        console.print(f"  [{style}]{short(each.id)}[/] {escape(each.title)}")
        if each.reason and headline != "Proposed, not tried":
            console.print(f"           [dim]{escape(each.reason)}[/]")
        for test in each.tests[:LISTED_TESTS]:
            console.print(f"           {by} {escape(test)}")
        if len(each.tests) > LISTED_TESTS:
            console.print(f"           and by {len(each.tests) - LISTED_TESTS} more")


def _health(health: HealthChange, console: Console) -> None:
    if health.findings_before is None:
        return
    console.print(f"\n[bold]Health[/] ({PROTECTED if health.protection else QUALITY})")
    rows: list[tuple[str, HealthChange | ComponentHealth]] = [("all", health)]
    rows += [(each.component, each) for each in health.components if _told(each)]
    width = max(len(name) for name, _ in rows)
    for name, each in rows:
        score = f"{_number(each.score_before)} -> {_number(each.score_after)}"
        findings = f"findings {_count(each.findings_before)} -> {_count(each.findings_after)}"
        if health.protection:
            findings = f"{findings:<24}   protected {_protected(each.protection)}"
        console.print(f"  {escape(name):<{width}}  {score:>16}   {findings}")


def _told(each: ComponentHealth) -> bool:
    """Whether there is more to say of a component than that it is as it was."""
    moved = each.findings_after is not None and each.findings_before != each.findings_after
    return moved or each.protection is not None


def _number(value: float | None) -> str:
    return "not measured" if value is None else f"{value:.1f}"


def _count(value: int | None) -> str:
    return "not measured" if value is None else str(value)


def _protected(protection: ProtectionSummary | None) -> str:
    if protection is None:
        return "–"  # noqa: RUF001
    return f"{protection.protected_lines} of {count(protection.lines, 'line')}"


def _baseline(report: WaveReport, console: Console) -> None:
    if report.baseline is None:
        return
    base = report.baseline
    console.print(
        f"\n[bold]Baseline[/] {count(base.tests, 'test')} on {report.commit[:10]}: "
        f"{base.passed} passed, {len(base.failing)} failing, {base.skipped} skipped"
    )
    if base.failing:
        console.print("  These fail without us too, and are blamed on no change:")
        for test in base.failing[:LISTED_TESTS]:
            console.print(f"  [dim]{escape(test)}[/]")
        if len(base.failing) > LISTED_TESTS:
            console.print(f"  [dim]and {len(base.failing) - LISTED_TESTS} more[/]")


def _notes(report: WaveReport, console: Console) -> None:
    if report.notes:
        console.print("\n[bold]Notes[/]")
        for note in report.notes:
            console.print(f"  {escape(note)}")
    if report.sandbox:
        console.print(f"\n[bold yellow]Sandbox[/] {escape(report.sandbox)}")


def _time(report: WaveReport, console: Console) -> None:
    engines = ", ".join(report.cost.engines) or "none"
    console.print(
        f"\n[bold]Time[/] {seconds(report.wall_seconds)} in all; "
        f"{time_of_tests(report)}; "
        f"environment {seconds(report.environment_seconds)}"
    )
    console.print(f"[bold]Cost[/] {report.cost.model_calls} model calls (engine: {engines})")


def _commands(report: WaveReport, console: Console) -> None:
    groups = (
        ("look at it", report.commands.look),
        ("merge it", report.commands.merge),
        ("undo one", report.commands.undo_one),
        ("undo all", report.commands.undo_all),
    )
    if not any(commands for _, commands in groups):
        return
    console.print("\n[bold]Next[/]")
    for name, commands in groups:
        for command in commands:
            console.print(f"  {name:<11} {escape(spelled(command))}")
