"""The part of a report about changes that need approval: each with its reason, and the commands."""

import shlex
from collections import Counter
from collections.abc import Sequence
from itertools import groupby

from rich.console import Console

from cli.console import shown
from cli.landed import show_outline
from cli.text import as_typed_here, count
from shared.contracts.report import ChangeNeedingApproval, WaveReport
from shared.kernel.ids import short_id

UNPROTECTED = "it is unprotected"
# What a reason means, for somebody who meets it for the first time.
MEANINGS = {
    UNPROTECTED: "it is unprotected: a mutant (a deliberate fault) in the code it touches survived "
    "every test"
}
# More of them do not fit into a line that somebody copies.
MAX_IDS = 6
EVERY_TEST_PASSED = "every test passed with it"


def show_approvals(report: WaveReport, console: Console) -> None:
    """Show any changes grouped by reason, with the evidence for them and how to approve them."""
    if not report.needs_approval:
        return
    console.print("\n[bold]Needs approval[/] (these land only if you approve them)")
    ordered = sorted(report.needs_approval, key=lambda each: each.group)
    for reason, changes in groupby(ordered, key=lambda each: each.group):
        _show_group(reason, list(changes), console)
    _show_commands(report, console)


def _show_group(reason: str, changes: Sequence[ChangeNeedingApproval], console: Console) -> None:
    """Show the changes that need approval for one reason, with the evidence that they share."""
    console.print(f"  {shown(MEANINGS.get(reason, reason))}")
    for each in changes:
        console.print(f"  [yellow]{short_id(each.id)}[/] {shown(each.title)}")
        if each.because:
            more = f", … and {each.more} more" if each.more else ""
            console.print(f"           [dim]{shown(each.because)}{more}[/]")
        show_outline(each.outline, console)
    evidence = Counter(sentence for each in changes for sentence in _evidence(each))
    for sentence, number in evidence.items():
        which = "all of them" if number == len(changes) else f"{number} of them"
        prefix = f"{which}: " if len(changes) > 1 else ""
        console.print(f"  [dim]{prefix}{shown(sentence)}[/]")


def _all(report: WaveReport) -> str:
    """Return the arguments that select all changes: their ids, or the target if there are many."""
    if len(report.needs_approval) > MAX_IDS:
        return f"--all --target {_target(report)}"
    return " ".join(short_id(each.id) for each in report.needs_approval)


def _target(report: WaveReport) -> str:
    """Return the location of the target, quoted as a shell needs it."""
    return shlex.quote(report.location)


def _evidence(change: ChangeNeedingApproval) -> Sequence[str]:
    """Return the evidence as sentences; of a full run, only that every test passed."""
    return (EVERY_TEST_PASSED, *change.evidence[1:]) if change.full_run else change.evidence


def _show_commands(report: WaveReport, console: Console) -> None:
    """Show the commands to inspect and approve the changes, and the setting that needs none."""
    changes = report.needs_approval
    one = short_id(changes[0].id)
    commands = {
        "inspect": f"groundswell enhancement diff {one}",
        "approve": f'groundswell enhancement approve {one} --reason "…"',
    }
    if len(changes) > 1:
        commands["in groups"] = f"groundswell enhancement approvals --target {_target(report)}"
        commands["approve all"] = f'groundswell enhancement approve {_all(report)} --reason "…"'
    width = max(len(name) for name in commands)
    for name, command in commands.items():
        console.print(f"  {name:<{width}}  {shown(as_typed_here(command))}")
    unprotected = sum(each.group == UNPROTECTED for each in changes)
    if unprotected:
        console.print(
            f"  [dim]To land {count(unprotected, 'unprotected change')} without approval, set "
            'unprotected = "allow" under \\[policy] in groundswell.toml, or "safe" for only those '
            "whose fix keeps behaviour.[/]"
        )
