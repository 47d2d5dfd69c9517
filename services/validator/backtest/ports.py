"""The port that reads the history of a target."""

from collections.abc import Collection, Sequence
from typing import Protocol

from services.validator.backtest.domain.history import Commit


class History(Protocol):
    """The history of one target as last fetched, read only. Every method blocks."""

    def line(self, since: str, head: str) -> Sequence[Commit]:
        """Return the commits from `head` back to `since`, which is not included, oldest first.

        Only first parents are followed, so a merge is one commit. A root commit is left out, as it
        has no parent to compare it with.
        """
        ...

    def changed(self, before: str, after: str) -> Sequence[str]:
        """Return the paths in which two commits or trees differ, sorted."""
        ...

    def patch(self, before: str, after: str) -> str:
        """Return the unified git diff from one commit or tree to the other."""
        ...

    def part(self, before: str, after: str, paths: Collection[str]) -> str:
        """Return the id of the tree of `before` with these paths as they are in `after`."""
        ...

    def wrote(self, fix: Commit, since: str, paths: Collection[str]) -> Collection[str]:
        """Return the commits after `since` that wrote code that `fix` removes in these paths."""
