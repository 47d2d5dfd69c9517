"""`groundswell enhancement …`: list, show, approve, reject and roll back changes."""

from datetime import datetime
from typing import Annotated

import typer
from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from cli.console import print_data, shown, shown_lines
from cli.decisions import approvals, approve, reject
from cli.execute import execute
from cli.landed import show_outline
from cli.location import location_of
from cli.options import Json, Limit, Wave
from cli.rollback import Dependents, Reason, roll_back
from cli.session import connect
from cli.story import show_story
from cli.text import count, out
from shared.contracts.commands import RollbackOptions, RollbackSince
from shared.contracts.views import EnhancementDetails
from shared.kernel.ids import short_id

app = typer.Typer(help="List, show, approve, reject and roll back changes.", no_args_is_help=True)
EnhancementId = Annotated[
    str, typer.Argument(help="The change's id, or its last 8 characters.", metavar="ID")
]
State = Annotated[str, typer.Option(help="Only changes in this state: applied, rejected, …")]


@app.command(name="list")
def list_(wave: Wave = "", state: State = "", limit: Limit = 100, *, as_json: Json = False) -> None:
    """List changes, newest first."""
    execute(_list(wave, state, limit, as_json=as_json))


async def _list(wave: str, state: str, limit: int, *, as_json: bool) -> int:
    """Print changes, newest first, as a table or as JSON; return exit code 0."""
    async with connect() as client:
        changes = await client.enhancements(wave, state, limit)
    if as_json:
        print_data([each.model_dump(mode="json") for each in changes])
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("id", "state", "commit", "change"):
        table.add_column(name, no_wrap=name != "change")
    for each in changes:
        table.add_row(short_id(each.id), each.state, (each.commit or "")[:10], shown(each.title))
    out.print(table if changes else "No changes found.")
    return 0


@app.command()
def show(enhancement: EnhancementId, *, as_json: Json = False) -> None:
    """Show a change, and what happened to it in order."""
    execute(_show(enhancement, as_json=as_json))


async def _show(enhancement: str, *, as_json: bool) -> int:
    """Print a change and its story; return exit code 0."""
    async with connect() as client:
        change = await client.enhancement(enhancement)
        story = await client.story(change.id)
    if as_json:
        data = change.model_dump(mode="json") | {"story": story.model_dump(mode="json")["steps"]}
        print_data(data)
        return 0
    show_change(change, out)
    show_story(story, out)
    return 0


def show_change(change: EnhancementDetails, console: Console) -> None:
    """Show what a change is: its title, its rationale and a few facts."""
    console.print(f"[bold]{shown(change.title)}[/]\n")
    console.print(shown_lines(change.rationale) + "\n")
    for name, value in _facts(change):
        if value:
            console.print(f"[dim]{name:<10}[/] {shown(value)}")


def _facts(change: EnhancementDetails) -> list[tuple[str, str]]:
    """Return the facts of a change as pairs of name and text; a text may be empty."""
    code = change.rule.partition(":")[2] or change.rule
    fixes = (f"finding of {code}", f"findings of {code}")
    size = f"+{change.lines_added} -{change.lines_removed}"
    return [
        ("id", change.id),
        ("state", change.state.replace("_", " ")),
        ("wave", f"{short_id(change.wave_id)}, {change.component}, lease epoch {change.epoch}"),
        ("fixes", count(len(change.findings), *fixes)),
        ("files", f"{', '.join(change.files)} ({size})"),
        ("n8n", change.workflows.evidence if change.workflows else ""),
        ("released", "; ".join(change.releases)),
        ("commit", f"{change.commit} on {change.branch}" if change.commit else ""),
    ]


@app.command()
def diff(enhancement: EnhancementId) -> None:
    """Print the patch of a change."""
    execute(_diff(enhancement))


async def _diff(enhancement: str) -> int:
    """Print the patch of a change; on a terminal in colour, below its outline. Return exit code 0.

    Elsewhere nothing but the patch is printed, so that it can be applied.
    """
    async with connect() as client:
        text = await client.diff(enhancement)
        outline = (await client.enhancement(enhancement)).outline if out.is_terminal else ""
    if out.is_terminal:
        show_outline(outline, out)
        out.print(Syntax(text, "diff", background_color="default"))
    else:
        print(text, end="")  # noqa: T201 - to be piped into git apply
    return 0


app.command()(approvals)
app.command()(approve)
app.command()(reject)


@app.command()
def rollback(
    enhancement: Annotated[
        str, typer.Argument(help="The change's id, or its last 8 characters.", metavar="ID")
    ] = "",
    reason: Reason = "",
    since: Annotated[
        datetime | None,
        typer.Option(help="Instead of one change: everything that landed since (local time)."),
    ] = None,
    target: Annotated[
        str, typer.Option(help="With --since: the repository.", metavar="PATH")
    ] = ".",
    base: Annotated[
        str,
        typer.Option(
            help="With --since: the branch that was improved, where several were.",
            metavar="BRANCH",
        ),
    ] = "",
    *,
    dependents: Dependents = False,
) -> None:
    """Roll back landed changes with revert commits that pass the tests."""
    if bool(enhancement) == (since is not None):
        raise typer.BadParameter("name one change, or give --since")
    if since is None:
        options = RollbackOptions(reason=reason, dependents=dependents)
        execute(roll_back(lambda client: client.roll_back(enhancement, options)))
        return
    execute(
        _roll_back_since(
            since.astimezone(), target, base=base, reason=reason, dependents=dependents
        )
    )


async def _roll_back_since(
    since: datetime, target: str, *, base: str, reason: str, dependents: bool
) -> int:
    """Roll back what landed on the repository since a time; return 0, or 1 if it was refused."""
    request = RollbackSince(
        target=location_of(target),
        base=base or None,
        since=since,
        reason=reason,
        dependents=dependents,
    )
    return await roll_back(lambda client: client.roll_back_since(request))
