"""The command line `groundswell`. Exit codes: 0 done, 1 failed, 2 wrong use, 130 interrupted."""

import asyncio
from pathlib import Path
from typing import Annotated

import stamina.instrumentation
import typer

from cli import enhancements, findings, infinite, keys, nats, system, target, waves, webhooks
from cli.agents import list_agents
from cli.backtest import run_backtest
from cli.components import show_components
from cli.execute import execute, reported_errors
from cli.options import Base, Components, DryRun, Focus, Json, Size, Unsandboxed
from cli.run import run_wave
from cli.why import explain_task
from shared.contracts.base import ALL, WaveSize
from shared.contracts.commands import BacktestScope

app = typer.Typer(
    name="groundswell",
    help="Improve a repository in small changes; only what is measured to be no worse lands.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(waves.app, name="wave")
app.add_typer(enhancements.app, name="enhancement")
app.add_typer(findings.app, name="findings")
app.add_typer(webhooks.app, name="webhook")
app.add_typer(infinite.app, name="infinite")
app.add_typer(keys.app, name="keys")
app.add_typer(nats.app, name="nats")


@app.command()
def run(
    path: Annotated[str, typer.Argument(help="A git repository: its path or url.")] = ".",
    size: Size = WaveSize.SMALL,
    focus: Focus = ALL,
    components: Components = "",
    base: Base = "",
    *,
    dry_run: DryRun = False,
    allow_unsandboxed: Unsandboxed = False,  # noqa: ARG001 - its callback applies it
    as_json: Json = False,
) -> None:
    """Run one wave on a repository, and show its report."""
    command = waves.start_command(
        path, size=size, focus=focus, components=components, base=base, dry_run=dry_run
    )
    execute(run_wave(command, as_json=as_json))


@app.command()
def backtest(
    path: Annotated[str, typer.Argument(help="A git repository: its path or url.")] = ".",
    *,
    since: Annotated[
        str, typer.Option(help="Replay the commits after this one.", metavar="REVISION")
    ],
    limit: Annotated[
        int, typer.Option(help="Replay at most this many commits, the newest.", min=1, max=1000)
    ] = 200,
    base: Base = "",
    report: Annotated[
        Path | None, typer.Option(help="Also write a Markdown report to this file.", metavar="FILE")
    ] = None,
    allow_unsandboxed: Unsandboxed = False,  # noqa: ARG001 - its callback applies it
    as_json: Json = False,
) -> None:
    """Replay a repository's history through the gate: what it catches, misses and costs.

    Nothing lands.
    """
    command = BacktestScope(target=path, base=base or None, since=since, limit=limit)
    execute(run_backtest(command, report=report, as_json=as_json))


@app.command()
def up(
    port: Annotated[int, typer.Option(help="The API's port; 0 for any free port.")] = 8420,
    *,
    allow_unsandboxed: Unsandboxed = False,  # noqa: ARG001 - its callback applies it
) -> None:
    """Run the stack until interrupted: NATS, MongoDB and the five services."""
    execute(system.up(port))


@app.command()
def status(*, as_json: Json = False) -> None:
    """Show how many processes run agents of each type, and what work is unfinished."""
    execute(system.status(as_json=as_json))


@app.command()
def agents(
    *,
    wave: Annotated[str, typer.Option(help="Only agents of this wave.", metavar="ID")] = "",
    every: Annotated[bool, typer.Option("--all", help="Also agents of ended waves.")] = False,
    as_json: Json = False,
) -> None:
    """Show the agents at work and what each is at."""
    execute(list_agents(wave, every=every, as_json=as_json))


@app.command()
def why(
    task: Annotated[str, typer.Argument(help="The task's id, or its last 8 characters.")],
    *,
    as_json: Json = False,
) -> None:
    """Show why a task was taken up, and what else its wave could have taken up."""
    execute(explain_task(task, as_json=as_json))


@app.command()
def doctor(*, as_json: Json = False) -> None:
    """Check this machine: what is installed, what is missing, and what to install."""
    execute(system.doctor(as_json=as_json))


@app.command()
def init(
    path: Annotated[str, typer.Argument(help="A git repository.")] = ".",
    *,
    force: Annotated[bool, typer.Option("--force", help="Replace an existing file.")] = False,
    show: Annotated[bool, typer.Option("--print", help="Print it instead of writing it.")] = False,
) -> None:
    """Write a groundswell.toml with what was detected, and why."""
    execute(asyncio.to_thread(target.init, path, force=force, show=show))


@app.command()
def components(
    path: Annotated[str, typer.Argument(help="A git repository.")] = ".", *, as_json: Json = False
) -> None:
    """Show the components of a repository: owners, paths and sizes; what overlaps or is unowned."""
    execute(asyncio.to_thread(show_components, path, as_json=as_json))


@app.command()
def example(
    path: Annotated[Path, typer.Argument(help="Where to put it; must not exist yet.")],
    *,
    keep: Annotated[bool, typer.Option("--keep", help="Succeed if it already exists.")] = False,
) -> None:
    """Copy the bundled example to a git repository of its own."""
    execute(asyncio.to_thread(target.example, path, keep=keep))


def main() -> None:
    """Run the command line."""
    # Retries would otherwise be logged between the lines of the command.
    stamina.instrumentation.set_on_retry_hooks([])
    # Options are checked, and repositories looked at, before a command's work is executed.
    with reported_errors():
        app()
