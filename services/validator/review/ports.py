"""Ports of the review capability: a git remote, and a forge that hosts pull requests."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class NewPullRequest:
    """A pull request to open: `branch` is to be merged into `base`.

    `remote` is the url that git pushes to. It may hold a password, so it is never shown.
    """

    remote: str = field(repr=False)
    branch: str
    base: str
    title: str
    body: str


class Remote(Protocol):
    """The git remote on which a target's people review changes. Every method blocks."""

    @property
    def url(self) -> str:
        """The url that git pushes to. Raises `Rejected` if the target has no such remote."""
        ...

    def branches(self) -> Mapping[str, str]:
        """Return the commit of each of our branches and of the base branch. Raises `Transient`."""
        ...

    def push(self, branch: str, commit: str, seen: str | None) -> None:
        """Move a remote branch forward from `seen`, which is None for a new branch.

        Raises `Conflict` if others pushed to it, `Rejected` if the remote refuses it, `Transient`.
        """
        ...

    def merged(self, commit: str) -> bool:
        """Return True if the base branch, as last fetched, contains a commit."""
        ...


class Forge(Protocol):
    """A server that hosts pull requests, such as GitHub or GitLab."""

    async def open(self, request: NewPullRequest) -> str:
        """Open a pull request between two branches, and return its url.

        If there is an open one, its title and body are updated instead. Raises `Rejected` if the
        forge refuses it, `Transient` if it may succeed later.
        """
        ...
