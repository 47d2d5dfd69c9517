"""`groundswell enhancement …`: look at changes, and take them off again."""

import getpass
import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax
from rich.table import Table

from cli.execute import execute
from cli.options import Json, Limit, Wave
from cli.progress import Progress
from cli.session import api
from cli.story import show_story
from cli.text import count, out, short
from cli.undoing import Dependents, Reason, follow
from shared.contracts.commands import Decision, DecisionReason, RollbackOptions, RollbackSince
from shared.contracts.documents.enhancements import Enhancement
from shared.contracts.events import (
    ApprovalRequested,
    EnhancementApplied,
    EnhancementExpired,
    EnhancementRejected,
    Event,
)
from shared.targets.repository import inspect_repository, is_url

app = typer.Typer(help="List, show and roll back changes.", no_args_is_help=True)
EnhancementId = Annotated[
    str, typer.Argument(help="The change's id, or its last 8 characters.", metavar="ID")
]
EnhancementIds = Annotated[
    list[str], typer.Argument(help="The changes' ids, or their last 8 characters.", metavar="ID…")
]
ENDS = (EnhancementApplied, EnhancementRejected, EnhancementExpired, ApprovalRequested)
Why = Annotated[str, typer.Option("--reason", help="Why; it is kept with the change.")]
State = Annotated[str, typer.Option(help="Only those in this state: applied, rejected, …")]


@app.command(name="list")
def list_(wave: Wave = "", state: State = "", limit: Limit = 100, *, as_json: Json = False) -> None:
    """Changes, newest first."""
    execute(_list(wave, state, limit, as_json=as_json))


async def _list(wave: str, state: str, limit: int, *, as_json: bool) -> int:
    async with api() as talker:
        changes = await talker.enhancements(wave, state, limit)
    if as_json:
        out.print_json(data=[each.model_dump(mode="json") for each in changes])
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("id", "state", "commit", "change"):
        table.add_column(name, no_wrap=name != "change")
    for each in changes:
        table.add_row(
            short(each.id),
            each.state,
            (each.landing.commit or "")[:10],
            escape(each.proposal.title),
        )
    out.print(table if changes else "There is none.")
    return 0


@app.command()
def show(enhancement: EnhancementId, *, as_json: Json = False) -> None:
    """What a change is, and what happened to it, in order."""
    execute(_show(enhancement, as_json=as_json))


async def _show(enhancement: str, *, as_json: bool) -> int:
    async with api() as talker:
        change = await talker.enhancement(enhancement)
        story = await talker.story(change.id)
    if as_json:
        told = change.model_dump(mode="json") | {"story": story.model_dump(mode="json")["steps"]}
        print(json.dumps(told, indent=1))  # noqa: T201 - data for another program
        return 0
    show_change(change, out)
    show_story(story, out)
    return 0


def show_change(change: Enhancement, console: Console) -> None:
    """What it is; what happened to it is its story."""
    console.print(f"[bold]{escape(change.proposal.title)}[/]\n")
    console.print(escape(change.proposal.rationale) + "\n")
    for name, value in _facts(change):
        if value:
            console.print(f"[dim]{name:<10}[/] {escape(value)}")


def _facts(change: Enhancement) -> list[tuple[str, str]]:
    fixes = (f"finding of {change.proposal.fix.rule}", f"findings of {change.proposal.fix.rule}")
    return [
        ("id", change.id),
        ("state", change.state.replace("_", " ")),
        (
            "wave",
            f"{short(change.wave_id)}, {change.proposal.component}, lease epoch {change.proposal.epoch}",
        ),
        ("fixes", count(len(change.proposal.findings), *fixes)),
        (
            "files",
            f"{', '.join(change.proposal.patch.files)} (+{change.proposal.patch.lines_added} -{change.proposal.patch.lines_removed})",
        ),
        (
            "commit",
            f"{change.landing.commit} on {change.landing.branch}" if change.landing.commit else "",
        ),
    ]


@app.command()
def diff(enhancement: EnhancementId) -> None:
    """Its patch."""
    execute(_diff(enhancement))


async def _diff(enhancement: str) -> int:
    async with api() as talker:
        text = await talker.diff(enhancement)
    if out.is_terminal:
        out.print(Syntax(text, "diff", background_color="default"))
    else:
        print(text, end="")  # noqa: T201 - to be piped into git apply
    return 0


@app.command()
def approve(enhancements: EnhancementIds, reason: Why) -> None:
    """Let changes that wait for you land, if they still pass."""
    execute(_decide(enhancements, "approve", reason))


@app.command()
def reject(enhancements: EnhancementIds, reason: Why) -> None:
    """Refuse changes that wait for you."""
    execute(_decide(enhancements, "reject", reason))


async def _decide(enhancements: Sequence[str], decision: Decision, reason: str) -> int:
    """Hand all of it over, so that what is approved together is tried together; then follow each to its end."""
    with Progress(out) as progress:
        async with api() as talker:
            said = DecisionReason(reason=reason, by=getpass.getuser())
            asked = [await talker.decide(each, decision, said) for each in enhancements]
            waves = {each.wave_id for each in asked}
            progress.doing("the gate tries it again" if len(asked) == 1 else "the gate is at work")
            after = min(each.events_after for each in asked)
            wave = waves.pop() if len(waves) == 1 else ""
            return await _follow(
                talker.events(after=after, wave=wave),
                {each.enhancement_id for each in asked},
                decision,
                progress,
            )


async def _follow(
    events: AsyncIterator[Event], open_: set[str], decision: Decision, progress: Progress
) -> int:
    """Until each of `open_` has come to an end: 0 where all of them as they should."""
    code = 0
    async for event in events:
        progress.tell(event)
        change = getattr(event, "enhancement_id", None)
        if change not in open_ or not isinstance(event, ENDS):
            continue
        open_.discard(change)
        wanted = EnhancementApplied if decision == "approve" else EnhancementRejected
        code = code if isinstance(event, wanted) else 1
        if not open_:
            break
    return code


@app.command()
def rollback(
    enhancement: Annotated[
        str, typer.Argument(help="The change's id, or its last 8 characters.", metavar="ID")
    ] = "",
    reason: Reason = "",
    since: Annotated[
        datetime | None,
        typer.Option(help="Instead of one: all that landed since then (local time)."),
    ] = None,
    target: Annotated[
        str, typer.Option(help="With --since: the repository.", metavar="PATH")
    ] = ".",
    *,
    dependents: Dependents = False,
) -> None:
    """Take a landed change off its branch again, by a revert that passes the tests."""
    if bool(enhancement) == (since is not None):
        raise typer.BadParameter("name one change, or say --since when")
    if since is None:
        asked = RollbackOptions(reason=reason, dependents=dependents)
        execute(follow(lambda talker: talker.roll_back(enhancement, asked)))
    else:
        execute(_since(since.astimezone(), target, reason, dependents=dependents))


async def _since(since: datetime, target: str, reason: str, *, dependents: bool) -> int:
    location = target if is_url(target) else inspect_repository(target).location
    asked = RollbackSince(target=location, since=since, reason=reason, dependents=dependents)
    return await follow(lambda talker: talker.roll_back_since(asked))
