"""The parts of a report about changes that landed, and about advice."""

from collections.abc import Sequence

from rich.console import Console

from cli.console import shown, shown_lines
from shared.contracts.report import AdvisoryChange, LandedChange
from shared.kernel.ids import short_id

MAX_LISTED_FILES = 2
MAX_OUTLINE_LINES = 8
INDENT = 11


def show_landed(changes: Sequence[LandedChange], console: Console) -> None:
    """Show the changes that landed, with their size, effect and evidence."""
    if not changes:
        return
    console.print("\n[bold]Landed[/] (one commit each)")
    for each in changes:
        console.print(f"  [green]{short_id(each.id)}[/] {each.commit[:10]} {shown(each.title)}")
        console.print(f"{'':{INDENT}}[dim]{shown(_size(each))}; {shown(_effect(each))}[/]")
        show_outline(each.outline, console)
        for sentence in each.releases:
            console.print(f"{'':{INDENT}}[cyan]{shown(sentence)}[/]")
        if each.behaviour:
            mark = "yellow" if each.may_change else "dim"
            console.print(f"{'':{INDENT}}[{mark}]{shown(each.behaviour)}[/]")
    for sentence in sorted({each for change in changes for each in _evidence(change)}):
        console.print(f"  [dim]evidence: {shown(sentence)}[/]")


def show_outline(outline: str, console: Console) -> None:
    """Show what a change does in words of what its files describe, if that is known."""
    lines = outline.splitlines()
    for line in lines[:MAX_OUTLINE_LINES]:
        console.print(f"{'':{INDENT}}[cyan]{shown(line)}[/]")
    if len(lines) > MAX_OUTLINE_LINES:
        console.print(f"{'':{INDENT}}[dim]and {len(lines) - MAX_OUTLINE_LINES} more lines[/]")


def _size(change: LandedChange) -> str:
    """Return the first files of a change, and its lines added and removed."""
    files = ", ".join(change.files[:MAX_LISTED_FILES])
    more = len(change.files) - MAX_LISTED_FILES
    rest = f" and {more} more" if more > 0 else ""
    return f"{files}{rest} +{change.lines_added} -{change.lines_removed}"


def _effect(change: LandedChange) -> str:
    """Return a change's predicted metric before and after, or why it cannot be told."""
    if change.rolled_back:
        return f"rolled back by {change.rolled_back[:10]}"
    if change.gain is not None:
        return change.gain.evidence
    if change.measured is None or change.prediction is None:
        return "its effect was not measured"
    before, after = change.measured
    return f"{change.prediction.metric} in {change.component}: {before:g} -> {after:g}"


def _evidence(change: LandedChange) -> list[str]:
    """Return the evidence for a change that is not shown beside it."""
    beside = {_plain(change.behaviour), _plain(change.gain.evidence if change.gain else "")}
    return [each for each in change.evidence if _plain(each) not in beside]


def _plain(sentence: str) -> str:
    """Return a sentence as it may be a part of another one."""
    return sentence.rstrip(".").lower()


def show_advice(changes: Sequence[AdvisoryChange], console: Console) -> None:
    """Show advice without a patch: the plan, why it is needed, and what to do in which order."""
    if changes:
        console.print("\n[bold]Advice[/] (for a person to do: there is no patch)")
    for each in changes:
        console.print(f"  [cyan]{short_id(each.id)}[/] {shown(each.title)}")
        for name, text in _parts(each):
            console.print(f"{'':{INDENT}}[dim]{name} {shown_lines(text, INDENT)}[/]")


def _parts(advice: AdvisoryChange) -> list[tuple[str, str]]:
    """Return the parts of advice, each with its name, or the number of the step."""
    steps = [(f"{number}.", each) for number, each in enumerate(advice.steps, 1)]
    parts = [
        ("plan:", advice.plan),
        ("evidence:", "; ".join(advice.evidence)),
        *steps,
        ("mind:", advice.caution),
    ]
    return [(name, text) for name, text in parts if text]
