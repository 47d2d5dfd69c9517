"""Requests a rollback and follows it to its end."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from cli.client import ApiClient
from cli.progress import Progress
from cli.session import connect
from cli.text import count, out
from shared.contracts.answers import RollbackAccepted, RollbacksAccepted
from shared.contracts.events import Event, RollbackFinished
from shared.kernel.ids import short_id

Reason = Annotated[str, typer.Option(help="Why; it is recorded in the revert commits.")]
Dependents = Annotated[
    bool,
    typer.Option("--dependents", help="Also roll back later changes that depend on it."),
]
Request = Callable[[ApiClient], Awaitable[RollbackAccepted | RollbacksAccepted]]


async def roll_back(request: Request) -> int:
    """Send the request and show what comes of it; return 0, or 1 if the rollback was refused."""
    with Progress(out) as progress:
        async with connect() as client:
            accepted = await request(client)
            progress.set_activity("testing the revert")
            async for event in client.events(after=accepted.events_after):
                if isinstance(event, RollbackFinished):
                    if event.rollback_id == _rollback_id(accepted):
                        return _show_end(event, progress)
                elif _belongs_to(event, accepted):
                    progress.show_event(event)
    return 1


def _rollback_id(accepted: RollbackAccepted | RollbacksAccepted) -> str:
    """Return the id the rollback ends with: that of a single change is the change's own."""
    if isinstance(accepted, RollbacksAccepted):
        return accepted.rollback_id
    return accepted.enhancement_id


def _belongs_to(event: Event, accepted: RollbackAccepted | RollbacksAccepted) -> bool:
    """Return whether an event is about the rollback; a rollback of several shows every event."""
    if isinstance(accepted, RollbacksAccepted):
        return True
    return getattr(event, "enhancement_id", None) == accepted.enhancement_id


def _show_end(event: RollbackFinished, progress: Progress) -> int:
    """Show how a rollback ended; return exit code 0 if it succeeded, else 1."""
    if event.succeeded:
        progress.print_line(f"{count(len(event.enhancements), 'change')} rolled back", "green")
        return 0
    progress.print_line(event.reason, "red")
    for test in event.tests:
        progress.print_line(f"caught by {test}")
    for each in event.dependents:
        progress.print_line(f"depends on it: groundswell enhancement show {short_id(each)}")
    return 1
