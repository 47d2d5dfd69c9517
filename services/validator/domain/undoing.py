"""Which commits must go so that some of them can, and the tree that is left: pure but for the revert it is given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol


class Revert(Protocol):
    """A tree without one commit; without a tree, where later lines are in the way."""

    @property
    def tree(self) -> str | None: ...

    @property
    def conflicts(self) -> tuple[str, ...]: ...


@dataclass(frozen=True)
class Step:
    """A landed change: its id, its commit, and the files it changed."""

    id: str
    commit: str
    files: tuple[str, ...]


@dataclass(frozen=True)
class Undone:
    """What goes, newest first, and the tree after each; `tree` is what is left."""

    tree: str
    order: tuple[str, ...]
    trees: tuple[str, ...]


class Conflicted(Exception):
    """No landed change is in the way any more, and still it does not come off: foreign commits are."""

    def __init__(self, paths: Sequence[str]) -> None:
        super().__init__(", ".join(paths))
        self.paths = tuple(paths)


def undo(
    tree: str,
    stack: Sequence[Step],
    chosen: Sequence[str],
    revert: Callable[[str, str], Revert],
) -> Undone:
    """Revert `chosen` from a stack (newest first), with the fewest later changes that are in their way.

    `revert(tree, commit)` tries one. Where one does not come off, the later change of the same files
    that alone clears the way goes as well; where none alone does, the newest of them, and so on.
    Raises `Conflicted`.
    """
    going = set(chosen)
    while True:
        found = _attempt(tree, stack, going, revert)
        if isinstance(found, Undone):
            return found
        stuck, paths = found
        later = [
            each
            for each in stack[: stack.index(stuck)]
            if each.id not in going and set(each.files) & set(paths)
        ]
        if not later:
            raise Conflicted(paths)
        clears = (
            each
            for each in reversed(later)
            if not _is_stuck(_attempt(tree, stack, going | {each.id}, revert), stuck)
        )
        going.add(next(clears, later[0]).id)


def _attempt(
    tree: str, stack: Sequence[Step], going: set[str], revert: Callable[[str, str], Revert]
) -> Undone | tuple[Step, tuple[str, ...]]:
    """The result, or the first change that does not come off and where."""
    order, trees = [], []
    for step in stack:
        if step.id in going:
            reverted = revert(tree, step.commit)
            if reverted.tree is None:
                return step, reverted.conflicts
            tree = reverted.tree
            order.append(step.id)
            trees.append(tree)
    return Undone(tree, tuple(order), tuple(trees))


def _is_stuck(found: Undone | tuple[Step, tuple[str, ...]], step: Step) -> bool:
    return not isinstance(found, Undone) and found[0] == step
