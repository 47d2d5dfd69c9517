"""What waits for a person at the end of a wave: each with its reason, and what to type."""

from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console
from rich.markup import escape

from cli.text import short, spelled
from shared.contracts.report import Waiting, WaveReport

UNPROTECTED = "it is unprotected"
# What a reason means, where its own words are too short for somebody who sees it first.
MEANING = {UNPROTECTED: "it is unprotected: a fault planted in what it touches failed no test"}
PASSED = "every test passed with it"


def show_waiting(report: WaveReport, console: Console) -> None:
    """By kind of reason; below each what speaks for them, and at the end how to say yes."""
    if not report.waiting:
        return
    console.print("\n[bold]Waiting for you[/] (each lands only with your word)")
    ordered = sorted(report.waiting, key=lambda each: each.group)
    for group, waiting in groupby(ordered, key=lambda each: each.group):
        _group(group, list(waiting), console)
    _how(report.waiting, console)


def _group(group: str, waiting: Sequence[Waiting], console: Console) -> None:
    console.print(f"  because {escape(MEANING.get(group, group))}")
    for each in waiting:
        console.print(f"  [yellow]{short(each.id)}[/] {escape(each.title)}")
        if each.because:
            more = f", … and {each.more} more" if each.more else ""
            console.print(f"           [dim]{escape(each.because)}{more}[/]")
    said = Counter(sentence for each in waiting for sentence in _speaks_for(each))
    for sentence, number in said.items():
        which = "each" if number == len(waiting) else f"{number} of them"
        console.print(f"  [dim]{which}: {escape(sentence)}[/]")


def _speaks_for(change: Waiting) -> Sequence[str]:
    """What an approval would rest on: nothing is said to have passed that did not."""
    return (PASSED,) if change.full_run else change.evidence


def _how(waiting: Sequence[Waiting], console: Console) -> None:
    one = short(waiting[0].id)
    commands = {
        "look": f"groundswell enhancement diff {one}",
        "approve": f'groundswell enhancement approve {one} --reason "…"',
    }
    if len(waiting) > 1:
        ids = " ".join(short(each.id) for each in waiting)
        commands[f"all {len(waiting)}"] = f'groundswell enhancement approve {ids} --reason "…"'
    for name, command in commands.items():
        console.print(f"  {name:<8} {escape(spelled(command))}")
    if any(each.group == UNPROTECTED for each in waiting):
        console.print(
            "  [dim]unprotected changes land without you where groundswell.toml says \\[policy] unprotected = "
            '"allow", or "safe" for those whose fix keeps behaviour[/]'
        )
