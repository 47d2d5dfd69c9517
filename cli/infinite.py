"""`groundswell infinite …`: wave after wave on a repository, until it is switched off."""

from typing import Annotated

import typer
from pydantic import BaseModel

from cli.console import print_data, shown
from cli.execute import execute
from cli.location import location_of
from cli.options import Base, Focus, Json
from cli.session import connect
from cli.text import out
from shared.contracts.answers import InfiniteStatus
from shared.contracts.base import ALL
from shared.contracts.commands import (
    GetInfiniteMode,
    PauseInfiniteMode,
    ResumeInfiniteMode,
    StartInfiniteMode,
    StopInfiniteMode,
)
from shared.contracts.views import InfiniteView
from shared.kernel.ids import short_id, uuid7

app = typer.Typer(help="Run wave after wave, until it is switched off.", no_args_is_help=True)
Where = Annotated[str, typer.Argument(help="A git repository: its path or url.")]
Chosen = Annotated[
    str,
    typer.Argument(help="A repository: its path, url or name; every one without."),
]
Why = Annotated[str, typer.Option(help="Why.")]


@app.command()
def start(
    path: Where = ".",
    throttle: Annotated[int, typer.Option(help="Agents at work at once.", min=1, max=15)] = 3,
    interval: Annotated[
        int, typer.Option(help="The pause after each wave, in seconds.", min=60, max=86_400)
    ] = 900,
    focus: Focus = ALL,
    base: Base = "",
    *,
    resume_after_restart: Annotated[
        bool, typer.Option(help="Whether it goes on when the stack is started again.")
    ] = True,
    as_json: Json = False,
) -> None:
    """Run wave after wave on a repository; again, to change how."""
    command = StartInfiniteMode(
        target=location_of(path, base=base or None),
        base=base or None,
        throttle=throttle,
        interval_seconds=interval,
        focus=focus,
        resume_after_restart=resume_after_restart,
        request_id=uuid7(),
    )
    execute(_send("/infinite", command, as_json=as_json))


@app.command()
def pause(target: Chosen = "", reason: Why = "paused by request", *, as_json: Json = False) -> None:
    """Start no more waves; one that runs is finished."""
    command = PauseInfiniteMode(target=_named(target), reason=reason)
    execute(_send("/infinite/pause", command, as_json=as_json))


@app.command()
def resume(
    target: Chosen = "", reason: Why = "resumed by request", *, as_json: Json = False
) -> None:
    """Go on at once: paused, waiting, or with its breaker open."""
    command = ResumeInfiniteMode(target=_named(target), reason=reason)
    execute(_send("/infinite/resume", command, as_json=as_json))


@app.command()
def stop(
    target: Chosen = "",
    reason: Why = "stopped by request",
    *,
    after_wave: Annotated[
        bool, typer.Option("--after-wave", help="Finish the wave that runs.")
    ] = False,
    as_json: Json = False,
) -> None:
    """End it for good, with the wave that it runs; no restart brings it back."""
    command = StopInfiniteMode(target=_named(target), reason=reason, after_wave=after_wave)
    execute(_send("/infinite/stop", command, as_json=as_json))


@app.command()
def status(target: Chosen = "", *, as_json: Json = False) -> None:
    """Show what it is at: the wave that runs, or why it is idle and when it wakes."""
    execute(_status(GetInfiniteMode(target=_named(target)), as_json=as_json))


def _named(target: str) -> str | None:
    """Return the target as the services know it: a path as its location, anything else as it is."""
    return location_of(target) if target.startswith(("/", ".", "~")) else target or None


async def _send(path: str, command: BaseModel, *, as_json: bool) -> int:
    """Send a command about infinite mode to a stack that is up; print how it is; return 0."""
    async with connect(start_stack=False) as client:
        _print(await client.infinite(path, command), as_json=as_json)
    return 0


async def _status(question: GetInfiniteMode, *, as_json: bool) -> int:
    """Print how infinite mode is; return exit code 0."""
    async with connect(start_stack=False) as client:
        _print(await client.infinite_status(question.target), as_json=as_json)
    return 0


def _print(found: InfiniteStatus, *, as_json: bool) -> None:
    """Print infinite mode on some targets, as sentences or as JSON."""
    if as_json:
        print_data(found)
        return
    for each in found.modes:
        _print_mode(each)
    if not found.modes:
        out.print("Infinite mode runs nowhere.")


def _print_mode(mode: InfiniteView) -> None:
    """Print infinite mode on one target, as sentences."""
    out.print(f"[bold]{shown(mode.target)}[/] ({shown(mode.base_branch)})  {mode.state}")
    agents = f"{mode.throttle_now} of {mode.throttle} agents at once"
    out.print(f"  {agents}, every {mode.interval_seconds} s, waves so far: {mode.waves}")
    if mode.wave_id:
        out.print(f"  wave {short_id(mode.wave_id)} is running")
    elif mode.idle_reason:
        out.print(f"  idle: {shown(mode.idle_reason)}")
    if mode.wakes_at:
        out.print(f"  looks again at {mode.wakes_at.astimezone():%Y-%m-%d %H:%M:%S}")
