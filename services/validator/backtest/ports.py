"""What reads the history of a target."""

from collections.abc import Collection, Sequence
from typing import Protocol

from services.validator.backtest.domain.history import Commit


class History(Protocol):
    """The history of one target, as it was fetched. It is read and never changed. Everything in it blocks."""

    def line(self, since: str, head: str) -> Sequence[Commit]:
        """The first-parent line after `since` up to `head`, oldest first, merges too."""
        ...

    def changed(self, before: str, after: str) -> Sequence[str]:
        """The paths in which two commits differ."""
        ...

    def patch(self, before: str, after: str) -> str:
        """What leads from one to the other, as a unified git diff."""
        ...

    def part(self, before: str, after: str, paths: Collection[str]) -> str:
        """The tree of `before` with these paths as `after` has them."""
        ...

    def wrote(self, fix: Commit, since: str, paths: Collection[str]) -> Collection[str]:
        """The commits of the line after `since` that wrote what `fix` changes in these paths."""
