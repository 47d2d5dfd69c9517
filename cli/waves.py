"""`groundswell wave …`: start, stop, list, show and roll back waves."""

import difflib
from typing import Annotated

import typer
from rich.table import Table

from cli.console import print_data, shown
from cli.execute import execute
from cli.location import location_of
from cli.options import Base, Components, DryRun, Focus, Json, Limit, Size
from cli.report import show_report
from cli.rollback import Dependents, Reason, roll_back
from cli.session import connect
from cli.text import as_typed_here, out
from shared.contracts.base import ALL, WaveSize
from shared.contracts.commands import RollbackOptions, StartWave
from shared.kernel.errors import Rejected
from shared.kernel.extensions import agent_type_names
from shared.kernel.ids import short_id, uuid7

app = typer.Typer(help="Start, stop, list, show and roll back waves.", no_args_is_help=True)
WaveId = Annotated[str, typer.Argument(help="The wave's id, or its last 8 characters.")]


def start_command(
    path: str, *, size: WaveSize, focus: str, components: str, base: str, dry_run: bool
) -> StartWave:
    """Return the command that the options stand for. Raises `Rejected` for an unknown focus."""
    known = [*agent_type_names(), ALL]
    if focus not in known:
        near = difflib.get_close_matches(focus, known, n=1)
        guess = f" Did you mean {near[0]}?" if near else ""
        raise Rejected(
            f"There is no agent type {focus}.{guess}", hint=f"Known: {', '.join(known)}."
        )
    names = tuple(each.strip() for each in components.split(",") if each.strip())
    return StartWave.model_validate(
        {
            "target": path,
            "base": base or None,
            "size": size,
            "focus": focus,
            "components": names,
            "dry_run": dry_run,
        }
    )


@app.command()
def start(
    path: Annotated[str, typer.Argument(help="A git repository: its path or url.")] = ".",
    size: Size = WaveSize.SMALL,
    focus: Focus = ALL,
    components: Components = "",
    base: Base = "",
    *,
    dry_run: DryRun = False,
    as_json: Json = False,
) -> None:
    """Start a wave on a running stack, and return at once."""
    command = start_command(
        path, size=size, focus=focus, components=components, base=base, dry_run=dry_run
    )
    execute(_start(command, as_json=as_json))


async def _start(command: StartWave, *, as_json: bool) -> int:
    """Start a wave on a stack that is up and print its id; return exit code 0."""
    location = location_of(command.target or ".", base=command.base)
    named = command.model_copy(update={"target": location, "wave_id": uuid7()})
    async with connect(start_stack=False) as client:
        opened = await client.start_wave(named)
    if as_json:
        print_data(opened)
        return 0
    out.print(
        f"wave {opened.wave_id} started; changes land on branch {shown(opened.landing_branch)}"
    )
    for note in opened.notes:
        out.print(f"  {shown(note)}")
    show = f"groundswell wave show {short_id(opened.wave_id)}"
    out.print(as_typed_here(f"see its report: {show}"))
    return 0


@app.command()
def stop(wave: WaveId, reason: Annotated[str, typer.Option(help="Why.")] = "") -> None:
    """Stop a wave: no more of its tasks start, and no more of its changes land."""
    execute(_stop(wave, reason))


async def _stop(wave: str, reason: str) -> int:
    """Stop a wave and print that it is stopped; return exit code 0."""
    async with connect() as client:
        stopped = await client.stop_wave(wave, reason)
    for each in stopped.waves:
        out.print(f"wave {each} stopped")
    return 0


@app.command()
def rollback(wave: WaveId, reason: Reason = "", *, dependents: Dependents = False) -> None:
    """Roll back everything a wave has landed, or nothing."""
    options = RollbackOptions(reason=reason, dependents=dependents)
    execute(roll_back(lambda client: client.roll_back_wave(wave, options)))


@app.command(name="list")
def list_(limit: Limit = 20, *, as_json: Json = False) -> None:
    """List the newest waves."""
    execute(_list(limit, as_json=as_json))


async def _list(limit: int, *, as_json: bool) -> int:
    """Print the newest waves as a table or as JSON; return exit code 0."""
    async with connect() as client:
        waves = await client.waves(limit)
    if as_json:
        print_data([each.model_dump(mode="json") for each in waves])
        return 0
    table = Table(box=None, pad_edge=False)
    for name in ("wave", "target", "state", "size", "focus", "tasks", "started", "commit"):
        table.add_column(name)
    for each in waves:
        table.add_row(
            short_id(each.id),
            shown(each.target),
            each.state,
            each.size,
            each.focus,
            str(each.tasks),
            f"{each.created_at:%Y-%m-%d %H:%M:%S}",
            each.commit[:10],
        )
    out.print(table if waves else "No waves yet.")
    return 0


@app.command()
def show(wave: WaveId, *, as_json: Json = False) -> None:
    """Show the report of a wave, as far as it has got."""
    execute(_show(wave, as_json=as_json))


async def _show(wave: str, *, as_json: bool) -> int:
    """Print the report of a wave; return exit code 0."""
    async with connect() as client:
        report = await client.report(wave)
    if as_json:
        print_data(report)
    else:
        show_report(report, out)
    return 0
