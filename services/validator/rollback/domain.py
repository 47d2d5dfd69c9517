"""Which commits must go so that some of them can, and the tree that is left: pure but for the revert it is given."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
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
    that clears the way goes as well, with all that is in its own way; of several the one that takes
    the fewest along. Where no single one clears it, the newest goes, and so on. Raises `Conflicted`.
    """
    return _Undoing(tree, stack, revert).take_off(frozenset(chosen))


@dataclass
class _Undoing:
    """`ways` remembers for each change what has to go with it."""

    tree: str
    stack: Sequence[Step]
    revert: Callable[[str, str], Revert]
    ways: dict[str, frozenset[str]] = field(default_factory=dict)

    def take_off(self, chosen: frozenset[str]) -> Undone:
        going = chosen
        while True:
            found = self._attempt(going)
            if isinstance(found, Undone):
                return found
            stuck, paths = found
            later = [
                each
                for each in self.stack[: self.stack.index(stuck)]
                if each.id not in going and set(each.files) & set(paths)
            ]
            if not later:
                raise Conflicted(paths)
            ways = [way for each in later if (way := self._with_its_own(each))]
            clear = [way for way in ways if self._gets_past(stuck, going | way)]
            going |= min(clear, key=len) if clear else {later[0].id}

    def _with_its_own(self, step: Step) -> frozenset[str]:
        """A change and what would have to go before it; nothing where it cannot go at all."""
        if step.id not in self.ways:
            try:
                self.ways[step.id] = frozenset(self.take_off(frozenset({step.id})).order)
            except Conflicted:
                self.ways[step.id] = frozenset()
        return self.ways[step.id]

    def _gets_past(self, stuck: Step, going: frozenset[str]) -> bool:
        """Whether what was stuck comes off now; reverting goes from the newest to the oldest."""
        found = self._attempt(going)
        return isinstance(found, Undone) or self.stack.index(found[0]) > self.stack.index(stuck)

    def _attempt(self, going: frozenset[str]) -> Undone | tuple[Step, tuple[str, ...]]:
        """The result, or the first change that does not come off and where."""
        tree, order, trees = self.tree, [], []
        for step in self.stack:
            if step.id in going:
                reverted = self.revert(tree, step.commit)
                if reverted.tree is None:
                    return step, reverted.conflicts
                tree = reverted.tree
                order.append(step.id)
                trees.append(tree)
        return Undone(tree, tuple(order), tuple(trees))
