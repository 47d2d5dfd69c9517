"""Following a rollback to its end."""

from collections.abc import Awaitable, Callable
from typing import Annotated

import typer

from cli.client import Api
from cli.progress import Progress
from cli.session import api
from cli.text import count, out
from shared.contracts.answers import RollbackAccepted, RollbackAsked
from shared.contracts.events import RollbackFinished

Reason = Annotated[str, typer.Option(help="Why; it stands in the commits.")]
Dependents = Annotated[
    bool,
    typer.Option("--dependents", help="Take off later changes that depend on it, too."),
]
Ask = Callable[[Api], Awaitable[RollbackAccepted | RollbackAsked]]


async def follow(ask: Ask) -> int:
    """Ask, and tell what comes of it; 1 where it was refused."""
    with Progress(out) as progress:
        async with api() as talker:
            asked = await ask(talker)
            mine = asked.rollback_id if isinstance(asked, RollbackAsked) else asked.enhancement_id
            progress.doing("testing the revert")
            async for event in talker.events(after=asked.events_after):
                if not isinstance(event, RollbackFinished):
                    if getattr(event, "enhancement_id", None) == mine or mine == getattr(
                        asked, "rollback_id", None
                    ):
                        progress.tell(event)
                elif event.rollback_id == mine:
                    return _told(event, progress)
    return 1


def _told(event: RollbackFinished, progress: Progress) -> int:
    if event.succeeded:
        progress.say(f"{count(len(event.enhancements), 'change')} taken off", "green")
        return 0
    progress.say(event.reason, "red")
    for test in event.tests:
        progress.say(f"caught by {test}")
    for each in event.dependents:
        progress.say(f"depends on it: groundswell enhancement show {each[-8:]}")
    return 1
