"""`groundswell enhancement approvals`, `approve` and `reject`: deciding about changes."""

import getpass
import shlex
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from typing import Annotated

import typer
from rich.console import Console

from cli.approvals import MEANINGS
from cli.client import ApiClient
from cli.console import print_data, shown
from cli.execute import execute
from cli.landed import show_outline
from cli.location import location_of
from cli.options import Json
from cli.progress import Progress
from cli.session import connect
from cli.text import as_typed_here, count, out
from shared.contracts.answers import DecisionAccepted
from shared.contracts.commands import ApprovalFilter, Decision, DecisionOnMany, DecisionReason
from shared.contracts.events import (
    ApprovalRequested,
    EnhancementApplied,
    EnhancementExpired,
    EnhancementRejected,
    Event,
)
from shared.contracts.views import ApprovalGroup, ApprovalGroups
from shared.kernel.ids import short_id

# A group lists so many of its changes.
MAX_LISTED_CHANGES = 5
OUTCOMES = (EnhancementApplied, EnhancementRejected, EnhancementExpired, ApprovalRequested)
EnhancementIds = Annotated[
    list[str] | None,
    typer.Argument(help="The changes' ids, or their last 8 characters.", metavar="ID…"),
]
Why = Annotated[str, typer.Option("--reason", help="Why; it is stored with the change.")]
All = Annotated[
    bool, typer.Option("--all", help="Instead of ids: every change that needs approval.")
]
Rule = Annotated[str, typer.Option(help="Only changes of this rule: its code, or tool:code.")]
Component = Annotated[str, typer.Option(help="Only changes of this component.")]
Repository = Annotated[
    str, typer.Option("--target", help="Only changes of this repository.", metavar="PATH")
]


def approvals(
    rule: Rule = "", component: Component = "", target: Repository = ".", *, as_json: Json = False
) -> None:
    """Show the changes that need approval, grouped by reason, rule and component."""
    typed = ApprovalFilter(target=target, rule=rule, component=component)
    execute(_approvals(typed, as_json=as_json))


async def _approvals(typed: ApprovalFilter, *, as_json: bool) -> int:
    """Print the groups of changes that need approval and match the filter; return exit code 0."""
    async with connect() as client:
        found = await client.approvals(_filter(typed.rule, typed.component, typed.target))
    if as_json:
        print_data(found)
        return 0
    show_groups(found, typed, out)
    return 0


def show_groups(found: ApprovalGroups, typed: ApprovalFilter, console: Console) -> None:
    """Show groups of changes that need approval, each with the command that approves it.

    `typed` is the filter that selected them, with the repository as the user named it.
    """
    if not found.groups:
        console.print("No change needs approval.")
        return
    alike = Counter((each.rule, each.component) for each in found.groups)
    for each in found.groups:
        is_only_one = alike[each.rule, each.component] == 1 and each.rule and each.component
        all_of_it = _all_matching(each.rule, each.component, typed.target)
        _show_group(each, all_of_it if is_only_one else _ids(each), console)
    console.print(f"[bold]{count(found.count, 'change')}[/] in {count(len(found.groups), 'group')}")
    everything = _all_matching(typed.rule, typed.component, typed.target)
    console.print(f"  approve all  {shown(_approve_command(everything))}")


def _ids(group: ApprovalGroup) -> str:
    """Return the arguments that select just the changes of a group."""
    return " ".join(short_id(each.id) for each in group.changes)


def _all_matching(rule: str, component: str, target: str) -> str:
    """Return the arguments that select all changes of these, quoted as a shell needs it."""
    given = {"--rule": rule, "--component": component, "--target": "" if target == "." else target}
    return shlex.join(("--all", *(word for pair in given.items() if pair[1] for word in pair)))


def _approve_command(which: str) -> str:
    """Return the command that approves the changes which these arguments select."""
    return as_typed_here(f'groundswell enhancement approve {which} --reason "…"')


def _show_group(group: ApprovalGroup, which: str, console: Console) -> None:
    """Show the first changes of a group, why they need approval, and the command that approves it.

    `which` are the arguments of that command that select the group.
    """
    number, code = len(group.changes), group.rule.partition(":")[2] or group.rule
    size = count(number, "change")
    console.print(f"[bold]{shown(code)}[/] in {shown(group.component)}: {size}")
    console.print(f"  {shown(MEANINGS.get(group.reason, group.reason))}")
    for each in group.changes[:MAX_LISTED_CHANGES]:
        console.print(f"  [yellow]{short_id(each.id)}[/] {shown(each.title)}")
        if each.because:
            console.print(f"           [dim]{shown(each.because)}[/]")
        show_outline(each.outline, console)
    if number > MAX_LISTED_CHANGES:
        console.print(f"  [dim]and {number - MAX_LISTED_CHANGES} more[/]")
    console.print(f"  approve  {shown(_approve_command(which))}\n")


def approve(
    reason: Why,
    enhancements: EnhancementIds = None,
    rule: Rule = "",
    component: Component = "",
    target: Repository = ".",
    *,
    every: All = False,
) -> None:
    """Approve changes: they land if they still pass."""
    wanted = _selection(enhancements, rule, component, target, every=every)
    execute(_decide(wanted, "approve", reason))


def reject(
    reason: Why,
    enhancements: EnhancementIds = None,
    rule: Rule = "",
    component: Component = "",
    target: Repository = ".",
    *,
    every: All = False,
) -> None:
    """Reject changes that need approval."""
    wanted = _selection(enhancements, rule, component, target, every=every)
    execute(_decide(wanted, "reject", reason))


def _selection(
    enhancements: Sequence[str] | None, rule: str, component: str, target: str, *, every: bool
) -> Sequence[str] | ApprovalFilter:
    """Return the ids, or with `--all` the filter. Raises `BadParameter` for a mix or neither."""
    if bool(enhancements) == every:
        raise typer.BadParameter("name changes by their ids, or give --all")
    if enhancements and (rule or component):
        raise typer.BadParameter("--rule and --component narrow --all down; give no ids with them")
    return enhancements or _filter(rule, component, target)


def _filter(rule: str, component: str, target: str) -> ApprovalFilter:
    """Return a filter for the changes of one repository; an empty rule or component permits all.

    `target` is its path or URL. Raises `Rejected` if there is no usable repository at the path.
    """
    return ApprovalFilter(target=location_of(target), rule=rule, component=component)


async def _decide(wanted: Sequence[str] | ApprovalFilter, decision: Decision, reason: str) -> int:
    """Submit the decision about all changes and follow them to their end.

    All are submitted first, so that changes approved together are tested together. Returns exit
    code 0 if all ended as decided, else 1.
    """
    with Progress(out) as progress:
        async with connect() as client:
            accepted = await _submit(wanted, decision, reason, client)
            progress.set_activity("the gate is testing what was approved")
            waves = {each.wave_id for each in accepted}
            after = min(each.events_after for each in accepted)
            return await _follow(
                client.events(after=after, wave=waves.pop() if len(waves) == 1 else ""),
                {each.enhancement_id for each in accepted},
                decision,
                progress,
            )


async def _submit(
    wanted: Sequence[str] | ApprovalFilter, decision: Decision, reason: str, client: ApiClient
) -> Sequence[DecisionAccepted]:
    """Submit a decision about all of them in this user's name, and return what was accepted."""
    by = getpass.getuser()
    if isinstance(wanted, ApprovalFilter):
        many = DecisionOnMany(reason=reason, by=by, **wanted.model_dump())
        return (await client.decide_many(decision, many)).items
    given = DecisionReason(reason=reason, by=by)
    return [await client.decide(each, decision, given) for each in wanted]


async def _follow(
    events: AsyncIterator[Event], undecided: set[str], decision: Decision, progress: Progress
) -> int:
    """Show events until every change has an outcome; return 0 if all are as decided, else 1."""
    wanted = EnhancementApplied if decision == "approve" else EnhancementRejected
    code = 0
    async for event in events:
        progress.show_event(event)
        change = getattr(event, "enhancement_id", None)
        if change not in undecided or not isinstance(event, OUTCOMES):
            continue
        undecided.discard(change)
        code = code if isinstance(event, wanted) else 1
        if not undecided:
            break
    return code
