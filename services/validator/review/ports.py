"""What shows people a pull request: a git remote and a forge."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class NewPullRequest:
    """What is asked of a forge: that its people look at `branch`, to be merged into `base`.

    `remote` is the url git pushes to. It may hold a password, so it is never shown.
    """

    remote: str = field(repr=False)
    branch: str
    base: str
    title: str
    body: str


class Remote(Protocol):
    """Where a target's people review, as git sees it. Everything in it blocks."""

    @property
    def url(self) -> str:
        """Where git pushes to. Raises `Rejected` where the target has no such remote."""
        ...

    def branches(self) -> Mapping[str, str]:
        """The commits of our branches there, and of the base branch. Raises `Transient`."""
        ...

    def push(self, branch: str, commit: str, seen: str | None) -> None:
        """Move a branch there forward from `seen`; None is a new one.

        Raises `Conflict` where others pushed to it, `Rejected` where it is refused, `Transient`.
        """
        ...

    def merged(self, commit: str) -> bool:
        """Whether the base branch, as last fetched, contains a commit."""
        ...


class Forge(Protocol):
    """Where people review what landed."""

    async def open(self, request: NewPullRequest) -> str:
        """The url of the open pull request between these branches; made where there is none.

        One that is there gets the title and the body that are wanted now.
        Raises `Rejected` where the forge refuses it, `Transient` where it may answer later.
        """
        ...
