"""Planning which landed changes must be reverted so that some of them can be.

Pure but for the function it is given, which reverts one commit.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol


class RevertedTree(Protocol):
    """A tree without one commit, or no tree and the paths that conflict with later changes."""

    @property
    def tree(self) -> str | None:
        """The tree's object id; None if the revert conflicts."""

    @property
    def conflicts(self) -> tuple[str, ...]:
        """The paths that conflict; empty if there is a tree."""


@dataclass(frozen=True)
class RevertibleChange:
    """A change on the landing branch, its commit and the files that it changed."""

    id: str
    commit: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class RevertPlan:
    """The changes to revert, newest first, with the tree after each; `tree` is the last one."""

    tree: str
    order: tuple[str, ...]
    trees: tuple[str, ...]


class RevertConflictError(Exception):
    """A revert conflicts with commits that are not ours, in these paths."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(", ".join(paths))
        self.paths = tuple(paths)


def plan_reverts(
    tree: str,
    stack: Sequence[RevertibleChange],
    chosen: Sequence[str],
    revert: Callable[[str, str], RevertedTree],
) -> RevertPlan:
    """Plan to revert `chosen` from a stack (newest first) with as few later changes as possible.

    `revert(tree, commit)` tries one revert. If it conflicts, a later change of the same files is
    reverted as well, with all that conflicts with it in turn: among those that resolve the conflict
    the one that needs the fewest reverts; if none does alone, the newest, and so on.
    Raises `RevertConflictError` if no landed change is left that could be in the way.
    """
    return _RevertSearch(tree, stack, revert).plan(frozenset(chosen))


@dataclass
class _RevertSearch:
    """The search for a plan; `closures` caches what must be reverted together with a change."""

    tree: str
    stack: Sequence[RevertibleChange]
    revert: Callable[[str, str], RevertedTree]
    closures: dict[str, frozenset[str]] = field(default_factory=dict)

    def plan(self, chosen: frozenset[str]) -> RevertPlan:
        """Return a plan to revert these changes and what is in the way; see `plan_reverts`."""
        selected = chosen
        while True:
            found = self._attempt(selected)
            if isinstance(found, RevertPlan):
                return found
            stuck, paths = found
            later = [
                each
                for each in self.stack[: self.stack.index(stuck)]
                if each.id not in selected and set(each.files) & set(paths)
            ]
            if not later:
                raise RevertConflictError(paths)
            closures = [closure for each in later if (closure := self._closure(each))]
            helpful = [each for each in closures if self._resolves(stuck, selected | each)]
            selected |= min(helpful, key=len) if helpful else {later[0].id}

    def _closure(self, change: RevertibleChange) -> frozenset[str]:
        """Return a change with all that must be reverted before it; empty if it cannot be."""
        if change.id not in self.closures:
            try:
                self.closures[change.id] = frozenset(self.plan(frozenset({change.id})).order)
            except RevertConflictError:
                self.closures[change.id] = frozenset()
        return self.closures[change.id]

    def _resolves(self, stuck: RevertibleChange, selected: frozenset[str]) -> bool:
        """Return True if the conflict at `stuck` is gone; reverts go from newest to oldest."""
        found = self._attempt(selected)
        if isinstance(found, RevertPlan):
            return True
        return self.stack.index(found[0]) > self.stack.index(stuck)

    def _attempt(
        self, selected: frozenset[str]
    ) -> RevertPlan | tuple[RevertibleChange, tuple[str, ...]]:
        """Revert all selected; return the plan, or the first change that conflicts and where."""
        tree, order, trees = self.tree, [], []
        for change in self.stack:
            if change.id in selected:
                reverted = self.revert(tree, change.commit)
                if reverted.tree is None:
                    return change, reverted.conflicts
                tree = reverted.tree
                order.append(change.id)
                trees.append(tree)
        return RevertPlan(tree, tuple(order), tuple(trees))
