"""The command line. Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted."""

import asyncio
from pathlib import Path
from typing import Annotated

import typer

from cli import enhancements, system, target, waves
from cli.backtest import run_backtest
from cli.execute import execute
from cli.options import Base, Components, DryRun, Focus, Json, Size, Unsandboxed
from cli.run import run_wave
from shared.contracts.base import ALL, WaveSize
from shared.contracts.commands import BacktestScope

app = typer.Typer(
    name="groundswell",
    help="Waves of agents improve a repository; only what is measured to be no worse lands.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(waves.app, name="wave")
app.add_typer(enhancements.app, name="enhancement")


@app.command()
def run(
    path: Annotated[str, typer.Argument(help="A git repository: its path or url.")] = ".",
    size: Size = WaveSize.SMALL,
    focus: Focus = ALL,
    components: Components = "",
    base: Base = "",
    *,
    dry_run: DryRun = False,
    allow_unsandboxed: Unsandboxed = False,  # noqa: ARG001 - its callback does it
    as_json: Json = False,
) -> None:
    """Run one wave on a repository, and report what it came to."""
    command = waves.start_command(
        path, size=size, focus=focus, components=components, base=base, dry_run=dry_run
    )
    execute(run_wave(command, as_json=as_json))


@app.command()
def backtest(
    path: Annotated[str, typer.Argument(help="A git repository: its path or url.")] = ".",
    *,
    since: Annotated[
        str, typer.Option(help="BacktestScope the commits after this one.", metavar="REVISION")
    ],
    limit: Annotated[int, typer.Option(help="The newest so many.", min=1, max=1000)] = 200,
    base: Base = "",
    report: Annotated[
        Path | None, typer.Option(help="Write a report there, as Markdown.", metavar="FILE")
    ] = None,
    allow_unsandboxed: Unsandboxed = False,  # noqa: ARG001 - its callback does it
    as_json: Json = False,
) -> None:
    """BacktestScope a repository's own history: what the gate would have caught, missed, and cost. Lands nothing."""
    command = BacktestScope(target=path, base=base or None, since=since, limit=limit)
    execute(run_backtest(command, report=report, as_json=as_json))


@app.command()
def up(
    port: Annotated[int, typer.Option(help="The API's port; 0 for any that is free.")] = 8420,
    *,
    allow_unsandboxed: Unsandboxed = False,  # noqa: ARG001 - its callback does it
) -> None:
    """Keep the stack up: NATS, the Mongo wire, and the five services."""
    execute(system.up(port))


@app.command()
def status(*, as_json: Json = False) -> None:
    """What is going on."""
    execute(system.status(as_json=as_json))


@app.command()
def agents(
    *,
    active: Annotated[bool, typer.Option("--active", help="Only those that are there.")] = False,
    as_json: Json = False,
) -> None:
    """The registered agents."""
    execute(system.agents(active=active, as_json=as_json))


@app.command()
def doctor(*, as_json: Json = False) -> None:
    """What is there, what is missing, what that costs, and what to install."""
    execute(system.doctor(as_json=as_json))


@app.command()
def init(
    path: Annotated[str, typer.Argument(help="A git repository.")] = ".",
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace one that is there.")] = False,
    show: Annotated[bool, typer.Option("--print", help="Only print it.")] = False,
) -> None:
    """Write a groundswell.toml that says what was detected, with the reasons."""
    execute(asyncio.to_thread(target.init, path, force=force, show=show))


@app.command()
def example(
    path: Annotated[Path, typer.Argument(help="Where to put it; must not exist.")],
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Fine if it is there already.")] = False,
) -> None:
    """Copy the bundled example, as a git repository of its own."""
    execute(asyncio.to_thread(target.example, path, keep=keep))


def main() -> None:
    """The entry point."""
    app()
